// The blocks of an encoder that sees whole cells or texts: self-attention and feed-forward, each added to its input and
// then normalised, as BERT's and scGPT's are. Names, embeddings and special tokens are the models'.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "cell2text/nn/full_attention.hpp"
#include "cell2text/nn/layers.hpp"

namespace cell2text {

/// The layers of a block, under the names that the model gives them.
struct EncoderBlockLayers {
  std::vector<LinearSlot> projections;  ///< query, key and value; or one that gives all three, side by side
  LinearSlot attention_out;
  LayerNorm attention_norm;
  LinearSlot up, down;
  LayerNorm norm;
};

/// What is the same in all blocks of a model. Shares to drop are used in training alone.
struct EncoderBlockRule {
  std::int64_t heads = 1;
  Activation activation = Activation::gelu;
  double dropout = 0;            ///< of what each half adds to its input
  double attention_dropout = 0;  ///< of attention weights
  double inner_dropout = 0;      ///< inside the feed-forward
};

class EncoderBlock {
 public:
  EncoderBlock(EncoderBlockLayers layers, const EncoderBlockRule& rule) : layers_(std::move(layers)), rule_(rule) {}

  /// x [B,G,E] -> [B,min(wanted,G),E]: of the result only the first `wanted` tokens are made. `mask` as key_mask gives
  /// it, or undefined where all may be looked at.
  Tensor operator()(const Tensor& x_BGE, const Tensor& mask_B11G, bool training, std::int64_t wanted) const {
    const Tensor first_BWE = wanted < x_BGE.size(1) ? x_BGE.narrow(1, 0, wanted) : x_BGE;
    const FullAttention attend{rule_.heads, training ? rule_.attention_dropout : 0.0};
    const Tensor mixed = layers_.attention_out(attention(attend, x_BGE, first_BWE, mask_B11G));
    const Tensor h_BWE = layers_.attention_norm(dropped(mixed, rule_.dropout, training) + first_BWE);
    const Tensor inner = dropped(activate(layers_.up(h_BWE), rule_.activation), rule_.inner_dropout, training);
    return layers_.norm(dropped(layers_.down(inner), rule_.dropout, training) + h_BWE);
  }

 private:
  Tensor attention(const FullAttention& attend, const Tensor& x_BGE, const Tensor& first_BWE,
                   const Tensor& mask) const {
    const auto& slots = layers_.projections;
    if (slots.size() == 3) return attend(slots[0](first_BWE), slots[1](x_BGE), slots[2](x_BGE), mask);
    const auto parts = slots[0](x_BGE).chunk(3, 2);
    return attend(parts[0].narrow(1, 0, first_BWE.size(1)), parts[1], parts[2], mask);
  }
  static Tensor dropped(const Tensor& x, double share, bool training) {
    return training && share > 0 ? at::dropout(x, share, true) : x;
  }

  EncoderBlockLayers layers_;
  EncoderBlockRule rule_;
};

/// A batch on its way through a stack of blocks.
struct EncoderPass {
  const std::vector<std::int64_t>& lengths;  ///< [B] tokens of each row
  std::int64_t num_tokens = 0;               ///< G, of the padded rows
  torch::Device device = torch::kCPU;
  bool training = false;
  std::int64_t wanted = std::numeric_limits<std::int64_t>::max();  ///< of each row's tokens, the first ones
  bool together = false;  ///< all rows at once, also without gradients on a CPU
};

/// Blocks, one after the other.
class EncoderStack {
 public:
  void add(EncoderBlockLayers layers, const EncoderBlockRule& rule) { blocks_.emplace_back(std::move(layers), rule); }
  std::int64_t size() const { return static_cast<std::int64_t>(blocks_.size()); }

  /// -> [B,W,E], W = min(wanted, G). `embed(row, rows, length)` gives the embeddings [rows,length,E] of `rows` rows
  /// from `row` on, their first `length` tokens. Tokens at or beyond a row's length are not looked at, and what comes
  /// out there means nothing but is finite.
  template <class Embed>
  Tensor forward(const EncoderPass& pass, const Embed& embed) const {
    const auto B = static_cast<std::int64_t>(pass.lengths.size());
    const std::int64_t wanted = std::min(pass.wanted, pass.num_tokens);
    if (pass.together || torch::GradMode::is_enabled() || pass.training || !pass.device.is_cpu())
      return through(embed(0, B, pass.num_tokens), key_mask(pass.lengths, pass.num_tokens, pass.device), pass.training,
                     wanted);
    // Row by row: nothing is computed for padding, attention needs no mask, and what is at hand stays in the caches.
    // A row's result is then the same bits in any batch.
    Tensor all_BWE;
    for (std::int64_t b = 0; b < B; ++b) {
      const std::int64_t length = std::clamp<std::int64_t>(pass.lengths[b], 1, pass.num_tokens);
      const Tensor row_1WE = through(embed(b, 1, length), {}, false, std::min(wanted, length));
      if (B == 1 && row_1WE.size(1) == wanted) return row_1WE;
      if (!all_BWE.defined()) all_BWE = at::zeros({B, wanted, row_1WE.size(2)}, row_1WE.options());
      all_BWE.narrow(0, b, 1).narrow(1, 0, row_1WE.size(1)).copy_(row_1WE);
    }
    return all_BWE;
  }

 private:
  Tensor through(Tensor x_BGE, const Tensor& mask_B11G, bool training, std::int64_t wanted) const {
    for (std::size_t i = 0; i < blocks_.size(); ++i)  // only the last may leave tokens out: the others' are looked at
      x_BGE = blocks_[i](x_BGE, mask_B11G, training, i + 1 == blocks_.size() ? wanted : x_BGE.size(1));
    return x_BGE.size(1) > wanted ? x_BGE.narrow(1, 0, wanted) : x_BGE;
  }

  std::deque<EncoderBlock> blocks_;
};

}  // namespace cell2text
