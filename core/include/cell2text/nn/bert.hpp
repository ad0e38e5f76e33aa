// A BERT or RoBERTa encoder (absolute positions) on parameters with Hugging Face's names. Knows nothing of genes or
// texts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/io/json.hpp"
#include "cell2text/nn/encoder_block.hpp"
#include "cell2text/nn/layers.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// The shape of a BERT encoder, as in config.json.
struct BertConfig {
  std::string family = "bert";  ///< `model_type`; the names of tensors begin with it
  std::int64_t vocabulary_size = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t feed_forward = 0;
  std::int64_t max_positions = 0;  ///< rows of the table; RoBERTa uses those behind the padding token's id
  std::int64_t token_types = 2;
  std::int64_t padding_token = 0;  ///< of RoBERTa
  Activation activation = Activation::gelu;
  double hidden_dropout = 0.1;
  double attention_dropout = 0.1;
  double layer_norm_epsilon = 1e-12;
  double initializer_range = 0.02;

  /// From config.json, with BERT's defaults for keys that are left out. InputError naming `where` and the key: another
  /// kind of model than one of `families`, relative positions, a size below 1, a width that the heads do not divide.
  static BertConfig from_json(const nlohmann::json& json, const std::string& where,
                              std::initializer_list<std::string_view> families = {"bert"}) {
    BertConfig config;
    config.family = required<std::string>(json, "model_type", where);
    if (std::ranges::find(families, config.family) == families.end())
      throw InputError(where + ": 'model_type' is '" + config.family + "'; " +
                       (families.size() == 1
                            ? "'bert' is expected. Is this the folder of a BERT encoder, such as "
                              "Geneformer?"
                            : "'bert' or 'roberta' is expected. Is this the folder of such an encoder?"));
    const auto positions = optional_value<std::string>(json, "position_embedding_type", where);
    if (positions && *positions != "absolute")
      throw InputError(where + ": 'position_embedding_type' is '" + *positions + "'; only 'absolute' is supported");
    const auto size = [&](const char* key) {
      const auto value = required<std::int64_t>(json, key, where);
      if (value < (std::string_view(key) == "num_hidden_layers" ? 0 : 1) || value > (1 << 30))
        throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a size is expected");
      return value;
    };
    const auto share = [&](const char* key, double usual, double most) {
      const double value = optional_value<double>(json, key, where).value_or(usual);
      if (!(value >= 0 && value <= most))
        throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; it must be between 0 and " +
                         std::to_string(most));
      return value;
    };
    config.vocabulary_size = size("vocab_size");
    config.width = size("hidden_size");
    config.layers = size("num_hidden_layers");
    config.heads = size("num_attention_heads");
    config.feed_forward = size("intermediate_size");
    config.max_positions = size("max_position_embeddings");
    if (json.contains("type_vocab_size")) config.token_types = size("type_vocab_size");
    config.activation = activation_named(required<std::string>(json, "hidden_act", where), where + ": 'hidden_act'");
    config.hidden_dropout = share("hidden_dropout_prob", 0.1, 1);
    config.attention_dropout = share("attention_probs_dropout_prob", 0.1, 1);
    config.layer_norm_epsilon = share("layer_norm_eps", 1e-12, 1);
    config.initializer_range = share("initializer_range", 0.02, 10);
    if (config.family == "roberta") {
      config.padding_token = optional_value<std::int64_t>(json, "pad_token_id", where).value_or(1);
      if (config.padding_token < 0 || config.padding_token > config.max_positions - 2)
        throw InputError(where + ": 'pad_token_id' is " + std::to_string(config.padding_token) +
                         "; positions start behind it and end at 'max_position_embeddings' (" +
                         std::to_string(config.max_positions) + ")");
    }
    if (config.width % config.heads != 0)
      throw InputError(where + ": 'hidden_size' is " + std::to_string(config.width) +
                       ", which 'num_attention_heads' (" + std::to_string(config.heads) + ") does not divide");
    return config;
  }

  /// The tokens of the longest row that has positions.
  std::int64_t longest() const { return max_positions - (family == "roberta" ? padding_token + 1 : 0); }

  /// config.json of a BertForMaskedLM that transformers opens.
  nlohmann::json to_json() const {
    return {{"architectures", {"BertForMaskedLM"}},  {"model_type", "bert"},
            {"vocab_size", vocabulary_size},         {"hidden_size", width},
            {"num_hidden_layers", layers},           {"num_attention_heads", heads},
            {"intermediate_size", feed_forward},     {"max_position_embeddings", max_positions},
            {"type_vocab_size", token_types},        {"hidden_act", name_of(activation)},
            {"hidden_dropout_prob", hidden_dropout}, {"attention_probs_dropout_prob", attention_dropout},
            {"layer_norm_eps", layer_norm_epsilon},  {"initializer_range", initializer_range},
            {"position_embedding_type", "absolute"}, {"pad_token_id", 0}};
  }
};

/// The layers of one of BERT's blocks, `name` as in "bert.encoder.layer.0".
inline EncoderBlockLayers bert_block_layers(Parameters& parameters, const std::string& name, const BertConfig& config) {
  const auto linear = [&](const char* part, std::int64_t in, std::int64_t out) {
    return declare_linear(parameters, name + part, {in, out}, Init::normal(config.initializer_range));
  };
  const auto norm = [&](const char* part) {
    return LayerNorm(parameters, name + part, config.width, config.layer_norm_epsilon);
  };
  std::vector<LinearSlot> projections;
  for (const char* part : {".attention.self.query", ".attention.self.key", ".attention.self.value"})
    projections.push_back(linear(part, config.width, config.width));
  return {std::move(projections),
          linear(".attention.output.dense", config.width, config.width),
          norm(".attention.output.LayerNorm"),
          linear(".intermediate.dense", config.width, config.feed_forward),
          linear(".output.dense", config.feed_forward, config.width),
          norm(".output.LayerNorm")};
}

/// Embeddings and the first `num_blocks` blocks; those above are not declared.
class BertEncoder {
 public:
  BertEncoder(Parameters& parameters, const BertConfig& config, std::int64_t num_blocks)
      : config_(config),
        name_(config.family + ".embeddings."),
        tokens_(table(parameters, "word_embeddings", config.vocabulary_size)),
        positions_(table(parameters, "position_embeddings", config.max_positions)),
        types_(table(parameters, "token_type_embeddings", config.token_types)),
        norm_(parameters, name_ + "LayerNorm", config.width, config.layer_norm_epsilon) {
    const EncoderBlockRule rule{config.heads, config.activation, config.hidden_dropout, config.attention_dropout};
    for (std::int64_t i = 0; i < num_blocks; ++i)
      blocks_.add(bert_block_layers(parameters, config.family + ".encoder.layer." + std::to_string(i), config), rule);
  }

  /// ids [B,G] (int64, on the parameters' device, G <= longest()) -> [B,W,E], the first W = min(wanted, G) tokens.
  /// Tokens at or beyond a row's length are not looked at, and what comes out there means nothing.
  Tensor forward(const Tensor& ids_BG, const std::vector<std::int64_t>& lengths, bool training,
                 std::int64_t wanted = std::numeric_limits<std::int64_t>::max()) const {
    return blocks_.forward({lengths, ids_BG.size(1), ids_BG.device(), training, wanted},
                           [&](std::int64_t row, std::int64_t rows, std::int64_t length) {
                             return embedded(ids_BG.narrow(0, row, rows).narrow(1, 0, length), training);
                           });
  }

  /// Rows of one length, together also on a CPU: ids [B,G] -> [B,G,E]. For many short ones. Not for training.
  Tensor forward_together(const Tensor& ids_BG) const {
    const std::vector<std::int64_t> lengths(static_cast<std::size_t>(ids_BG.size(0)), ids_BG.size(1));
    EncoderPass pass{lengths, ids_BG.size(1), ids_BG.device()};
    pass.together = true;
    return blocks_.forward(pass, [&](std::int64_t, std::int64_t, std::int64_t) { return embedded(ids_BG, false); });
  }

  const BertConfig& config() const { return config_; }
  std::int64_t num_blocks() const { return blocks_.size(); }

 private:
  Tensor embedded(const Tensor& ids_BG, bool training) const {
    const auto type = activation_type(tokens_->value);
    const Tensor fixed_xGE = positions_of(ids_BG).to(type) + types_->value.select(0, 0).to(type);
    const Tensor x_BGE = norm_(at::embedding(tokens_->value, ids_BG).to(type) + fixed_xGE);
    return training && config_.hidden_dropout > 0 ? at::dropout(x_BGE, config_.hidden_dropout, true) : x_BGE;
  }

  /// [G,E], the same in all rows; of RoBERTa [B,G,E]: it counts the tokens that are no padding, also inside a text.
  Tensor positions_of(const Tensor& ids_BG) const {
    if (config_.family != "roberta") return positions_->value.narrow(0, 0, ids_BG.size(1));
    const Tensor counted_BG = ids_BG.ne(config_.padding_token).to(torch::kInt64);
    return at::embedding(positions_->value, counted_BG.cumsum(1) * counted_BG + config_.padding_token);
  }

  Parameter* table(Parameters& parameters, const char* name, std::int64_t rows) const {
    return &parameters.declare(name_ + name + ".weight", {rows, config_.width},
                               Init::normal(config_.initializer_range));
  }

  BertConfig config_;
  std::string name_;  // of the embeddings
  Parameter *tokens_, *positions_, *types_;
  LayerNorm norm_;
  EncoderStack blocks_;
};

}  // namespace cell2text
