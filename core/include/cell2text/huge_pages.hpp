// Large pages for arrays that live long and are read whole at each step: with pages of 4 kB, finding them takes up to
// a quarter of the time of reading them.
#pragma once

#include <sys/mman.h>
#include <torch/types.h>

#include <cstdint>

namespace cell2text {

/// Asks the kernel to put a CPU tensor that nobody has written yet on large pages. A wish: what comes of it is not
/// known, and nothing but speed depends on it.
inline void prefer_huge_pages(const torch::Tensor& fresh) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t page = 2 << 20;
  if (!fresh.device().is_cpu() || fresh.nbytes() < 2 * page) return;
  const auto start = reinterpret_cast<std::uintptr_t>(fresh.data_ptr());
  const std::uintptr_t first = (start + page - 1) / page * page, last = (start + fresh.nbytes()) / page * page;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace cell2text
