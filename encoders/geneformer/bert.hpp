// A BERT encoder (absolute positions, normalisation after each sublayer) on parameters with Hugging Face's names.
// Knows nothing of genes; special tokens and output layers are geneformer.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/io/json.hpp"
#include "cell2text/nn/layers.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text::geneformer {

/// The shape of a BERT encoder, as in config.json.
struct BertConfig {
  std::int64_t vocabulary_size = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t feed_forward = 0;
  std::int64_t max_positions = 0;
  std::int64_t token_types = 2;
  Activation activation = Activation::gelu;
  double hidden_dropout = 0.1;
  double attention_dropout = 0.1;
  double layer_norm_epsilon = 1e-12;
  double initializer_range = 0.02;

  /// From config.json, with BERT's defaults for keys that are left out. InputError naming `where` and the key: another
  /// kind of model, relative positions, a size below 1, a width that the heads do not divide.
  static BertConfig from_json(const nlohmann::json& json, const std::string& where) {
    if (const auto type = required<std::string>(json, "model_type", where); type != "bert")
      throw InputError(where + ": 'model_type' is '" + type +
                       "'; Geneformer's is 'bert'. Is this a Geneformer folder?");
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
    BertConfig config;
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
    if (config.width % config.heads != 0)
      throw InputError(where + ": 'hidden_size' is " + std::to_string(config.width) +
                       ", which 'num_attention_heads' (" + std::to_string(config.heads) + ") does not divide");
    return config;
  }

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

/// One transformer block: self-attention and feed-forward, each added to its input and then normalised.
class BertBlock {
 public:
  BertBlock(Parameters& parameters, const std::string& name, const BertConfig& config)
      : config_(config),
        query_(linear(parameters, name + ".attention.self.query", config.width, config.width)),
        key_(linear(parameters, name + ".attention.self.key", config.width, config.width)),
        value_(linear(parameters, name + ".attention.self.value", config.width, config.width)),
        attention_out_(linear(parameters, name + ".attention.output.dense", config.width, config.width)),
        attention_norm_(parameters, name + ".attention.output.LayerNorm", config.width, config.layer_norm_epsilon),
        up_(linear(parameters, name + ".intermediate.dense", config.width, config.feed_forward)),
        down_(linear(parameters, name + ".output.dense", config.feed_forward, config.width)),
        norm_(parameters, name + ".output.LayerNorm", config.width, config.layer_norm_epsilon) {}

  /// x [B,G,E] -> [B,G,E]. `mask` [B,1,1,G] is true at the keys that may be looked at; undefined where all may.
  /// Of the result only the first `wanted` tokens are made.
  Tensor operator()(const Tensor& x_BGE, const Tensor& mask, bool training, std::int64_t wanted) const {
    const auto split = [&](const Tensor& y_BGE) {  // -> [B,H,G,E/H]
      return y_BGE.unflatten(2, {config_.heads, config_.width / config_.heads}).transpose(1, 2);
    };
    const std::optional<Tensor> where = mask.defined() ? std::optional(mask) : std::nullopt;
    const Tensor first_BGE = wanted < x_BGE.size(1) ? x_BGE.narrow(1, 0, wanted) : x_BGE;
    const Tensor attended =
        at::scaled_dot_product_attention(split(query_(first_BGE)), split(key_(x_BGE)), split(value_(x_BGE)), where,
                                         training ? config_.attention_dropout : 0.0);
    const Tensor mixed = attention_out_(attended.transpose(1, 2).flatten(2));
    const Tensor h_BGE = attention_norm_(dropped(mixed, training) + first_BGE);
    return norm_(dropped(down_(activate(up_(h_BGE), config_.activation)), training) + h_BGE);
  }

 private:
  LinearSlot linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out) const {
    return declare_linear(parameters, name, {in, out}, Init::normal(config_.initializer_range));
  }
  Tensor dropped(const Tensor& x, bool training) const {
    return training && config_.hidden_dropout > 0 ? at::dropout(x, config_.hidden_dropout, true) : x;
  }

  BertConfig config_;
  LinearSlot query_, key_, value_, attention_out_;
  LayerNorm attention_norm_;
  LinearSlot up_, down_;
  LayerNorm norm_;
};

/// Embeddings and the first `num_blocks` blocks; those above are not declared.
class BertEncoder {
 public:
  BertEncoder(Parameters& parameters, const BertConfig& config, std::int64_t num_blocks)
      : config_(config),
        tokens_(table(parameters, "word_embeddings", config.vocabulary_size)),
        positions_(table(parameters, "position_embeddings", config.max_positions)),
        types_(table(parameters, "token_type_embeddings", config.token_types)),
        norm_(parameters, "bert.embeddings.LayerNorm", config.width, config.layer_norm_epsilon) {
    for (std::int64_t i = 0; i < num_blocks; ++i)
      blocks_.emplace_back(parameters, "bert.encoder.layer." + std::to_string(i), config);
  }

  /// ids [B,G] (int64, on the parameters' device, G <= max_positions) -> [B,W,E], the first W = min(wanted, G) tokens.
  /// Tokens at or beyond a row's length are not looked at, and what comes out there means nothing.
  Tensor forward(const Tensor& ids_BG, const std::vector<std::int64_t>& lengths, bool training,
                 std::int64_t wanted = std::numeric_limits<std::int64_t>::max()) const {
    wanted = std::min(wanted, ids_BG.size(1));
    if (torch::GradMode::is_enabled() || training || !ids_BG.device().is_cpu())
      return through(ids_BG, key_mask(lengths, ids_BG.size(1), ids_BG.device()), training, wanted);
    // Cell by cell: nothing is computed for padding, attention needs no mask, and what is at hand stays in the caches.
    // A cell's result is then the same bits in any batch.
    Tensor all_BWE;
    for (std::int64_t b = 0; b < ids_BG.size(0); ++b) {
      const std::int64_t length = std::clamp<std::int64_t>(lengths[b], 1, ids_BG.size(1));
      const Tensor ids_1G = ids_BG.narrow(0, b, 1).narrow(1, 0, length);
      const Tensor cell_1WE = through(ids_1G, {}, false, std::min(wanted, length));
      if (ids_BG.size(0) == 1 && cell_1WE.size(1) == wanted) return cell_1WE;
      if (!all_BWE.defined()) all_BWE = at::zeros({ids_BG.size(0), wanted, config_.width}, cell_1WE.options());
      all_BWE.narrow(0, b, 1).narrow(1, 0, cell_1WE.size(1)).copy_(cell_1WE);
    }
    return all_BWE;
  }

  const BertConfig& config() const { return config_; }
  std::int64_t num_blocks() const { return static_cast<std::int64_t>(blocks_.size()); }

 private:
  Tensor through(const Tensor& ids_BG, const Tensor& mask, bool training, std::int64_t wanted) const {
    const std::int64_t num_genes = ids_BG.size(1);
    const Tensor fixed_GE = positions_->value.narrow(0, 0, num_genes) + types_->value.select(0, 0);
    Tensor x_BGE = norm_(at::embedding(tokens_->value, ids_BG) + fixed_GE);
    if (training && config_.hidden_dropout > 0) x_BGE = at::dropout(x_BGE, config_.hidden_dropout, true);
    for (std::size_t i = 0; i < blocks_.size();
         ++i)  // only the last block can leave tokens out: the others are looked at
      x_BGE = blocks_[i](x_BGE, mask, training, i + 1 == blocks_.size() ? wanted : num_genes);
    return x_BGE.size(1) > wanted ? x_BGE.narrow(1, 0, wanted) : x_BGE;
  }

  Parameter* table(Parameters& parameters, const char* name, std::int64_t rows) const {
    return &parameters.declare(std::string("bert.embeddings.") + name + ".weight", {rows, config_.width},
                               Init::normal(config_.initializer_range));
  }

  // [B,1,1,G], true below the length; undefined where no row is padded, which the faster kernels want.
  static Tensor key_mask(const std::vector<std::int64_t>& lengths, std::int64_t num_genes, torch::Device device) {
    bool padded = false;
    Tensor lengths_B = torch::empty({static_cast<std::int64_t>(lengths.size())}, torch::kInt64);
    auto* data = lengths_B.mutable_data_ptr<std::int64_t>();
    for (const std::int64_t length : lengths) {
      padded |= length < num_genes;
      *data++ = std::max<std::int64_t>(length, 1);  // a softmax over no key at all would be NaN
    }
    if (!padded) return {};
    return (torch::arange(num_genes) < lengths_B.unsqueeze(1)).to(device).unsqueeze(1).unsqueeze(1);
  }

  BertConfig config_;
  Parameter *tokens_, *positions_, *types_;
  LayerNorm norm_;
  std::deque<BertBlock> blocks_;
};

}  // namespace cell2text::geneformer
