// The [decoder] table of an experiment for Llama models.
#pragma once

#include <optional>
#include <string>

#include "cell2text/nn/transformer_settings.hpp"

namespace cell2text::llama {

/// A model to start at random.
struct Architecture : TransformerSizes {
  static void describe(auto& s) { describe_sizes<Architecture>(s); }
};

struct Settings : DecoderOrigin {
  std::optional<Architecture> architecture;
  std::string chat_template = "auto";

  static void describe(auto& s) {
    using S = Settings;
    describe_checkpoint<S>(s);
    s.field("architecture", &S::architecture, {.help = "a model with random weights, in place of a checkpoint"});
    describe_rest<S>(s);
    s.field("template", &S::chat_template,
            {.help = "how the prompt is wrapped: llama3 (the chat template of Llama 3.2 Instruct), llama2 ([INST], of "
                     "Llama 2 Chat), plain (the texts alone, for small models), auto (what the checkpoint was saved "
                     "with; else, for a checkpoint, llama3 where the tokenizer has headers and llama2 where its "
                     "template says [INST]; else plain)",
             .choices = {"auto", "llama3", "llama2", "plain"}});
  }
  void validate() const { check_origin(architecture.has_value()); }
};

}  // namespace cell2text::llama
