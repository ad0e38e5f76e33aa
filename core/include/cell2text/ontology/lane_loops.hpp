// The two loops that ranks take their time in, each compiled for several instruction sets as the kernels of nn/cpu are.
// The callers own all memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/ontology/lanes.hpp"

namespace cell2text::cpu {

/// L D L^T, by columns of L: `rows` and `values` from offsets[k] to offsets[k + 1] are those of column k off the
/// diagonal.
struct Factor {
  std::size_t size;
  const std::size_t* offsets;
  const std::uint32_t* rows;
  const double* values;
  const double* inverse_pivots;
};

/// One iteration of eight walks over places, which hand on their rank in equal shares.
struct WalkStep {
  struct Source {
    std::size_t place;  ///< ascending; `size` or more: none of these places
    double returning;   ///< added to what this walk hands on from there
    double received;    ///< set: what the place got from its neighbours, damped
  };

  std::size_t size;
  const std::size_t* offsets;  ///< of neighbours
  const std::uint32_t* from;   ///< places
  const double* handing;       ///< what a place hands to each neighbour, of each unit that it received
  const double* degrees;       ///< to how many
  double damping;
  Source* sources;  ///< the walk of lane i returns to sources[i]
  std::size_t num_sources;
  const Lanes* handed;  ///< by each place to each neighbour, in the iteration before
  Lanes* next_handed;   ///< set
  Lanes* change;        ///< set: sum over places of how much more or less each walk hands on
};

namespace plain {
using Doubles [[gnu::vector_size(16)]] = double;
using Bits [[gnu::vector_size(16)]] = std::int64_t;
#include "cell2text/ontology/lane_loops_body.inc"
}  // namespace plain
#ifdef CELL2TEXT_X86_KERNELS
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
using Doubles [[gnu::vector_size(32)]] = double;
using Bits [[gnu::vector_size(32)]] = std::int64_t;
#include "cell2text/ontology/lane_loops_body.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx2,fma")
namespace avx512 {
using Doubles [[gnu::vector_size(64)]] = double;
using Bits [[gnu::vector_size(64)]] = std::int64_t;
#include "cell2text/ontology/lane_loops_body.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

}  // namespace cell2text::cpu
