// How descriptions are generated: the [generation] table of an experiment.
#pragma once

#include "cell2text/settings.hpp"

namespace cell2text {

/// Defaults follow the paper (4 beams, early stopping). The authors' code adds no_repeat_ngram_size 3 and
/// max_new_tokens 100; both forbid descriptions that are correct.
struct GenerationSettings {
  std::int64_t beams = 4;
  IntOrAuto max_new_tokens;
  bool early_stopping = true;
  double length_penalty = 1.0;
  std::int64_t no_repeat_ngram_size = 0;
  std::int64_t batch_size = 16;

  static void describe(auto& s) {
    using S = GenerationSettings;
    s.field("beams", &S::beams, {.help = "texts followed at once for each cell. 1 = greedy", .min = 1, .max = 1024});
    s.field("max_new_tokens", &S::max_new_tokens,
            {.help = "a text ends here at the latest. auto = the longest training description + 16",
             .unit = "tokens",
             .min = 1,
             .max = 1e6});
    s.field("early_stopping", &S::early_stopping,
            {.help = "a cell is done as soon as it has as many ended texts as beams; otherwise when no running beam "
                     "can overtake them at its present length"});
    s.field("length_penalty", &S::length_penalty,
            {.help = "ended texts are ranked by log probability / tokens^this. 0 = no correction for length",
             .min = -10,
             .max = 10});
    s.field("no_repeat_ngram_size", &S::no_repeat_ngram_size,
            {.help = "no sequence of this many tokens occurs twice in a text. 0 = off",
             .unit = "tokens",
             .min = 0,
             .max = 1e6});
    s.field("batch_size", &S::batch_size,
            {.help = "cells generated together, each with all its beams", .unit = "cells", .min = 1, .max = 65536});
  }
};

}  // namespace cell2text
