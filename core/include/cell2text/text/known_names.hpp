// Finding the longest of many known names at one place of a text. Knows nothing of cells.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/text/words.hpp"

namespace cell2text {

/// A text with white space folded, as spelled and in lower case; both have the same length.
struct FoldedText {
  explicit FoldedText(std::string_view text) : spelled(fold_spaces(text)), lowered(lower(spelled)) {}
  std::string spelled, lowered;
};

/// Names to be found at a given place of a text, each ending where the template goes on.
class KnownNames {
 public:
  KnownNames() = default;
  explicit KnownNames(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const FoldedText folded(name);
      if (folded.spelled.empty()) continue;
      std::vector<Spelling>& spellings = by_lowered_[folded.lowered];
      spellings.push_back({name, folded.spelled});
      lengths_.push_back(folded.lowered.size());
    }
    std::ranges::sort(lengths_, std::greater<>());
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  }

  /// The longest name that starts at `begin` and is followed by one of `terminators` or the end, with the
  /// position behind it. Of names that differ in case alone, the one spelled as in the text, else the first.
  /// A terminator "." counts where a blank or the end follows.
  template <class Terminators>
  std::optional<std::pair<std::string, std::size_t>> longest_at(const FoldedText& text, std::size_t begin,
                                                                const Terminators& terminators) const {
    const std::string_view lowered = text.lowered;
    if (begin >= lowered.size()) return std::nullopt;
    for (const std::size_t length : lengths_) {
      const std::size_t end = begin + length;
      if (end > lowered.size() || !ends_at(lowered, end, terminators)) continue;
      const auto found = by_lowered_.find(lowered.substr(begin, length));
      if (found == by_lowered_.end()) continue;
      const std::string_view spelled = std::string_view(text.spelled).substr(begin, length);
      return std::pair(label_spelled(found->second, spelled), end);
    }
    return std::nullopt;
  }

 private:
  struct Spelling {
    std::string label, folded;
  };

  template <class Terminators>
  static bool ends_at(std::string_view text, std::size_t end, const Terminators& terminators) {
    const std::string_view rest = text.substr(end);
    if (rest.empty()) return true;
    for (const std::string_view terminator : terminators)
      if (rest.starts_with(terminator) && (terminator != "." || rest.size() == 1 || rest[1] == ' ')) return true;
    return false;
  }
  static const std::string& label_spelled(const std::vector<Spelling>& spellings, std::string_view spelled) {
    for (const Spelling& spelling : spellings)
      if (spelling.folded == spelled) return spelling.label;
    return spellings.front().label;
  }

  std::unordered_map<std::string, std::vector<Spelling>, ViewHash, std::equal_to<>> by_lowered_;
  std::vector<std::size_t> lengths_;  ///< of all names, each once, longest first
};

}  // namespace cell2text
