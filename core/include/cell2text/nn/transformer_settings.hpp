// Settings that the decoder families share: where a model comes from, and the sizes of one that starts at random.
#pragma once

#include <optional>
#include <string>

#include "cell2text/error.hpp"
#include "cell2text/nn/weight_type.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// The sizes of a transformer to start at random. A family's `architecture` derives from it.
struct TransformerSizes {
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

  std::int64_t channels() const { return head_dim.value_or(width / heads); }

  template <class S>
  static void describe_sizes(auto& s) {
    const auto at = []<class T>(T TransformerSizes::*member) -> T S::* { return member; };
    using Z = TransformerSizes;
    s.field("layers", at(&Z::layers), {.help = "transformer blocks", .min = 1, .max = 1000});
    s.field("width", at(&Z::width), {.help = "features per token", .min = 2, .max = 1e6});
    s.field("heads", at(&Z::heads), {.help = "attention heads", .min = 1, .max = 1e5});
    s.field(
        "kv_heads", at(&Z::kv_heads),
        {.help = "key/value heads; heads is a multiple of it. As many as heads = no grouping", .min = 1, .max = 1e5});
    s.field("head_dim", at(&Z::head_dim),
            {.help = "channels per head, even; unset = width / heads", .min = 2, .max = 1e5});
    s.field("feed_forward", at(&Z::feed_forward), {.help = "width of the feed-forward part", .min = 1, .max = 1e7});
    s.field("rope_theta", at(&Z::rope_theta), {.help = "base of the rotary wavelengths", .min = 1, .max = 1e12});
    s.field("tied", at(&Z::tied), {.help = "the output layer is the embedding"});
    s.field("max_positions", at(&Z::max_positions),
            {.help = "longest sequence that the saved model announces", .unit = "tokens", .min = 1, .max = 1e9});
    s.field("initial_deviation", at(&Z::initial_deviation),
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
    if (channels() % 2 != 0)
      throw InputError("a head has " + std::to_string(channels()) + " channels; rotary positions need an even number");
  }
};

/// Where a decoder comes from. A family's Settings derives from it and adds `architecture` and `template`.
struct DecoderOrigin {
  std::optional<std::string> checkpoint;
  std::optional<std::string> tokenizer;
  std::string dtype = "auto";
  bool recompute = false;

  template <class S>
  static void describe_checkpoint(auto& s) {
    const auto at = []<class T>(T DecoderOrigin::*member) -> T S::* { return member; };
    s.field("checkpoint", at(&DecoderOrigin::checkpoint),
            {.help = "a Hugging Face folder with config.json, weights (model.safetensors or pytorch_model.bin, or "
                     "their shards) and a tokenizer"});
  }
  template <class S>
  static void describe_rest(auto& s) {
    const auto at = []<class T>(T DecoderOrigin::*member) -> T S::* { return member; };
    s.field("tokenizer", at(&DecoderOrigin::tokenizer),
            {.help = "a tokenizer.json, a tokenizer.model or the folder that holds one; needed with architecture, "
                     "else the checkpoint's"});
    s.field("dtype", at(&DecoderOrigin::dtype),
            {.help = weight_type_help, .choices = weight_type_names()});
    s.field("recompute", at(&DecoderOrigin::recompute),
            {.help = "training keeps no more than each layer's input and computes the rest again when it is needed: "
                     "about a third slower, in a fraction of the memory"});
  }
  void check_origin(bool has_architecture) const {
    if (checkpoint.has_value() == has_architecture)
      throw InputError(
          "either 'checkpoint' (a Hugging Face folder) or the table 'architecture' (random weights) is needed, " +
          std::string(checkpoint ? "not both" : "and neither is given"));
    if (has_architecture && !tokenizer)
      throw InputError("'tokenizer' is missing; with 'architecture' it names a tokenizer's file or its folder");
  }
};

}  // namespace cell2text
