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
#include "cell2text/io/input_file.hpp"
#include "cell2text/text/description.hpp"
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

  /// Reads lines of name, tab and description. InputError naming file and line: no tab or more than one, an empty
  /// description, a name or a description twice; or a file without any line. Errors of the file as InputFile.
  explicit KnownPathways(const std::filesystem::path& path) {
    const InputFile file(path);
    std::string text(file.size(), '\0');
    text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
    refuse_git_lfs_pointer(text, path);
    std::string_view rest = text;
    for (std::size_t line = 1; !rest.empty(); ++line) {
      const std::size_t end = rest.find('\n');
      const std::string_view content = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (!content.empty()) add(content, path.string() + ":" + std::to_string(line));
    }
    if (names_.empty())
      throw InputError(path.string() + " holds no pathways; lines of a name, a tab and a description are expected");
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
  void add(std::string_view line, const std::string& where) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || line.find('\t', tab + 1) != std::string_view::npos)
      throw InputError(where + ": " + std::to_string(std::ranges::count(line, '\t')) +
                       " tabs; a name, one tab and a description are expected");
    const std::string name(trim(line.substr(0, tab))), form = compared_form(line.substr(tab + 1));
    if (form.empty()) throw InputError(where + ": the description of " + name + " is empty");
    const auto number = static_cast<std::uint32_t>(names_.size());
    if (!by_name_.emplace(name, number).second) throw InputError(where + ": the pathway " + name + " is listed twice");
    if (const auto [entry, is_new] = by_form_.emplace(form, number); !is_new)
      throw InputError(where + ": " + name + " is described like " + names_[entry->second] +
                       "; texts could not tell them apart");
    names_.push_back(name);
    texts_.emplace_back(characters(form));
  }

  std::vector<std::string> names_;
  std::vector<SimilarText> texts_;
  std::unordered_map<std::string, std::uint32_t> by_name_, by_form_;
};

}  // namespace cell2text::pathways
