// Whether products of many rows may round their factors to bfloat16 (8 bits), for speed: sums stay float32. Off unless
// somebody asks, and without effect on a CPU that cannot multiply bfloat16 numbers. Kept where LibTorch keeps it
// (torch.backends.mkldnn.matmul.fp32_precision), so plugins see it too and LibTorch's own products follow.
#pragma once

#include <ATen/Context.h>

namespace cell2text {

/// While one lives, products are rounded. For one thread at a time: the setting is the process's.
class RoundedProducts {
 public:
  explicit RoundedProducts(bool wanted = true)
      : before_(at::globalContext().float32Precision(at::Float32Backend::MKLDNN, at::Float32Op::MATMUL)) {
    if (wanted && possible()) set(at::Float32Precision::BF16);
  }
  ~RoundedProducts() { set(before_); }
  RoundedProducts(const RoundedProducts&) = delete;
  RoundedProducts& operator=(const RoundedProducts&) = delete;

  static bool on() {
    return at::globalContext().float32Precision(at::Float32Backend::MKLDNN, at::Float32Op::MATMUL) ==
           at::Float32Precision::BF16;
  }
  /// Whether this CPU multiplies bfloat16 numbers.
  static bool possible() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
  }

 private:
  static void set(at::Float32Precision precision) {
    at::globalContext().setFloat32Precision(at::Float32Backend::MKLDNN, at::Float32Op::MATMUL, precision);
  }

  at::Float32Precision before_;
};

}  // namespace cell2text
