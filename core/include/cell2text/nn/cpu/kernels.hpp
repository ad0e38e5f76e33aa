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

/// A new token and what it attends to with the heads that share keys and values: a part of a prompt, behind it one of
/// its own row's tail, which has the token itself.
struct RememberingToken {
  const float* q;                                    // [heads, channels]
  float* out;                                        // [heads, channels]
  const float *tail_k, *tail_v;                      // [tail_keys, channels]
  std::int64_t prompt_first, prompt_end, tail_keys;  // tail_keys >= 1
};

/// Tokens that look at one prompt, so that its keys and values are read once for all of them.
struct RememberingTokens {
  const RememberingToken* tokens;
  std::int64_t count, heads, channels;
  const float *prompt_k, *prompt_v;  // [.., channels]
  float scale, soft_cap;             // of scores; soft_cap 0: none
  float* scratch = nullptr;          // [remembering_scratch]
};

/// Those keys of its prompt and tails that tokens see between them: of the prompt `first` to `end`, of a tail `tail`.
struct RememberedRange {
  std::int64_t first, end, tail = 0;
  explicit RememberedRange(const RememberingTokens& all)
      : first(all.tokens->prompt_first), end(all.tokens->prompt_end) {
    for (std::int64_t i = 0; i < all.count; ++i) {
      const RememberingToken& token = all.tokens[i];
      if (token.prompt_first < first) first = token.prompt_first;
      if (token.prompt_end > end) end = token.prompt_end;
      if (token.tail_keys > tail) tail = token.tail_keys;
    }
  }
  /// For the scores of one head; softmax fills them up to whole blocks, of which a token's may begin anywhere.
  std::int64_t room() const { return (end - first + tail + 63) / 64 * 64 + 64; }
};

/// Numbers that `attend_remembered` needs beside its results.
inline std::int64_t remembering_scratch(const RememberingTokens& all) {
  return all.count * all.heads * (all.channels + RememberedRange(all).room());
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
