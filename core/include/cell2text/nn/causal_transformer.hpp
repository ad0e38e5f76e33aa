// The decoder-only transformer that the families of today are variants of: RMSNorm, rotary positions, grouped-query
// attention, a gated feed-forward part. Which variant is said in TransformerShape; how a family writes that down in a
// config.json, and its prompts, are the family's. Parameters carry Hugging Face's names.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/last_tokens.hpp"
#include "cell2text/nn/attention.hpp"
#include "cell2text/nn/gated.hpp"
#include "cell2text/nn/kv_cache.hpp"
#include "cell2text/nn/layers.hpp"
#include "cell2text/nn/linear.hpp"
#include "cell2text/nn/recompute.hpp"
#include "cell2text/nn/rms_norm.hpp"
#include "cell2text/nn/rope.hpp"
#include "cell2text/nn/table.hpp"

namespace cell2text {

struct TransformerShape {
  /// What several layers have in common; most models have one kind.
  struct LayerKind {
    double rope_theta = 10000;
    RopeScaling rope_scaling = {};
    AttentionRule attention = {};
  };

  std::int64_t width = 0, feed_forward = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, vocabulary = 0;
  double epsilon = 1e-6, initial_deviation = 0.02;
  bool tied = false, attention_bias = false, mlp_bias = false;
  bool gelu = false;                ///< the gate is GELU by tanh; otherwise SiLU
  bool norm_plus_one = false;       ///< norms scale by 1 + weight
  bool norms_of_heads = false;      ///< each head's queries and keys are normalised before they turn
  bool norms_behind_parts = false;  ///< what a part adds is normalised as well
  double embedding_scale = 1;       ///< of embedded tokens; rounded to the weights' type
  double logit_cap = 0;             ///< logits l become logit_cap * tanh(l / logit_cap); 0: they stay
  std::vector<LayerKind> kinds = {};
  std::vector<std::size_t> kind_of_layer = {};  ///< [layers]
};

class CausalTransformer {
 public:
  /// Declares all parameters, under "model." and, where not tied, "lm_head.weight"; the set is this model's alone.
  /// `shape` is consistent: a family checks what it reads. InputError where a checkpoint has other tensors.
  /// `recompute`: training computes a layer again instead of keeping what its backward needs (recompute.hpp).
  CausalTransformer(TransformerShape shape, Parameters& parameters, bool recompute = false)
      : shape_(std::move(shape)), parameters_(&parameters), recompute_(recompute) {
    for (const auto& kind : shape_.kinds) ropes_.emplace_back(shape_.head_dim, kind.rope_theta, kind.rope_scaling);
    const Init normal = Init::normal(shape_.initial_deviation);
    embedding_ = &parameters.declare("model.embed_tokens.weight", {shape_.vocabulary, shape_.width}, normal);
    for (std::int64_t layer = 0; layer < shape_.layers; ++layer)
      layers_.push_back(declare_layer("model.layers." + std::to_string(layer) + "."));
    norm_.emplace(norm("model.norm", shape_.width));
    output_ =
        shape_.tied ? embedding_ : &parameters.declare("lm_head.weight", {shape_.vocabulary, shape_.width}, normal);
    parameters.expect_all_used([](const std::string&) { return false; });
  }
  CausalTransformer(const CausalTransformer&) = delete;
  CausalTransformer& operator=(const CausalTransformer&) = delete;

  const TransformerShape& shape() const { return shape_; }
  torch::ScalarType weight_type() const { return embedding_->value.scalar_type(); }
  /// Of embeddings, hidden states and what the cache keeps.
  torch::ScalarType type() const { return activation_type(embedding_->value); }
  KvCache new_state() const { return KvCache(shape_.layers); }
  std::int64_t state_bytes_per_token() const {  // a key and a value per layer
    return 2 * shape_.layers * shape_.kv_heads * shape_.head_dim * static_cast<std::int64_t>(c10::elementSize(type()));
  }
  void set_training(bool training) { training_ = training; }
  std::vector<LinearSlot*> linear_layers() {
    std::vector<LinearSlot*> all;
    for (LinearSlot& slot : slots_) all.push_back(&slot);
    return all;
  }

  /// ids [...] (int64) -> [..., D]
  Tensor embed(const Tensor& ids) const {
    const Tensor rows = table_rows(*embedding_, ids).to(type());
    if (shape_.embedding_scale == 1) return rows;
    return rows * at::scalar_tensor(shape_.embedding_scale, at::kFloat).to(weight_type()).item<double>();
  }

  /// hidden [..., D] -> logits [..., V]
  Tensor logits(const Tensor& hidden) const {
    const Tensor scores = table_scores(*output_, hidden);
    return shape_.logit_cap > 0 ? attention_detail::capped(scores, shape_.logit_cap) : scores;
  }

  /// As DecoderHandle::forward. With a state no gradients are recorded.
  Tensor forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                 KvCache* state) {
    return run(embeddings_BTD, lengths, positions_BT, {}, state);
  }

  /// As DecoderHandle::forward_last. The last layer makes keys and values of all tokens, and the rest of it for the
  /// last tokens alone. What is read behind a prompt is short, and goes through it whole.
  Tensor forward_last(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths,
                      const Tensor& positions_BT, const std::vector<std::int64_t>& last, KvCache* state) {
    const std::int64_t T = embeddings_BTD.size(1), L = last.empty() ? 0 : std::ranges::max(last);
    const std::vector<std::int64_t> places = last_places(lengths, last, T);
    if (L == 0 || L == T || (state && state->rows() > 0))
      return rows_at(run(embeddings_BTD, lengths, positions_BT, {}, state), places);
    std::vector<std::int64_t> asking;  // L tokens of each row, of which last[b] are wanted
    for (const std::int64_t length : lengths)
      for (std::int64_t i = 0; i < L; ++i) asking.push_back(std::max<std::int64_t>(length - L + i, 0));
    const Tensor asking_BL = torch::tensor(asking, torch::kInt64).to(embeddings_BTD.device()).view({-1, L});
    const std::vector<std::int64_t> rows(lengths.size(), L);
    return rows_at(run(embeddings_BTD, lengths, positions_BT, asking_BL, state), last_places(rows, last, L));
  }

 private:
  /// Hidden states of all tokens, [B,T,D], or where asking_BL is given of those alone, [B,L,D].
  Tensor run(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
             const Tensor& asking_BL, KvCache* state) {
    torch::AutoGradMode gradients(!state && torch::GradMode::is_enabled());
    const std::int64_t B = embeddings_BTD.size(0), T = embeddings_BTD.size(1);
    expect_shape(embeddings_BTD, {static_cast<std::int64_t>(lengths.size()), -1, shape_.width}, "decoder input");
    expect_shape(positions_BT, {B, T}, "positions");
    Tensor x_BTD = embeddings_BTD.to(type()), places_BT = positions_BT;
    if (std::ranges::any_of(lengths, [T](std::int64_t length) { return length != T; })) {
      // Padding may hold anything, NaN as well, and 0 * NaN in attention would spread it.
      const Tensor real = torch::tensor(lengths, torch::kInt64).to(x_BTD.device()).view({B, 1});
      const Tensor padding_BT = at::arange(T, real.options()) >= real;
      x_BTD = x_BTD.masked_fill(padding_BT.unsqueeze(-1), 0);
      places_BT = places_BT.masked_fill(padding_BT, 0);
    }
    std::vector<RopeTables> turns;
    for (Rope& rope : ropes_) turns.push_back(rope.at(places_BT, x_BTD.device(), x_BTD.scalar_type()));
    if (state) state->begin(lengths, T, x_BTD.device());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const RopeTables& table = turns[shape_.kind_of_layer[i]];
      const Tensor asking = i + 1 == layers_.size() ? asking_BL : Tensor();
      x_BTD = recompute_ && training_ && !state
                  ? recomputed(x_BTD, [=, this](const Tensor& x) { return through(i, x, table, asking, nullptr); })
                  : through(i, x_BTD, table, asking, state);
    }
    if (state) state->end();
    return (*norm_)(x_BTD);
  }

  struct Layer {
    RmsNorm attention_norm, feed_forward_norm;
    std::optional<RmsNorm> behind_attention, behind_feed_forward, query_norm, key_norm;
    LinearSlot *q, *k, *v, *o, *gate, *up, *down;
  };

  RmsNorm norm(const std::string& name, std::int64_t size) {
    const Init unit = shape_.norm_plus_one ? Init::zeros() : Init::ones();
    return {parameters_->declare(name + ".weight", {size}, unit), shape_.epsilon, shape_.norm_plus_one};
  }

  Layer declare_layer(const std::string& name) {
    const TransformerShape& s = shape_;
    const double ending = s.initial_deviation / std::sqrt(2 * static_cast<double>(s.layers));  // of a residual branch
    const auto linear = [&](const char* part, LinearShape sizes, bool biased, double deviation) {
      Parameter& weight = parameters_->declare(name + part + ".weight", {sizes.out, sizes.in}, Init::normal(deviation));
      Parameter* bias = biased ? &parameters_->declare(name + part + ".bias", {sizes.out}, Init::zeros()) : nullptr;
      return &slots_.emplace_back(name + part, weight, bias);
    };
    const std::int64_t queries = s.heads * s.head_dim, keys = s.kv_heads * s.head_dim;
    // "post_attention" stands behind attention where parts have a norm behind them, before the next part elsewhere.
    Layer layer{norm(name + "input_layernorm", s.width),
                norm(name + (s.norms_behind_parts ? "pre_feedforward_layernorm" : "post_attention_layernorm"), s.width),
                {},
                {},
                {},
                {},
                {},
                {},
                {},
                {},
                {},
                {},
                {}};
    if (s.norms_behind_parts) {
      layer.behind_attention.emplace(norm(name + "post_attention_layernorm", s.width));
      layer.behind_feed_forward.emplace(norm(name + "post_feedforward_layernorm", s.width));
    }
    layer.q = linear("self_attn.q_proj", {s.width, queries}, s.attention_bias, s.initial_deviation);
    layer.k = linear("self_attn.k_proj", {s.width, keys}, s.attention_bias, s.initial_deviation);
    layer.v = linear("self_attn.v_proj", {s.width, keys}, s.attention_bias, s.initial_deviation);
    layer.o = linear("self_attn.o_proj", {queries, s.width}, s.attention_bias, ending);
    if (s.norms_of_heads) {
      layer.query_norm.emplace(norm(name + "self_attn.q_norm", s.head_dim));
      layer.key_norm.emplace(norm(name + "self_attn.k_norm", s.head_dim));
    }
    layer.gate = linear("mlp.gate_proj", {s.width, s.feed_forward}, s.mlp_bias, s.initial_deviation);
    layer.up = linear("mlp.up_proj", {s.width, s.feed_forward}, s.mlp_bias, s.initial_deviation);
    layer.down = linear("mlp.down_proj", {s.feed_forward, s.width}, s.mlp_bias, ending);
    return layer;
  }

  /// x [B,T,D] -> [B,T,D], or [B,L,D] of the tokens at asking_BL.
  Tensor through(std::size_t index, const Tensor& x_BTD, const RopeTables& turns, const Tensor& asking_BL,
                 KvCache* state) const {
    const Layer& layer = layers_[index];
    const Tensor attended = attention(index, layer.attention_norm(x_BTD), turns, asking_BL, state);
    const Tensor kept = tokens_at(x_BTD, asking_BL);
    const Tensor h_BLD = kept + (layer.behind_attention ? (*layer.behind_attention)(attended) : attended);
    const Tensor m_BLD = layer.feed_forward_norm(h_BLD);
    const Tensor gate = (*layer.gate)(m_BLD, training_);
    const GateFunction function = shape_.gelu ? GateFunction::gelu_tanh : GateFunction::silu;
    const Tensor added = (*layer.down)(gated(gate, (*layer.up)(m_BLD, training_), function), training_);
    return h_BLD + (layer.behind_feed_forward ? (*layer.behind_feed_forward)(added) : added);
  }

  Tensor attention(std::size_t index, const Tensor& n_BTD, const RopeTables& turns, const Tensor& asking_BL,
                   KvCache* state) const {
    const Layer& layer = layers_[index];
    const AttentionRule& rule = shape_.kinds[shape_.kind_of_layer[index]].attention;
    const auto heads = [&](const LinearSlot& slot, const Tensor& x, std::int64_t count) {
      return slot(x, training_).view({x.size(0), x.size(1), count, shape_.head_dim});
    };
    const auto turned = [](const Tensor& x, const std::optional<RmsNorm>& norm, const RopeTables& by) {
      return Rope::apply(norm ? (*norm)(x) : x, by);
    };
    const RopeTables asking_turns{tokens_at(turns.cos_BT1C, asking_BL), tokens_at(turns.sin_BT1C, asking_BL)};
    const Tensor q = turned(heads(*layer.q, tokens_at(n_BTD, asking_BL), shape_.heads), layer.query_norm, asking_turns);
    const Tensor k = turned(heads(*layer.k, n_BTD, shape_.kv_heads), layer.key_norm, turns);
    const Tensor v = heads(*layer.v, n_BTD, shape_.kv_heads);
    const Tensor seen =
        state ? state->attend(index, q, k, v, rule, asking_BL) : causal_attention(q, k, v, rule, asking_BL);
    return (*layer.o)(seen, training_);
  }

  TransformerShape shape_;
  Parameters* parameters_;
  bool recompute_;
  std::vector<Rope> ropes_;  // by kind
  Parameter* embedding_ = nullptr;
  Parameter* output_ = nullptr;
  std::deque<LinearSlot> slots_;  // addresses are handed out
  std::vector<Layer> layers_;
  std::optional<RmsNorm> norm_;
  bool training_ = false;
};

}  // namespace cell2text
