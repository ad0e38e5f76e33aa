// Attention with its four linear layers: of queries over themselves, or over something that was read. What stands
// around it (normalisation, residuals, feed-forward) is each model's.
#pragma once

#include <cstdint>
#include <string>

#include "cell2text/nn/full_attention.hpp"
#include "cell2text/nn/layers.hpp"

namespace cell2text {

class AttentionLayer {
 public:
  struct Shape {
    std::int64_t width = 0;      ///< E, of queries and result
    std::int64_t key_width = 0;  ///< K, of what is looked at
    std::int64_t heads = 1;
  };

  /// InputError, in the words of an adapter's settings, where the heads do not divide the width.
  static void check_heads(std::int64_t width, std::int64_t heads) {
    if (width % heads != 0)
      throw InputError("'heads' is " + std::to_string(heads) + ", which does not divide 'width' (" +
                       std::to_string(width) + "; auto is the decoder's width)");
  }

  /// Declares NAME.query, NAME.key, NAME.value and NAME.out, .weight and .bias each. Errors as check_heads.
  AttentionLayer(Parameters& parameters, const std::string& name, const Shape& shape)
      : heads_((check_heads(shape.width, shape.heads), shape.heads)),
        query_(declare_linear(parameters, name + ".query", {shape.width, shape.width})),
        key_(declare_linear(parameters, name + ".key", {shape.key_width, shape.width})),
        value_(declare_linear(parameters, name + ".value", {shape.key_width, shape.width})),
        out_(declare_linear(parameters, name + ".out", {shape.width, shape.width})) {}

  /// x [B,T,E] over keys [B,S,K] -> [B,T,E]. `mask` as key_mask gives it, or undefined; `dropout` of attention weights.
  /// x of one row stands for every row of the keys, and is projected once.
  Tensor operator()(const Tensor& x_BTE, const Tensor& keys_BSK, const Tensor& mask_B11S, double dropout) const {
    const Tensor query_BTE = query_(x_BTE).expand({keys_BSK.size(0), -1, -1});
    return out_(FullAttention{heads_, dropout}(query_BTE, key_(keys_BSK), value_(keys_BSK), mask_B11S));
  }

 private:
  std::int64_t heads_;
  LinearSlot query_, key_, value_, out_;
};

}  // namespace cell2text
