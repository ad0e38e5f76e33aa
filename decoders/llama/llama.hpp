// The Llama decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU. Parameters carry Hugging Face's
// names. The files around the weights are checkpoint.hpp's, the prompt is chat.hpp's.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/model_types.hpp"
#include "cell2text/nn/attention.hpp"
#include "cell2text/nn/kv_cache.hpp"
#include "cell2text/nn/rms_norm.hpp"
#include "cell2text/nn/rope.hpp"
#include "cell2text/nn/table.hpp"
#include "checkpoint.hpp"

namespace cell2text::llama {

class Llama {
 public:
  using Settings = llama::Settings;
  using State = KvCache;

  Llama(const Settings& settings, ModelContext& context) : checkpoint_(settings), parameters_(&context.parameters) {
    const Config& config = checkpoint_.config();
    if (settings.checkpoint)
      parameters_->load_from(std::make_shared<const TensorFiles>(TensorFiles::open(*settings.checkpoint)), "model.");
    rope_.emplace(config.head_dim, config.rope_theta, config.rope_scaling);
    embedding_ = &parameters_->declare("model.embed_tokens.weight", {config.vocabulary, config.width},
                                       Init::normal(config.initial_deviation));
    for (std::int64_t layer = 0; layer < config.layers; ++layer)
      layers_.push_back(declare_layer("model.layers." + std::to_string(layer) + "."));
    norm_.emplace(parameters_->declare("model.norm.weight", {config.width}, Init::ones()), config.epsilon);
    output_ = config.tied ? embedding_
                          : &parameters_->declare("lm_head.weight", {config.vocabulary, config.width},
                                                  Init::normal(config.initial_deviation));
    parameters_->expect_all_used([&](const std::string& name) {
      return name.ends_with("rotary_emb.inv_freq") || (config.tied && name == "lm_head.weight");
    });
    context.log.debug("llama: " + std::to_string(config.layers) + " layers x " + std::to_string(config.width) + ", " +
                      std::to_string(parameters_->count()) + " parameters");
  }
  Llama(const Llama&) = delete;
  Llama& operator=(const Llama&) = delete;

  const TextTokenizer& tokenizer() const { return checkpoint_.tokenizer(); }
  ChatPieces chat(const ChatText& text) const {
    return checkpoint_.llama3_template() ? llama3_chat(tokenizer(), text)
                                         : plain_chat(tokenizer(), text, checkpoint_.config().begin_token);
  }
  std::vector<std::int64_t> end_tokens() const { return checkpoint_.end_tokens(); }
  std::int64_t width() const { return checkpoint_.config().width; }
  std::int64_t vocabulary_size() const { return checkpoint_.config().vocabulary; }

  Tensor embed(const Tensor& ids) const { return table_rows(*embedding_, ids); }
  std::int64_t state_bytes_per_token() const {  // a key and a value per layer
    const Config& config = checkpoint_.config();
    return 2 * config.layers * config.kv_heads * config.head_dim *
           static_cast<std::int64_t>(embedding_->value.element_size());
  }
  State new_state() const { return State(checkpoint_.config().layers); }
  Tensor logits(const Tensor& hidden) const { return table_scores(*output_, hidden); }

  /// As DecoderHandle::forward. With a state no gradients are recorded.
  Tensor forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                 State* state) {
    torch::AutoGradMode gradients(!state && torch::GradMode::is_enabled());
    const std::int64_t B = embeddings_BTD.size(0), T = embeddings_BTD.size(1);
    expect_shape(embeddings_BTD, {static_cast<std::int64_t>(lengths.size()), -1, width()}, "decoder input");
    expect_shape(positions_BT, {B, T}, "positions");
    const auto dtype = embedding_->value.scalar_type();
    Tensor x_BTD = embeddings_BTD.to(dtype), places_BT = positions_BT;
    if (std::ranges::any_of(lengths, [T](std::int64_t length) { return length != T; })) {
      // Padding may hold anything, NaN as well, and 0 * NaN in attention would spread it.
      const Tensor real = torch::tensor(lengths, torch::kInt64).to(x_BTD.device()).view({B, 1});
      const Tensor padding_BT = at::arange(T, real.options()) >= real;
      x_BTD = x_BTD.masked_fill(padding_BT.unsqueeze(-1), 0);
      places_BT = places_BT.masked_fill(padding_BT, 0);
    }
    const RopeTables turns = rope_->at(places_BT, x_BTD.device(), dtype);
    if (state) state->begin(lengths, T, x_BTD.device());
    for (std::size_t i = 0; i < layers_.size(); ++i) x_BTD = through(i, x_BTD, turns, state);
    if (state) state->end();
    return (*norm_)(x_BTD);
  }

  std::vector<LinearSlot*> linear_layers() {
    std::vector<LinearSlot*> all;
    for (LinearSlot& slot : slots_) all.push_back(&slot);
    return all;
  }

  /// A Hugging Face folder; `folder` is made where it is missing.
  void save(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    parameters_->save(folder / "model.safetensors", {{"format", "pt"}});
    const auto dtype = embedding_->value.scalar_type();
    checkpoint_.save(folder, dtype == torch::kBFloat16 ? "bfloat16" : dtype == torch::kHalf ? "float16" : "float32");
  }

  void set_training(bool training) { training_ = training; }

 private:
  struct Layer {
    RmsNorm attention_norm, feed_forward_norm;
    LinearSlot *q, *k, *v, *o, *gate, *up, *down;
  };

  Layer declare_layer(const std::string& name) {
    const Config& c = checkpoint_.config();
    const auto norm = [&](const char* part) {
      return RmsNorm(parameters_->declare(name + part + ".weight", {c.width}, Init::ones()), c.epsilon);
    };
    const auto linear = [&](const char* part, std::int64_t out, std::int64_t in, bool biased,
                            bool ends_branch = false) {
      const double deviation = c.initial_deviation / (ends_branch ? std::sqrt(2 * static_cast<double>(c.layers)) : 1.0);
      Parameter& weight = parameters_->declare(name + part + ".weight", {out, in}, Init::normal(deviation));
      Parameter* bias = biased ? &parameters_->declare(name + part + ".bias", {out}, Init::zeros()) : nullptr;
      return &slots_.emplace_back(name + part, weight, bias);
    };
    const std::int64_t queries = c.heads * c.head_dim, keys = c.kv_heads * c.head_dim;
    Layer layer{norm("input_layernorm"), norm("post_attention_layernorm"), {}, {}, {}, {}, {}, {}, {}};
    layer.q = linear("self_attn.q_proj", queries, c.width, c.attention_bias);
    layer.k = linear("self_attn.k_proj", keys, c.width, c.attention_bias);
    layer.v = linear("self_attn.v_proj", keys, c.width, c.attention_bias);
    layer.o = linear("self_attn.o_proj", c.width, queries, c.attention_bias, true);
    layer.gate = linear("mlp.gate_proj", c.feed_forward, c.width, c.mlp_bias);
    layer.up = linear("mlp.up_proj", c.feed_forward, c.width, c.mlp_bias);
    layer.down = linear("mlp.down_proj", c.width, c.feed_forward, c.mlp_bias, true);
    return layer;
  }

  Tensor through(std::size_t index, const Tensor& x_BTD, const RopeTables& turns, State* state) const {
    const Layer& layer = layers_[index];
    const Config& config = checkpoint_.config();
    const std::int64_t B = x_BTD.size(0), T = x_BTD.size(1);
    const double scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
    const Tensor n_BTD = layer.attention_norm(x_BTD);
    const auto heads = [&](const LinearSlot& slot, std::int64_t count) {
      return slot(n_BTD, training_).view({B, T, count, config.head_dim});
    };
    const Tensor q = Rope::apply(heads(*layer.q, config.heads), turns);
    const Tensor k = Rope::apply(heads(*layer.k, config.kv_heads), turns);
    const Tensor v = heads(*layer.v, config.kv_heads);
    const Tensor attended = state ? state->attend(index, q, k, v, scale) : causal_attention(q, k, v, scale);
    const Tensor h_BTD = x_BTD + (*layer.o)(attended, training_);
    const Tensor m_BTD = layer.feed_forward_norm(h_BTD);
    const Tensor gated = at::silu((*layer.gate)(m_BTD, training_)) * (*layer.up)(m_BTD, training_);
    return h_BTD + (*layer.down)(gated, training_);
  }

  Checkpoint checkpoint_;
  Parameters* parameters_;
  std::optional<Rope> rope_;
  Parameter* embedding_ = nullptr;
  Parameter* output_ = nullptr;
  std::deque<LinearSlot> slots_;  // addresses are handed out
  std::vector<Layer> layers_;
  std::optional<RmsNorm> norm_;
  bool training_ = false;
};

}  // namespace cell2text::llama
