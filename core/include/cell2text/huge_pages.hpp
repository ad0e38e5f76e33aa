// Large pages for arrays that are read or filled whole: with pages of 4 kB, finding them takes up to a quarter of the
// time of reading them, and having them made a third of that of filling them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace cell2text {

/// Asks the kernel to put memory that nobody has written yet on large pages. A wish: what comes of it is not known, and
/// nothing but speed depends on it.
inline void prefer_huge_pages(const void* fresh, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t page = 2 << 20;
  if (bytes < 2 * page) return;
  const auto start = reinterpret_cast<std::uintptr_t>(fresh);
  const std::uintptr_t first = (start + page - 1) / page * page, last = (start + bytes) / page * page;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

/// The same of a tensor, where it lies in the CPU's memory.
template <class Tensor>
void prefer_huge_pages(const Tensor& fresh) {
  if (fresh.device().is_cpu()) prefer_huge_pages(fresh.data_ptr(), fresh.nbytes());
}

}  // namespace cell2text
