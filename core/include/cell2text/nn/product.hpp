// y = x W^T + b, with the core's own kernel where there are few rows, as in generation: LibTorch's takes half as long
// again there, and its sums depend on how many rows there are. Weights of two bytes stay as they are in memory and are
// widened on the way; on the CPU all that flows between layers is float32.
#pragma once

#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/nn/rounded_products.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// Above this many rows LibTorch's kernel is clearly the faster one.
inline constexpr std::int64_t few_rows = 128;
/// The same, where LibTorch's kernel has to wait for the weights to be widened.
inline constexpr std::int64_t few_rows_bfloat16 = 64;

/// The type of what flows through layers with such a weight. A CPU's products of two-byte numbers are slower than those
/// of float32, and less exact.
inline torch::ScalarType activation_type(const Tensor& weight) {
  return weight.device().is_cpu() ? torch::kFloat32 : weight.scalar_type();
}

namespace product_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

inline bool needs_gradient(const Tensor& x, const Tensor& weight_OI) {
  return torch::GradMode::is_enabled() && (x.requires_grad() || weight_OI.requires_grad());
}

inline bool by_own_kernel(const Tensor& x, const Tensor& weight_OI) {
  const std::int64_t in = weight_OI.size(1);
  const bool wide = weight_OI.scalar_type() == torch::kFloat32;
  return x.device().is_cpu() && weight_OI.device().is_cpu() && x.scalar_type() == torch::kFloat32 &&
         (wide || weight_OI.scalar_type() == torch::kBFloat16) && weight_OI.is_contiguous() &&
         weight_OI.size(0) % 4 == 0 && in > 0 && x.numel() > 0 && x.size(-1) == in &&
         x.numel() / in <= (wide ? few_rows : few_rows_bfloat16) && !needs_gradient(x, weight_OI);
}

template <class W>
Tensor few_rows_map(const Tensor& x, const Tensor& weight_OI) {
  const Tensor rows = x.contiguous();
  const std::int64_t in = weight_OI.size(1), out = weight_OI.size(0);
  auto shape = x.sizes().vec();
  shape.back() = out;
  Tensor y = at::empty(shape, x.options().requires_grad(false));
  const cpu::Product<W> product{rows.const_data_ptr<float>(),
                                static_cast<const W*>(weight_OI.const_data_ptr()),
                                y.mutable_data_ptr<float>(),
                                x.numel() / in,
                                in,
                                out};
  // Whole groups of four columns, in pieces of at most some 50 microseconds, as many for each thread; what takes less
  // than a quarter of that stays with one thread.
  const std::int64_t groups = out / 4, threads = at::get_num_threads();
  const std::int64_t most = std::max<std::int64_t>(16, 600'000 / (product.M * in));
  const std::int64_t pieces = 4 * groups <= most ? 1 : threads * ((groups + threads * most - 1) / (threads * most));
  parallel_pieces(groups, std::max<std::int64_t>(16, (groups + pieces - 1) / pieces),
                  [&](auto first, auto last) { CELL2TEXT_KERNEL(few_rows_product, product, 4 * first, 4 * last); });
  return y;
}

// Calls use(first, part_nI) with blocks of rows as float32, all in one array that stays in the cache.
template <class Use>
void for_widened_blocks(const Tensor& weight_OI, const Use& use) {
  const std::int64_t out = weight_OI.size(0), in = weight_OI.size(1);
  const std::int64_t rows = std::clamp<std::int64_t>((1 << 20) / std::max<std::int64_t>(in, 1), 1, out);
  const Tensor block = at::empty({rows, in}, weight_OI.options().dtype(torch::kFloat32).requires_grad(false));
  const bool own = weight_OI.scalar_type() == torch::kBFloat16 && weight_OI.is_contiguous();
  for (std::int64_t first = 0; first < out; first += rows) {
    const std::int64_t n = std::min(rows, out - first);
    const Tensor part_nI = block.narrow(0, 0, n);
    if (own) {
      const auto* from = static_cast<const cpu::Bf16*>(weight_OI.const_data_ptr()) + first * in;
      auto* to = block.mutable_data_ptr<float>();
      parallel_pieces(n * in, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
        CELL2TEXT_KERNEL(widen, from + begin, to + begin, end - begin);
      });
    } else {
      part_nI.copy_(weight_OI.narrow(0, first, n));
    }
    use(first, part_nI);
  }
}

inline bool rounds(const Tensor& x, const Tensor& weight) {
  return weight.scalar_type() == torch::kBFloat16 && x.device().is_cpu() && RoundedProducts::on();
}

inline Tensor widened_map(const Tensor& x, const Tensor& weight_OI) {
  const std::int64_t out = weight_OI.size(0), in = weight_OI.size(1);
  const Tensor rows_MI = x.reshape({-1, in});
  auto shape = x.sizes().vec();
  shape.back() = out;
  if (rounds(x, weight_OI)) return at::mm(rows_MI.to(torch::kBFloat16), weight_OI.t()).to(x.scalar_type()).view(shape);
  Tensor y_MO = at::empty({rows_MI.size(0), out}, x.options().requires_grad(false));
  for_widened_blocks(weight_OI, [&](std::int64_t first, const Tensor& part_nI) {
    Tensor to_Mn = y_MO.narrow(1, first, part_nI.size(0));
    at::mm_out(to_Mn, rows_MI, part_nI.t());
  });
  return y_MO.view(shape);
}

}  // namespace product_detail

/// d_y [..., out], weight [out, in] -> d_y W [..., in]: what linear_map gives back to its x.
inline Tensor linear_map_backward(const Tensor& d_y, const Tensor& weight_OI) {
  const Tensor d_MO = d_y.reshape({-1, weight_OI.size(0)});
  auto shape = d_y.sizes().vec();
  shape.back() = weight_OI.size(1);
  if (d_MO.scalar_type() == weight_OI.scalar_type()) return at::mm(d_MO, weight_OI).view(shape);
  if (product_detail::rounds(d_MO, weight_OI))
    return at::mm(d_MO.to(torch::kBFloat16), weight_OI).to(d_MO.scalar_type()).view(shape);
  Tensor d_MI = at::zeros({d_MO.size(0), weight_OI.size(1)}, d_MO.options());
  product_detail::for_widened_blocks(weight_OI, [&](std::int64_t first, const Tensor& part_nI) {
    d_MI.addmm_(d_MO.narrow(1, first, part_nI.size(0)), part_nI);
  });
  return d_MI.view(shape);
}

namespace product_detail {

/// Keeps the weight as it is between forward and backward: no float32 copy of it ever exists whole.
struct WidenedMap : torch::autograd::Function<WidenedMap> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight_OI) {
    context->save_for_backward({weight_OI.requires_grad() ? x : Tensor(), weight_OI});
    return widened_map(x, weight_OI);
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& weight_OI = saved[1];
    Tensor d_x, d_weight;
    if (context->needs_input_grad(0)) d_x = linear_map_backward(d_y[0], weight_OI);
    if (context->needs_input_grad(1))
      d_weight = at::mm(d_y[0].reshape({-1, weight_OI.size(0)}).t(), saved[0].reshape({-1, weight_OI.size(1)}))
                     .to(weight_OI.scalar_type());
    return {d_x, d_weight};
  }
};

}  // namespace product_detail

/// x [..., in], weight [out, in], bias [out] or undefined -> [..., out], of x's type. As at::linear; on the CPU x may
/// be float32 and the weight bfloat16 or float16.
inline Tensor linear_map(const Tensor& x, const Tensor& weight_OI, const Tensor& bias_O = {}) {
  using namespace product_detail;
  if (by_own_kernel(x, weight_OI)) {
    RECORD_FUNCTION("cell2text::few_rows_product", std::vector<c10::IValue>({x, weight_OI}));
    Tensor y = weight_OI.scalar_type() == torch::kFloat32 ? few_rows_map<float>(x, weight_OI)
                                                          : few_rows_map<cpu::Bf16>(x, weight_OI);
    if (bias_O.defined()) y.add_(bias_O);
    return y;
  }
  if (x.scalar_type() == weight_OI.scalar_type()) return at::linear(x, weight_OI, bias_O);
  const Tensor y = needs_gradient(x, weight_OI) ? WidenedMap::apply(x, weight_OI) : widened_map(x, weight_OI);
  return bias_O.defined() ? y + bias_O.to(y.scalar_type()) : y;
}

}  // namespace cell2text
