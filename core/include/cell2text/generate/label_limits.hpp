// Which labels a description may have, and how those that it may not have would read.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/forbidden_phrases.hpp"
#include "cell2text/generate/label_questions.hpp"

namespace cell2text {

/// Labels by role. A role that is not in `allowed` is not restricted.
struct LabelLimits {
  std::map<std::string, std::vector<std::string>> known;    ///< that the model's training saw
  std::map<std::string, std::vector<std::string>> allowed;  ///< of these

  /// The labels that a text may have.
  std::vector<std::string> names(const std::string& role, const GivenLabels& given) const {
    if (const auto one = given.find(role); one != given.end()) return {one->second};
    const auto some = allowed.find(role);
    return some == allowed.end() ? all(role) : some->second;
  }
  /// The labels that a text could have without any restriction.
  std::vector<std::string> all(const std::string& role) const {
    if (role == "sex") return {"female", "male"};
    if (role == "development_stage") return {age_buckets.begin(), age_buckets.end()};
    std::vector<std::string> labels = label_questions_detail::known_of(known, role);
    if (role == "disease" && std::ranges::none_of(labels, label_questions_detail::is_normal))
      labels.emplace_back(template_text::normal);
    return labels;
  }

  /// What a text would read like whose cell type may not be had: from its beginning.
  ForbiddenPhrases other_types(const GivenLabels& given) const {
    const std::string opener = lower(template_text::cell_type_opener);
    std::vector<std::string> phrases;
    for (const std::string& name : others("cell_type", given))
      for (const char* article : {"a ", "an ", ""}) phrases.push_back(opener + article + name);
    return ForbiddenPhrases(std::move(phrases), opener.size());
  }
  /// What would be read as a disease or stage that may not be had, behind a second sentence without one.
  ForbiddenPhrases other_origins(const GivenLabels& given) const {
    std::vector<std::string> phrases;
    for (const std::string& name : others("disease", given))
      phrases.push_back(std::string(template_text::disease_opener) + name);
    for (const std::string& name : others("development_stage", given))
      phrases.push_back(std::string(template_text::stage_opener) + name);
    return ForbiddenPhrases(std::move(phrases));
  }

 private:
  /// Squeezed.
  std::vector<std::string> others(const std::string& role, const GivenLabels& given) const {
    std::set<std::string> allowed;
    for (const std::string& name : names(role, given)) allowed.insert(squeezed(name));
    std::vector<std::string> rest;
    for (const std::string& name : all(role))
      if (!allowed.contains(squeezed(name))) rest.push_back(squeezed(name));
    return rest;
  }
};

}  // namespace cell2text
