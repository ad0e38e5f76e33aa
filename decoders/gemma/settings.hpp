// The [decoder] table of an experiment for Gemma models.
#pragma once

#include <optional>
#include <string>

#include "cell2text/nn/transformer_settings.hpp"

namespace cell2text::gemma {

/// A Gemma 3 to start at random.
struct Architecture : TransformerSizes {
  std::int64_t sliding_window = 512;
  std::int64_t sliding_window_pattern = 6;
  double rope_local_theta = 10000;
  std::optional<double> query_scalar;

  Architecture() { rope_theta = 1e6; }

  static void describe(auto& s) {
    using S = Architecture;
    describe_sizes<S>(s);
    s.field("sliding_window", &S::sliding_window,
            {.help = "how many tokens, itself included, a token sees in the layers that look back so far",
             .unit = "tokens",
             .min = 1,
             .max = 1e9});
    s.field("sliding_window_pattern", &S::sliding_window_pattern,
            {.help = "every such layer sees all tokens, the others a window; 1 = all see all", .min = 1, .max = 1000});
    s.field("rope_local_theta", &S::rope_local_theta,
            {.help = "base of the rotary wavelengths in layers with a window", .min = 1, .max = 1e12});
    s.field("query_scalar", &S::query_scalar,
            {.help = "attention scores are divided by its square root; unset = channels per head",
             .min = 1e-3,
             .max = 1e9});
  }
};

struct Settings : DecoderOrigin {
  std::optional<Architecture> architecture;
  std::string chat_template = "auto";

  static void describe(auto& s) {
    using S = Settings;
    describe_checkpoint<S>(s);
    s.field("architecture", &S::architecture, {.help = "a Gemma 3 with random weights, in place of a checkpoint"});
    describe_rest<S>(s);
    s.field("template", &S::chat_template,
            {.help = "how the prompt is wrapped: gemma (turns of user and model; the system text opens the user's), "
                     "plain (the texts alone, for small models), auto (what the checkpoint was saved with; else gemma "
                     "for a checkpoint whose tokenizer has turns, and plain for any other)",
             .choices = {"auto", "gemma", "plain"}});
  }
  void validate() const { check_origin(architecture.has_value()); }
};

}  // namespace cell2text::gemma
