// The template of a description as places: all ways of writing the labels that may stand at each.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/label_limits.hpp"
#include "cell2text/generate/template_place.hpp"

namespace cell2text {

/// The places of descriptions of one model. Those that no given label changes are made once.
class TemplatePlaces {
 public:
  /// `decoder` must outlive it.
  TemplatePlaces(const DecoderHandle& decoder, LabelLimits limits) : decoder_(decoder), limits_(std::move(limits)) {}

  const LabelLimits& limits() const { return limits_; }

  /// Whether the second sentence is written by its places alone: where one of its labels is restricted or given.
  bool restricts_origin(const GivenLabels& given) const {
    return std::ranges::any_of(asked_labels, [&](std::string_view role) {
      return role != "cell_type" && (given.contains(std::string(role)) || limits_.allowed.contains(std::string(role)));
    });
  }
  bool restricts_type(const GivenLabels& given) const {
    return given.contains("cell_type") || limits_.allowed.contains("cell_type");
  }
  /// Whether a text must have the second sentence.
  static bool needs_origin(const GivenLabels& given) {
    return given.size() > static_cast<std::size_t>(given.contains("cell_type"));
  }

  /// The text's beginning, with the cell type where that is restricted.
  PlacePtr begin(const GivenLabels& given) {
    const std::int64_t rest = needs_origin(given) ? cue(given)->least() : 0;
    return made("begin", given, {"cell_type"}, {std::to_string(rest)}, [&] {
      const std::string opener(template_text::cell_type_opener.substr(0, template_text::cell_type_opener.size() - 1));
      if (!restricts_type(given)) return make("", {{opener, 0}}, {{Lead::To::text, {}, rest}});
      Wordings all;
      for (const std::string& name : limits_.names("cell_type", given))
        for (const std::string& words : label_questions_detail::with_articles(name))
          all.push_back({opener + " " + words + ",", 0}), all.push_back({opener + " " + words + ".", 1});
      return make("", all, {{Lead::To::definition, {}, rest + 2}, {Lead::To::sentence, {}, rest ? rest + 1 : 0}});
    });
  }

  /// The words that lead to the second sentence, and that sentence.
  PlacePtr cue(const GivenLabels& given) {
    return made("cue", given, origin_roles, {}, [&] {
      const PlacePtr to = origin(given);
      return make("a cell", {{origin_cue(), 0}}, {{Lead::To::place, to, to->least()}});
    });
  }

  /// Behind "It originates from".
  PlacePtr origin(const GivenLabels& given) {
    return made("origin", given, origin_roles, {}, [&] {
      Wordings all = given.contains("tissue") ? Wordings() : donor_words(given);
      for (const std::string& name : limits_.names("tissue", given)) all.push_back({" the " + name + " of", 3});
      std::vector<Lead> leads = donor_leads(given);
      const PlacePtr to = donor(given);
      leads.push_back({Lead::To::place, to, to->least()});
      return make("It originates from", all, leads);
    });
  }

  /// ". It originates from"
  static std::string origin_cue() {
    return std::string(template_text::origin_opener.substr(0, template_text::origin_opener.size() - 1));
  }

 private:
  using Lead = TemplatePlace::Lead;
  using Wordings = std::vector<label_questions_detail::Wording>;
  static inline const std::vector<std::string> donor_roles{"disease", "sex", "development_stage"},
      origin_roles{"tissue", "disease", "sex", "development_stage"};

  /// "female", "male", and without a given sex "individual".
  std::vector<std::string> whom(const GivenLabels& given) const {
    std::vector<std::string> words = limits_.names("sex", given);
    if (!given.contains("sex")) words.emplace_back(template_text::anybody);
    return words;
  }

  /// Words before a stage lead to lead 0, the sentence's end is lead 1.
  static void add_ends(const std::string& words, const GivenLabels& given, Wordings& all) {
    all.push_back({words + " during", 0});
    if (!given.contains("development_stage")) all.push_back({words + ".", 1});
  }

  /// Those of add_ends, and lead 2 behind "a normal".
  Wordings donor_words(const GivenLabels& given) const {
    Wordings all;
    std::vector<std::string> diseases = limits_.names("disease", given), donors;
    if (std::ranges::any_of(diseases, label_questions_detail::is_normal)) all.push_back({" a normal", 2});
    std::erase_if(diseases, label_questions_detail::is_normal);
    for (const std::string& who : whom(given))
      for (const std::string& words : label_questions_detail::with_articles(who)) donors.push_back(" " + words);
    if (!given.contains("disease"))
      for (const std::string& words : donors) add_ends(words, given, all);
    if (!given.contains("sex")) donors.emplace_back(" a");  // as the authors write of whom no sex is known
    for (const std::string& words : donors)
      for (const std::string& name : diseases) add_ends(words + " with " + name, given, all);
    return all;
  }
  std::vector<Lead> donor_leads(const GivenLabels& given) {
    const PlacePtr during = stage(given), normal = who(given);
    return {{Lead::To::place, during, during->least()}, {}, {Lead::To::place, normal, normal->least()}};
  }

  /// Behind "the lung of".
  PlacePtr donor(const GivenLabels& given) {
    return made("donor", given, donor_roles, {},
                [&] { return make("originates from the lung of", donor_words(given), donor_leads(given)); });
  }
  /// Behind "a normal".
  PlacePtr who(const GivenLabels& given) {
    return made("who", given, {"sex", "development_stage"}, {}, [&] {
      Wordings all;
      for (const std::string& words : whom(given)) add_ends(" " + words, given, all);
      const PlacePtr during = stage(given);
      return make("originates from the lung of a normal", all, {{Lead::To::place, during, during->least()}, {}});
    });
  }
  /// Behind "during".
  PlacePtr stage(const GivenLabels& given) {
    return made("stage", given, {"development_stage"}, {}, [&] {
      Wordings all;
      for (const std::string& name : limits_.names("development_stage", given)) all.push_back({" " + name + ".", 0});
      return make("a normal male during", all, {{}});
    });
  }

  PlacePtr make(const std::string& context, const Wordings& wordings, std::vector<Lead> leads) const {
    const std::vector<std::int64_t> before = decoder_.encode_text(context);
    std::vector<LabelPath> paths;
    for (const auto& [words, lead] : wordings) {
      paths.push_back({label_questions_detail::tokens_behind(decoder_, context, words), lead});
      std::vector<std::int64_t> whole = before;
      whole.insert(whole.end(), paths.back().tokens.begin(), paths.back().tokens.end());
      if (const std::string text = decoder_.decode_text(whole); text != context + words)
        throw InputError("the decoder's tokenizer gives back '" + context + words + "' as '" + text +
                         "', so that a text's labels cannot be restricted; describe without --given, --allow and "
                         "--ontology-only");
    }
    const std::int64_t count = std::ssize(leads);
    return std::make_shared<const TemplatePlace>(LabelTree(std::move(paths), count), std::move(leads));
  }

  /// The place of this name for what is given of `roles`.
  PlacePtr made(const std::string& name, const GivenLabels& given, const std::vector<std::string>& roles,
                const std::vector<std::string>& more, const std::function<PlacePtr()>& make) {
    std::vector<std::string> key{name};
    key.insert(key.end(), more.begin(), more.end());
    for (const std::string& role : roles) {
      const auto value = given.find(role);
      key.push_back(value == given.end() ? "" : value->second);
    }
    const auto found = places_.find(key);
    if (found != places_.end()) return found->second;
    return places_[key] = make();
  }

  const DecoderHandle& decoder_;
  LabelLimits limits_;
  std::map<std::vector<std::string>, PlacePtr> places_;
};

}  // namespace cell2text
