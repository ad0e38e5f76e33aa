// y = x W^T + b, with the core's own kernel where there are few rows, as in generation: LibTorch's takes half as long
// again there, and its sums depend on how many rows there are.
#pragma once

#include <ATen/record_function.h>
#include <torch/types.h>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// Above this many rows LibTorch's kernel is clearly the faster one.
inline constexpr std::int64_t few_rows = 128;

namespace product_detail {

inline bool by_own_kernel(const Tensor& x, const Tensor& weight_OI) {
  const std::int64_t in = weight_OI.size(1);
  return x.device().is_cpu() && weight_OI.device().is_cpu() && x.scalar_type() == torch::kFloat32 &&
         weight_OI.scalar_type() == torch::kFloat32 && weight_OI.is_contiguous() && weight_OI.size(0) % 4 == 0 &&
         in > 0 && x.numel() > 0 && x.size(-1) == in && x.numel() / in <= few_rows &&
         !(torch::GradMode::is_enabled() && (x.requires_grad() || weight_OI.requires_grad()));
}

}  // namespace product_detail

/// x [..., in], weight [out, in], bias [out] or undefined -> [..., out]. As at::linear.
inline Tensor linear_map(const Tensor& x, const Tensor& weight_OI, const Tensor& bias_O = {}) {
  if (!product_detail::by_own_kernel(x, weight_OI)) return at::linear(x, weight_OI, bias_O);
  RECORD_FUNCTION("cell2text::few_rows_product", std::vector<c10::IValue>({x, weight_OI}));
  const Tensor rows = x.contiguous();
  const std::int64_t in = weight_OI.size(1), out = weight_OI.size(0);
  auto shape = x.sizes().vec();
  shape.back() = out;
  Tensor y = at::empty(shape, x.options().requires_grad(false));
  const cpu::Product product{rows.const_data_ptr<float>(),
                             weight_OI.const_data_ptr<float>(),
                             y.mutable_data_ptr<float>(),
                             x.numel() / in,
                             in,
                             out};
  // Pieces of about 50 microseconds, in whole groups of four columns.
  const std::int64_t grain = std::max<std::int64_t>(16, 600'000 / (product.M * in));
  parallel_pieces(out / 4, grain, [&](std::int64_t first, std::int64_t last) {
    CELL2TEXT_KERNEL(few_rows_product, product, 4 * first, 4 * last);
  });
  if (bias_O.defined()) y.add_(bias_O);
  return y;
}

}  // namespace cell2text
