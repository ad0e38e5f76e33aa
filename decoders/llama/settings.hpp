// The [decoder] table of an experiment for Llama models.
#pragma once

#include <optional>
#include <string>

#include "cell2text/settings.hpp"

namespace cell2text::llama {

/// A model to start at random.
struct Architecture {
  std::int64_t layers = 4;
  std::int64_t width = 192;
  std::int64_t heads = 6;
  std::int64_t kv_heads = 2;
  std::optional<std::int64_t> head_dim;
  std::int64_t feed_forward = 768;
  double rope_theta = 10000;
  bool tied = true;
  std::int64_t max_positions = 4096;
  double initial_deviation = 0.02;

  static void describe(auto& s) {
    using S = Architecture;
    s.field("layers", &S::layers, {.help = "transformer blocks", .min = 1, .max = 1000});
    s.field("width", &S::width, {.help = "features per token", .min = 2, .max = 1e6});
    s.field("heads", &S::heads, {.help = "attention heads", .min = 1, .max = 1e5});
    s.field(
        "kv_heads", &S::kv_heads,
        {.help = "key/value heads; heads is a multiple of it. As many as heads = no grouping", .min = 1, .max = 1e5});
    s.field("head_dim", &S::head_dim, {.help = "channels per head, even; unset = width / heads", .min = 2, .max = 1e5});
    s.field("feed_forward", &S::feed_forward, {.help = "width of the feed-forward part", .min = 1, .max = 1e7});
    s.field("rope_theta", &S::rope_theta, {.help = "base of the rotary wavelengths", .min = 1, .max = 1e12});
    s.field("tied", &S::tied, {.help = "the output layer is the embedding"});
    s.field("max_positions", &S::max_positions,
            {.help = "longest sequence that the saved model announces", .unit = "tokens", .min = 1, .max = 1e9});
    s.field("initial_deviation", &S::initial_deviation,
            {.help = "standard deviation of the initial weights; those that end a residual branch are divided by "
                     "sqrt(2 layers)",
             .min = 0,
             .max = 10});
  }
  void validate() const {
    if (heads % kv_heads != 0)
      throw InputError("heads is " + std::to_string(heads) + " and kv_heads " + std::to_string(kv_heads) +
                       "; heads must be a multiple of kv_heads");
    if (width % heads != 0)  // transformers refuses such a config.json, with or without head_dim
      throw InputError("width is " + std::to_string(width) + " and heads " + std::to_string(heads) +
                       "; width must be a multiple of heads");
    if (const auto channels = head_dim.value_or(width / heads); channels % 2 != 0)
      throw InputError("a head has " + std::to_string(channels) + " channels; rotary positions need an even number");
  }
};

struct Settings {
  std::optional<std::string> checkpoint;
  std::optional<Architecture> architecture;
  std::optional<std::string> tokenizer;
  std::string chat_template = "auto";

  static void describe(auto& s) {
    using S = Settings;
    s.field("checkpoint", &S::checkpoint,
            {.help = "a Hugging Face folder with config.json, model.safetensors and tokenizer.json"});
    s.field("architecture", &S::architecture, {.help = "a model with random weights, in place of a checkpoint"});
    s.field("tokenizer", &S::tokenizer,
            {.help = "a tokenizer.json or the folder that holds it; needed with architecture, else the checkpoint's"});
    s.field("template", &S::chat_template,
            {.help = "how the prompt is wrapped: llama3 (the chat template of Llama 3.2 Instruct), plain (the texts "
                     "alone, for small models), auto (what the checkpoint was saved with; else llama3 for a "
                     "checkpoint whose tokenizer has headers, and plain for any other)",
             .choices = {"auto", "llama3", "plain"}});
  }
  void validate() const {
    if (checkpoint.has_value() == architecture.has_value())
      throw InputError(
          "either 'checkpoint' (a Hugging Face folder) or the table 'architecture' (random weights) is "
          "needed, " +
          std::string(checkpoint ? "not both" : "and neither is given"));
    if (architecture && !tokenizer)
      throw InputError("'tokenizer' is missing; with 'architecture' it names a tokenizer.json or its folder");
  }
};

}  // namespace cell2text::llama
