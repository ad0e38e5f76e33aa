// How descriptions are generated: the [generation] table of an experiment.
#pragma once

#include "cell2text/settings.hpp"

namespace cell2text {

/// When the beam search of a cell is over: true, false or "never".
struct EarlyStopping {
  enum class Rule {
    off,    ///< false
    on,     ///< true
    never,  ///< "never"
  };
  Rule rule = Rule::on;

  EarlyStopping(bool on = true) : rule(on ? Rule::on : Rule::off) {}
  EarlyStopping(Rule rule) : rule(rule) {}
  friend bool operator==(const EarlyStopping&, const EarlyStopping&) = default;
};

/// How the next token is drawn. Meaning, order (as listed) and edge cases as transformers' logits processors.
struct SamplingOptions {
  double temperature = 0;  ///< scores are divided by it; 0 = nothing is drawn, the best token is taken
  std::int64_t top_k = 0;  ///< 0 = off
  double top_p = 1;        ///< 1 = off
  double min_p = 0;        ///< 0 = off
  std::uint64_t seed = 0;
};

namespace settings_detail {

template <>
struct Field<EarlyStopping> {
  static constexpr const char* type = "boolean or never";
  static void read(const Value& value, const std::string& key, const About&, EarlyStopping& out,
                   SettingsFaults& faults) {
    if (const auto* found = value.get_if<bool>())
      out = *found;
    else if (const auto* text = value.get_if<std::string>(); text && *text == "never")
      out = EarlyStopping::Rule::never;
    else
      wrong_type(value, key, "true, false or 'never'", faults);
  }
  static Value write(const EarlyStopping& field) {
    if (field.rule == EarlyStopping::Rule::never) return {std::string("never"), {}};
    return {field.rule == EarlyStopping::Rule::on, {}};
  }
};

}  // namespace settings_detail

/// Defaults follow the paper (4 beams, early stopping). The authors' code adds no_repeat_ngram_size 3 and
/// max_new_tokens 100 (preset = "authors"); both forbid descriptions that are correct.
struct GenerationSettings {
  std::string preset = "paper";
  std::int64_t beams = 4;
  IntOrAuto max_new_tokens;
  EarlyStopping early_stopping;
  double length_penalty = 1.0;
  IntOrAuto no_repeat_ngram_size;
  double repetition_penalty = 1.0;
  double temperature = 0;
  std::int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0;
  std::int64_t seed = 0;
  std::vector<std::string> stop;
  std::int64_t batch_size = 16;

  SamplingOptions sampling() const { return {temperature, top_k, top_p, min_p, static_cast<std::uint64_t>(seed)}; }

  static void describe(auto& s) {
    using S = GenerationSettings;
    s.field("preset", &S::preset,
            {.help = "what 'auto' means below: paper, or authors (as their code does: no_repeat_ngram_size 3 and "
                     "max_new_tokens 100, which forbid many correct descriptions)",
             .choices = {"paper", "authors"}});
    s.field("beams", &S::beams,
            {.help = "texts followed at once for each cell (beam search). 1 = greedy, or drawn where temperature is "
                     "above 0",
             .min = 1,
             .max = 1024});
    s.field("max_new_tokens", &S::max_new_tokens,
            {.help = "a text ends here at the latest. auto = the longest training description + 16 (preset authors: "
                     "100)",
             .unit = "tokens",
             .min = 1,
             .max = 1e6});
    s.field("early_stopping", &S::early_stopping,
            {.help = "beams: true = a cell is done as soon as it has as many ended texts as beams; false = when no "
                     "running beam can overtake them at its present length; \"never\" = when none can at any length "
                     "that is left"});
    s.field("length_penalty", &S::length_penalty,
            {.help = "ended texts are ranked by log probability / tokens^this. 0 = no correction for length",
             .min = -10,
             .max = 10});
    s.field("no_repeat_ngram_size", &S::no_repeat_ngram_size,
            {.help = "no sequence of this many tokens occurs twice in a text. 0 = off; auto = off (preset authors: 3)",
             .unit = "tokens",
             .min = 0,
             .max = 1e6});
    s.field("repetition_penalty", &S::repetition_penalty,
            {.help = "a token that the text already holds becomes less likely: its score is divided by this, or "
                     "multiplied where it is negative. 1 = off",
             .min = 0.01,
             .max = 100});
    s.field("temperature", &S::temperature,
            {.help = "above 0, each token is drawn: scores are divided by it, so that 1 draws with the model's own "
                     "probabilities, and less favours the likely tokens. 0 = the most probable one (greedy, beams)",
             .min = 0,
             .max = 100});
    s.field("top_k", &S::top_k,
            {.help = "draw among this many most probable tokens (all that equal the last). 0 = off",
             .unit = "tokens",
             .min = 0,
             .max = 1e9});
    s.field("top_p", &S::top_p,
            {.help = "draw among the fewest most probable tokens that together have this probability. 1 = off",
             .min = 0,
             .max = 1});
    s.field("min_p", &S::min_p,
            {.help = "draw among tokens at least this times as probable as the most probable one. 0 = off",
             .min = 0,
             .max = 1});
    s.field("seed", &S::seed,
            {.help = "of what is drawn. A cell's text depends on it and on the cell's name, not on the other cells",
             .min = 0});
    s.field("stop", &S::stop,
            {.help = "a text ends where one of these texts occurs in it, and is cut before it. [] = only at the "
                     "model's end tokens. A special token may be named"});
    s.field("batch_size", &S::batch_size,
            {.help = "cells generated together, each with all its beams", .unit = "cells", .min = 1, .max = 65536});
  }

  /// Rules between the fields. Fills in what 'auto' means where the preset says it.
  void validate() {
    if (temperature == 0 && (top_k > 0 || top_p < 1 || min_p > 0))
      throw InputError(std::string("'") +
                       (top_k > 0   ? "top_k"
                        : top_p < 1 ? "top_p"
                                    : "min_p") +
                       "' limits what is drawn, and with temperature 0 nothing is; set temperature above 0 (1 = the "
                       "model's own probabilities)");
    if (temperature > 0 && beams > 1)
      throw InputError("'temperature' is above 0 and 'beams' is " + std::to_string(beams) +
                       "; one text is drawn for each cell: set beams = 1, or temperature = 0 for a beam search");
    for (const std::string& text : stop)
      if (text.empty()) throw InputError("'stop' holds an empty text, which would end every text at once; remove it");
    if (preset == "authors") {
      if (!max_new_tokens.value) max_new_tokens.value = 100;
      if (!no_repeat_ngram_size.value) no_repeat_ngram_size.value = 3;
    } else if (!no_repeat_ngram_size.value) {
      no_repeat_ngram_size.value = 0;
    }
  }
};

}  // namespace cell2text
