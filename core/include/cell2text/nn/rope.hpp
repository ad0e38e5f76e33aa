// Rotary position embedding: each pair of channels (c, c + C/2) of a head turns by position * frequency.
// Knows positions and frequencies, not attention.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/nn/rope_scaling.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// cos and sin of the positions of one call, ready to be applied to queries and keys in every layer.
struct RopeTables {
  Tensor cos_BT1C;
  Tensor sin_BT1C;  ///< the first half of the channels with its sign turned
};

/// Frequencies of one kind of head, and the table over positions, kept for one device and dtype and grown on demand.
class Rope {
 public:
  /// `channels` of a head must be even.
  Rope(std::int64_t channels, double theta, RopeScaling scaling = {})
      : frequencies_(frequencies(channels, theta, scaling)) {}

  /// cos and sin at `positions_BT` (int64, >= 0). One look-up per forward pass serves all layers.
  RopeTables at(const Tensor& positions_BT, torch::Device device, torch::ScalarType dtype) {
    torch::NoGradGuard no_grad;
    const std::int64_t least = positions_BT.numel() ? positions_BT.min().item<std::int64_t>() : 0;
    if (least < 0) throw BugError("rope: position " + std::to_string(least) + "; positions start at 0");
    const std::int64_t last = positions_BT.numel() ? positions_BT.max().item<std::int64_t>() : 0;
    grow(last + 1, device, dtype);
    const Tensor flat = positions_BT.to(device).reshape({-1});
    const std::vector<std::int64_t> shape = {positions_BT.size(0), positions_BT.size(1), 1, cos_PC_.size(1)};
    return {cos_PC_.index_select(0, flat).view(shape), sin_PC_.index_select(0, flat).view(shape)};
  }

  /// Turns x [B,T,H,C]. For gradients in three passes over memory, with a backward without copies of halves; else, on
  /// the CPU, in one.
  static Tensor apply(const Tensor& x_BTHC, const RopeTables& tables) {
    const bool records = torch::GradMode::is_enabled() && x_BTHC.requires_grad();
    if (!records && x_BTHC.device().is_cpu() && x_BTHC.scalar_type() == torch::kFloat32) return turned(x_BTHC, tables);
    const std::int64_t half = x_BTHC.size(-1) / 2;
    return at::addcmul(x_BTHC * tables.cos_BT1C, x_BTHC.roll(half, -1), tables.sin_BT1C);
  }

  /// Radians per position, [C/2] in float32.
  static Tensor frequencies(std::int64_t channels, double theta, const RopeScaling& scaling) {
    if (channels < 2 || channels % 2 != 0)
      throw InputError("rotary positions need an even number of channels per head; found " + std::to_string(channels));
    const Tensor exponents = at::arange(0, channels, 2, torch::kFloat32) / static_cast<double>(channels);
    const Tensor plain = at::pow(theta, exponents).reciprocal();
    if (scaling.kind == RopeScaling::Kind::linear) return plain / scaling.factor;
    if (scaling.kind == RopeScaling::Kind::none) return plain;
    // In float32 and in the order of the reference: the last digit of a frequency, times the position, shows.
    const double low = scaling.low_frequency_factor, high = scaling.high_frequency_factor;
    const Tensor wave = plain.reciprocal() * (2 * std::numbers::pi);  // positions per turn
    const Tensor turns = wave.reciprocal() * scaling.original_max_positions;
    const Tensor kept = ((turns - low) / (high - low)).clamp(0, 1);
    return (1 - kept) * plain / scaling.factor + kept * plain;
  }

 private:
  static Tensor turned(const Tensor& x_BTHC, const RopeTables& tables) {
    const Tensor x = x_BTHC.contiguous(), cos = tables.cos_BT1C.contiguous(), sin = tables.sin_BT1C.contiguous();
    Tensor y = at::empty(x.sizes(), x.options().requires_grad(false));
    const std::int64_t H = x.size(2), C = x.size(3), heads = x.numel() / C;
    const float *from = x.const_data_ptr<float>(), *c = cos.const_data_ptr<float>(), *s = sin.const_data_ptr<float>();
    float* to = y.mutable_data_ptr<float>();
    parallel_pieces(heads, std::max<std::int64_t>(1, (1 << 15) / C), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n)
        CELL2TEXT_KERNEL(rotate, from + n * C, c + n / H * C, s + n / H * C, to + n * C, C / 2);
    });
    return y;
  }

  void grow(std::int64_t positions, torch::Device device, torch::ScalarType dtype) {
    const bool same = cos_PC_.defined() && cos_PC_.device() == device && cos_PC_.scalar_type() == dtype;
    if (same && cos_PC_.size(0) >= positions) return;
    std::int64_t size = 512;
    while (size < positions) size *= 2;
    const Tensor angles = at::outer(at::arange(size, torch::kFloat32), frequencies_);
    const Tensor sin = angles.sin();
    cos_PC_ = at::cat({angles, angles}, 1).cos_().to(device, dtype);
    sin_PC_ = at::cat({-sin, sin}, 1).to(device, dtype);
  }

  Tensor frequencies_;  // [C/2]
  Tensor cos_PC_, sin_PC_;
};

}  // namespace cell2text
