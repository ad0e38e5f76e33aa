// Labels of a cell that are known before it is described, and the field of a prompt that tells them:
// "{given:tissue,sex}" reads "Known: tissue lung, sex male. ", and nothing where nothing is given.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// The labels of a description, in the order in which a model is asked about them: from the text's end to its
/// beginning.
inline constexpr std::array<std::string_view, 5> asked_labels = {"development_stage", "sex", "disease", "tissue",
                                                                 "cell_type"};

/// What is known of a cell before it is described: labels by role (asked_labels).
using GivenLabels = std::map<std::string, std::string>;

/// What is known of a row of the source.
using GivenOfRow = std::function<GivenLabels(std::int64_t row)>;

/// InputError where it is not one of asked_labels; `where` begins the message.
inline void expect_label(const std::string& label, const std::string& where) {
  const std::vector<std::string> known(asked_labels.rbegin(), asked_labels.rend());
  if (std::ranges::find(known, label) == known.end())
    throw InputError(where + ": descriptions have no label '" + label + "'" + suggestion(label, known));
}

/// "{given:LABEL,...}" in a user message.
struct GivenField {
  std::string before, after;  ///< the message around it
  std::vector<std::string> labels;
};

/// The field of a user message, or nothing where it has none. InputError where it is not written so, has a label that
/// descriptions do not have or the same one twice, or is not the only one.
inline std::optional<GivenField> given_field(const std::string& user) {
  constexpr std::string_view opening = "{given";
  const std::size_t at = user.find(opening);
  if (at == user.npos) return std::nullopt;
  const std::size_t end = user.find('}', at);
  const std::string written = user.substr(at, end == user.npos ? end : end + 1 - at);
  const std::string where = "'user' holds '" + written + "'";
  if (end == user.npos || !written.starts_with("{given:"))
    throw InputError(where + "; labels that may be given are written {given:tissue,sex}");
  GivenField field{user.substr(0, at), user.substr(end + 1), {}};
  for (std::size_t begin = opening.size() + 1; begin < written.size();) {
    const std::size_t comma = std::min(written.find(',', begin), written.size() - 1);
    field.labels.push_back(written.substr(begin, comma - begin));
    begin = comma + 1;
    expect_label(field.labels.back(), where);
    if (std::ranges::count(field.labels, field.labels.back()) > 1)
      throw InputError(where + ", which names '" + field.labels.back() + "' twice");
  }
  if (field.after.find(opening) != user.npos)
    throw InputError(where + " and another field of given labels behind it; name all labels in one");
  return field;
}

/// What stands in place of the field: "Known: tissue lung, development stage adult stage. ", in the order of `labels`;
/// empty where none of them is given.
inline std::string given_text(const std::vector<std::string>& labels, const GivenLabels& given) {
  std::string text;
  for (const std::string& label : labels) {
    const auto found = given.find(label);
    if (found == given.end()) continue;
    std::string words = label;
    std::ranges::replace(words, '_', ' ');
    text += (text.empty() ? "Known: " : ", ") + words + " " + found->second;
  }
  return text.empty() ? text : text + ". ";
}

}  // namespace cell2text
