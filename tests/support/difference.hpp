// How far two tensors are apart.
#pragma once

#include <torch/types.h>

namespace cell2text::test {

/// The largest absolute difference of two elements.
inline double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace cell2text::test
