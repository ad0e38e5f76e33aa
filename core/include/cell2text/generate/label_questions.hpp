// What a model is asked about a description's labels: at each place of the template, every known label in every way in
// which the template writes it, as a tree of the decoder's tokens.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/generate/label_tree.hpp"
#include "cell2text/plugin/handles.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text {

/// One place of the template.
struct LabelQuestion {
  std::vector<std::string> labels;
  LabelTree tree;
};

namespace label_questions_detail {

/// A way of writing a label where the text before is `context`.
struct Wording {
  std::string words;  // from the blank before it to what must follow
  std::int32_t label;
};

inline std::vector<std::string> with_articles(const std::string& name) {
  using Preset = DescriptionStyle::Preset;
  const std::string paper = description_detail::with_article(name, Preset::paper),
                    authors = description_detail::with_article(name, Preset::authors);
  return paper == authors ? std::vector{paper} : std::vector{paper, authors};
}

/// The decoder's tokens of `words` as they follow `context`. InputError where its tokenizer mixes the two.
inline std::vector<std::int64_t> tokens_behind(const DecoderHandle& decoder, const std::string& context,
                                               const std::string& words) {
  const std::vector<std::int64_t> before = decoder.encode_text(context);
  std::vector<std::int64_t> all = decoder.encode_text(context + words);
  if (all.size() <= before.size() || !std::equal(before.begin(), before.end(), all.begin()))
    throw InputError(
        "the decoder's tokenizer does not write '" + words + "' apart from '" + context +
        "' before it, so that labels cannot be told apart by their tokens; describe with --no-confidence, and "
        "without --given, --allow and --ontology-only");
  return {all.begin() + static_cast<std::ptrdiff_t>(before.size()), all.end()};
}

inline LabelQuestion question(const DecoderHandle& decoder, const std::string& context, std::vector<std::string> labels,
                              const std::vector<Wording>& wordings) {
  std::vector<LabelPath> paths;
  for (const Wording& one : wordings) paths.push_back({tokens_behind(decoder, context, one.words), one.label});
  const std::int64_t count = std::ssize(labels);
  return {std::move(labels), LabelTree(std::move(paths), count)};
}

inline bool is_normal(const std::string& disease) {
  return lower(disease) == template_text::normal;
}

/// The labels of a role, each once, in order, without those that say that nothing is known.
inline std::vector<std::string> known_of(const std::map<std::string, std::vector<std::string>>& known,
                                         const std::string& role) {
  const auto found = known.find(role);
  std::vector<std::string> labels;
  if (found != known.end())
    for (const std::string& label : found->second)
      if (const auto value = known_value(label)) labels.push_back(*value);
  std::ranges::sort(labels);
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

inline const std::vector<std::string>& donors() {
  static const std::vector<std::string> all{"a male", "a female", "an individual", "a individual"};
  return all;
}

}  // namespace label_questions_detail

/// The questions of one model. `known` holds the labels that its training saw, by role.
class LabelQuestions {
 public:
  LabelQuestions(const DecoderHandle& decoder, const std::map<std::string, std::vector<std::string>>& known)
      : cell_type_(cell_types(decoder, label_questions_detail::known_of(known, "cell_type"))),
        tissue_(tissues(decoder, label_questions_detail::known_of(known, "tissue"))),
        disease_(diseases(decoder, label_questions_detail::known_of(known, "disease"))),
        sex_(sexes(decoder, "originates from the lung of", "a ", {" with", " during", "."})),
        normal_sex_(sexes(decoder, "originates from the lung of a normal", "", {" during", "."})),
        stage_(stages(decoder)) {}

  const LabelQuestion& cell_type() const { return cell_type_; }
  const LabelQuestion& tissue() const { return tissue_; }
  const LabelQuestion& disease() const { return disease_; }
  /// Of a donor with a disease, or of whom none is told.
  const LabelQuestion& sex() const { return sex_; }
  const LabelQuestion& normal_sex() const { return normal_sex_; }
  const LabelQuestion& stage() const { return stage_; }

 private:
  using Wordings = std::vector<label_questions_detail::Wording>;

  static LabelQuestion cell_types(const DecoderHandle& decoder, const std::vector<std::string>& names) {
    Wordings all;
    for (std::size_t i = 0; i < names.size(); ++i)
      for (const std::string& words : label_questions_detail::with_articles(names[i]))
        for (const char* end : {",", ". It"}) all.push_back({" " + words + end, static_cast<std::int32_t>(i)});
    return label_questions_detail::question(decoder, "This sample consists of", names, all);
  }

  static LabelQuestion tissues(const DecoderHandle& decoder, const std::vector<std::string>& names) {
    Wordings all;
    for (std::size_t i = 0; i < names.size(); ++i)
      all.push_back({" " + names[i] + " of", static_cast<std::int32_t>(i)});
    return label_questions_detail::question(decoder, "It originates from the", names, all);
  }

  /// "a normal ...", or any donor "with ...". The donor counts as one of the ways.
  static LabelQuestion diseases(const DecoderHandle& decoder, std::vector<std::string> names) {
    using label_questions_detail::is_normal;
    if (std::ranges::none_of(names, is_normal)) names.emplace_back(template_text::normal);
    Wordings all;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto label = static_cast<std::int32_t>(i);
      if (is_normal(names[i])) {
        all.push_back({" a normal", label});
        continue;
      }
      for (const std::string& donor : label_questions_detail::donors())
        for (const char* end : {" during", "."}) all.push_back({" " + donor + " with " + names[i] + end, label});
    }
    return label_questions_detail::question(decoder, "originates from the lung of", names, all);
  }

  static LabelQuestion sexes(const DecoderHandle& decoder, const std::string& context, const std::string& article,
                             const std::vector<std::string>& ends) {
    const std::vector<std::string> names{"female", "male"};
    Wordings all;
    for (std::size_t i = 0; i < names.size(); ++i)
      for (const std::string& end : ends) all.push_back({" " + article + names[i] + end, static_cast<std::int32_t>(i)});
    return label_questions_detail::question(decoder, context, names, all);
  }

  static LabelQuestion stages(const DecoderHandle& decoder) {
    const std::vector<std::string> names(age_buckets.begin(), age_buckets.end());
    Wordings all;
    for (std::size_t i = 0; i < names.size(); ++i) all.push_back({" " + names[i] + ".", static_cast<std::int32_t>(i)});
    return label_questions_detail::question(decoder, "a normal male during", names, all);
  }

  LabelQuestion cell_type_, tissue_, disease_, sex_, normal_sex_, stage_;
};

}  // namespace cell2text
