// A loop over the threads that LibTorch computes with. A pool of our own would fight with that one for the cores: its
// threads wait by spinning. Which thread takes which piece is open, so pieces must not depend on each other.
#pragma once

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace cell2text {

namespace threads_detail {

/// The way into GNU OpenMP that `#pragma omp parallel` compiles to. The pragma itself needs -fopenmp, and a
/// precompiled header serves only files that are compiled with its own flags. Null where LibTorch has another pool.
using Parallel = void (*)(void (*function)(void*), void* data, unsigned threads, unsigned flags);
inline Parallel openmp() {
  static const auto found = reinterpret_cast<Parallel>(::dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  return found;
}

}  // namespace threads_detail

/// f(first, last) for pieces of 0..n of at most `grain`, on at::get_num_threads() threads. What f throws is thrown
/// here, after the other pieces.
template <class F>
void parallel_pieces(std::int64_t n, std::int64_t grain, const F& f) {
  const auto parallel = threads_detail::openmp();
  if (n <= grain || !parallel || at::get_num_threads() < 2 || at::in_parallel_region()) {
    if (n > 0) f(std::int64_t{0}, n);
    return;
  }
  struct Work {
    const F& f;
    std::int64_t n, grain;
    std::atomic<std::int64_t> next = 0;
    std::atomic_flag failed = ATOMIC_FLAG_INIT;
    std::exception_ptr error;
  } work{f, n, grain, {}, {}, {}};
  const auto take_pieces = [](void* data) {
    Work& work = *static_cast<Work*>(data);
    try {
      for (std::int64_t first; (first = work.next.fetch_add(work.grain)) < work.n;)
        work.f(first, std::min(first + work.grain, work.n));
    } catch (...) {
      if (!work.failed.test_and_set()) work.error = std::current_exception();
    }
  };
  parallel(take_pieces, &work, 0, 0);
  if (work.error) std::rethrow_exception(work.error);
}

}  // namespace cell2text
