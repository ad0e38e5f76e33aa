// The pathways that descriptions may tell: a table of names and descriptions, and finding the one that a text means.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/pathway_table.hpp"
#include "cell2text/text/words.hpp"
#include "similar_text.hpp"

namespace cell2text::pathways {

/// The form in which texts are compared: lower case, white space folded, without the final period, which the template
/// shares between a description and its sentence.
inline std::string compared_form(std::string_view text) {
  const std::string folded = fold_spaces(lower(text));
  std::string_view form = folded;
  take_suffix(form, template_text::end);
  return std::string(trim(form));
}

/// The parts of a description that tell pathways, in compared form: what follows ". This cell is associated with ", up
/// to ". Additionally, it involves " or the end, and what follows that. Empty where the text tells none.
inline std::vector<std::string> pathway_parts(std::string_view text) {
  static const std::string first = lower(template_text::first_pathway_opener),
                           second = lower(std::string(template_text::end).append(template_text::second_pathway_opener));
  const std::string folded = fold_spaces(lower(text));
  const std::size_t at = folded.find(first);
  if (at == std::string::npos) return {};
  const std::string_view rest = std::string_view(folded).substr(at + first.size());
  const std::size_t middle = rest.find(second);
  std::vector<std::string> parts{compared_form(rest.substr(0, middle))};
  if (middle != std::string_view::npos) parts.push_back(compared_form(rest.substr(middle + second.size())));
  return parts;
}

/// Const, and usable from several threads.
class KnownPathways {
 public:
  static constexpr double least_ratio = 0.97;

  /// InputError of read_pathway_table, and where a description is empty in compared form or is another's as well.
  explicit KnownPathways(const std::filesystem::path& path) {
    for (const PathwayLine& line : read_pathway_table(path)) add(line);
  }

  const std::vector<std::string>& names() const { return names_; }

  /// The pathway with this name or, in compared form, this description.
  std::optional<std::uint32_t> named(const std::string& text) const {
    const auto name = by_name_.find(text);
    if (name != by_name_.end()) return name->second;
    const auto form = by_form_.find(compared_form(text));
    return form == by_form_.end() ? std::nullopt : std::optional(form->second);
  }

  /// The pathway that a part of a text means: the one described so, else the one whose description is most alike by
  /// difflib's ratio, if that is at least `least_ratio`. Nothing where none is, or two are alike to the same degree.
  std::optional<std::uint32_t> meant(const std::string& part) const {
    if (const auto form = by_form_.find(part); form != by_form_.end()) return form->second;
    const std::u32string letters = characters(part);
    std::optional<std::uint32_t> best;
    double best_ratio = 0;
    bool tie = false;
    for (std::uint32_t i = 0; i < texts_.size(); ++i) {
      if (!texts_[i].may_reach(letters, least_ratio)) continue;
      const double ratio = texts_[i].ratio(letters);
      if (ratio < least_ratio || ratio < best_ratio) continue;
      tie = best && ratio == best_ratio;
      best = i, best_ratio = ratio;
    }
    return tie ? std::nullopt : best;
  }

 private:
  void add(const PathwayLine& line) {
    const std::string form = compared_form(line.description);
    if (form.empty()) throw InputError(line.where + ": the description of " + line.name + " is empty");
    const auto number = static_cast<std::uint32_t>(names_.size());
    if (const auto [entry, is_new] = by_form_.emplace(form, number); !is_new)
      throw InputError(line.where + ": " + line.name + " is described like " + names_[entry->second] +
                       "; texts could not tell them apart");
    by_name_.emplace(line.name, number);
    names_.push_back(line.name);
    texts_.emplace_back(characters(form));
  }

  std::vector<std::string> names_;
  std::vector<SimilarText> texts_;
  std::unordered_map<std::string, std::uint32_t> by_name_, by_form_;
};

}  // namespace cell2text::pathways
