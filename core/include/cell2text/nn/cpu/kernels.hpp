// The core's own CPU kernels, on float32 (weights also on bfloat16) in plain memory: each compiled for several
// instruction sets, one of which level.hpp picks. Threads and tensors are their callers'. What a kernel gives for a row
// depends on that row alone, so results are the same bits in any batch.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cell2text/nn/cpu/level.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CELL2TEXT_X86_KERNELS 1
#include <immintrin.h>
#endif

namespace cell2text::cpu {

/// The upper half of a float32.
struct Bf16 {
  std::uint16_t bits;
};
inline float widened(float a) {
  return a;
}
inline float widened(Bf16 a) {
  const std::uint32_t bits = std::uint32_t{a.bits} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// y = x w^T, the weights of type W (float or Bf16) widened on the way
template <class W>
struct Product {
  const float* x;  // [M,K]
  const W* w;      // [N,K]
  float* y;        // [M,N]
  std::int64_t M, K, N;
};

/// What the gradient of a cross-entropy is asked for.
struct CrossEntropy {
  double scale;      // of the gradient
  double smoothing;  // share of the target that is spread over all n
};

/// The new tokens of a row, and the keys and values of one head that they attend to, behind each other: a prompt's and
/// the row's own tail's, the new tokens' included. Token t sees those up to its own, or the last `window` of these.
struct RememberedRow {
  const float* q;  // [tokens, heads, channels], tokens `token_stride` apart; these heads share keys and values
  float* out;      // as q
  std::int64_t tokens, heads, channels, token_stride;
  const float *prompt_k, *prompt_v, *tail_k, *tail_v;  // [.., channels]
  std::int64_t prompt_length, tail_length;             // without the new tokens
  std::int64_t window;                                 // 0: all are seen
  float scale, soft_cap;                               // of scores; soft_cap 0: none
  float* scratch;                                      // heads * (channels + padded_keys(of all that is seen))
};

/// What a kernel needs for the scores of n keys.
inline constexpr std::int64_t padded_keys(std::int64_t n) {
  return (n + 63) / 64 * 64;
}

namespace plain {
using Vec = float __attribute__((vector_size(16)));
using VecAnywhere = float __attribute__((vector_size(16), aligned(4), may_alias));
using Int = std::int32_t __attribute__((vector_size(16)));
inline Vec fma(Vec a, Vec b, Vec c) {
  return a * b + c;
}
inline Vec larger(Vec a, Vec b) {
  return a < b ? b : a;
}
inline Int to_int(Vec a) {
  return __builtin_convertvector(a, Int);
}
inline void store_sums(const Vec* a, float* to) {  // sums of four vectors, side by side
  for (int i = 0; i < 4; ++i) to[i] = (a[i][0] + a[i][2]) + (a[i][1] + a[i][3]);
}
#include "cell2text/nn/cpu/kernels_body.inc"
// behind it:
#include "cell2text/nn/cpu/attention_body.inc"
#include "cell2text/nn/cpu/elementwise_body.inc"
}  // namespace plain

#ifdef CELL2TEXT_X86_KERNELS
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
using Vec = float __attribute__((vector_size(32)));
using VecAnywhere = float __attribute__((vector_size(32), aligned(4), may_alias));
using Int = std::int32_t __attribute__((vector_size(32)));
inline Vec fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vec larger(Vec a, Vec b) {
  return a < b ? b : a;
}
inline Int to_int(Vec a) {
  return __builtin_convertvector(a, Int);
}
inline void store_sums(const Vec* a, float* to) {
  const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}
#include "cell2text/nn/cpu/kernels_body.inc"
// behind it:
#include "cell2text/nn/cpu/attention_body.inc"
#include "cell2text/nn/cpu/elementwise_body.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx2,fma")
namespace avx512 {
using Vec = float __attribute__((vector_size(64)));
using VecAnywhere = float __attribute__((vector_size(64), aligned(4), may_alias));
using Int = std::int32_t __attribute__((vector_size(64)));
inline Vec fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vec larger(Vec a, Vec b) {
  return a < b ? b : a;
}
inline Int to_int(Vec a) {
  return __builtin_convertvector(a, Int);
}
inline __m256 halves(Vec a) {
  return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
         __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
}
inline Vec pair_sums(Vec a, Vec b) {  // in each quarter the sums of two and two channels of a and b, interleaved
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
         __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
inline void store_sums(const Vec* a, float* to) {
  const Vec first = pair_sums(a[0], a[1]), second = pair_sums(a[2], a[3]);
  const __m256 sums =
      halves(__builtin_shufflevector(first, second, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
             __builtin_shufflevector(first, second, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1)));
}
#include "cell2text/nn/cpu/kernels_body.inc"
// behind it:
#include "cell2text/nn/cpu/attention_body.inc"
#include "cell2text/nn/cpu/elementwise_body.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

/// Calls NAMESPACE::function(arguments...) of the chosen level.
#ifdef CELL2TEXT_X86_KERNELS
#define CELL2TEXT_KERNEL(function, ...)                                                                           \
  (::cell2text::cpu::level() == ::cell2text::cpu::Level::avx512 ? ::cell2text::cpu::avx512::function(__VA_ARGS__) \
   : ::cell2text::cpu::level() == ::cell2text::cpu::Level::avx2 ? ::cell2text::cpu::avx2::function(__VA_ARGS__)   \
                                                                : ::cell2text::cpu::plain::function(__VA_ARGS__))
#else
#define CELL2TEXT_KERNEL(function, ...) (::cell2text::cpu::plain::function(__VA_ARGS__))
#endif

}  // namespace cell2text::cpu
