// What a tokenizer.json does to a text before it is cut up: Replace, Prepend and Sequences of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"

namespace cell2text {

/// The replacing of one text by another, everywhere. `find` is not empty. `begins`, the number of leading bytes that
/// stand for the first character of an original text, follows: what replaces a text stands for its last character.
inline std::string replace_all(std::string_view text, std::string_view find, std::string_view with,
                               std::size_t& begins) {
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  const std::size_t before = std::exchange(begins, 0);
  for (std::size_t at; (at = text.find(find, done)) != std::string_view::npos; done = at + find.size()) {
    if (done < before) begins = result.size() + std::min(at, before) - done;
    result += text.substr(done, at - done);
    result += with;
    if (at + find.size() <= before) begins = result.size();
  }
  if (done < before) begins = result.size() + before - done;
  return result += text.substr(done);
}
inline std::string replace_all(std::string_view text, std::string_view find, std::string_view with) {
  std::size_t begins = 0;
  return replace_all(text, find, with, begins);
}

/// The text of a pattern {"String": TEXT}. InputError: a regular expression where `what` takes none, an empty text.
inline std::string literal_pattern(const nlohmann::json& json, const std::string& what, const std::string& where) {
  const nlohmann::json& pattern = json_member(json, "pattern", where);
  const auto text = optional_value<std::string>(pattern, "String", where + ".pattern");
  if (!text)
    throw InputError(where + ": the pattern of '" + what + "' is " + json_detail::shortened(pattern) +
                     "; {\"String\": ...} is expected, other patterns are not supported");
  if (text->empty()) throw InputError(where + ": the pattern of '" + what + "' is empty; a text to find is expected");
  return *text;
}

/// The value of "normalizer". Const, and usable from several threads.
class Normalizer {
 public:
  Normalizer() = default;
  /// `where` names the value in errors. InputError: another component, a pattern that is no plain text.
  Normalizer(const nlohmann::json& json, const std::string& where) { add(json, where); }

  bool empty() const { return steps_.empty(); }

  /// The text as the model sees it. InputError: a text that would become far longer, which only a hostile file asks
  /// for.
  std::string apply(std::string_view text) const {
    std::size_t begins = 0;
    return apply(text, begins);
  }
  /// The same; `begins` as in replace_all.
  std::string apply(std::string_view text, std::size_t& begins) const {
    std::string result(text);
    for (const Step& step : steps_) {
      const std::size_t longest = step.find.empty() ? result.size() + step.with.size()
                                                    : result.size() * std::max(step.with.size(), std::size_t{1});
      if (longest > max_growth * (text.size() + 1000))
        throw InputError("a text of " + std::to_string(text.size()) + " bytes could grow to " +
                         std::to_string(longest) + " when it is normalised; the tokenizer's file is damaged");
      if (!step.find.empty())
        result = replace_all(result, step.find, step.with, begins);
      else if (!result.empty()) {
        result.insert(0, step.with);
        if (begins > 0) begins += step.with.size();
      }
    }
    return result;
  }

 private:
  struct Step {
    std::string find;  // empty: `with` is put before the text
    std::string with;
  };
  static constexpr std::size_t max_steps = 20;
  static constexpr std::size_t max_growth = 64;

  void add(const nlohmann::json& json, const std::string& where) {
    const auto type = required<std::string>(json, "type", where);
    if (type == "Sequence") {
      const nlohmann::json& parts = json_list(json, "normalizers", where);
      for (std::size_t i = 0; i < parts.size(); ++i) add(parts[i], where + ".normalizers[" + std::to_string(i) + "]");
      return;
    }
    if (type == "Replace") {
      steps_.push_back({literal_pattern(json, type, where), required<std::string>(json, "content", where)});
      if (steps_.back().with.empty())
        throw InputError(where + ": 'content' is empty, and text that is deleted is not supported; a text is expected");
    } else if (type == "Prepend") {
      steps_.push_back({"", required<std::string>(json, "prepend", where)});
    } else {
      throw InputError(where + ": the component '" + type +
                       "' is not supported; Replace, Prepend, Sequence or null is " + "expected");
    }
    if (steps_.size() > max_steps)
      throw InputError(where + ": a text is normalised in more than " + std::to_string(max_steps) +
                       " steps; a few are expected");
  }

  std::vector<Step> steps_;
};

}  // namespace cell2text
