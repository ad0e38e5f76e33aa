// A loop over threads. Beside LibTorch it runs on the threads that LibTorch computes with: a pool of our own would
// fight with that one for the cores, as its threads wait by spinning. Where LibTorch is left out
// (CELL2TEXT_WITHOUT_LIBTORCH: commands that need no tensor) it starts threads for each loop. Which thread takes which
// piece is open, so pieces must not depend on each other.
#pragma once

#ifdef CELL2TEXT_WITHOUT_LIBTORCH
#include "cell2text/parallel/started_threads.hpp"
#else
#include "cell2text/parallel/openmp_threads.hpp"
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace cell2text {

namespace threads_detail {
#ifdef CELL2TEXT_WITHOUT_LIBTORCH
using Threads = StartedThreads;
#else
using Threads = OpenMpThreads;
#endif
}  // namespace threads_detail

/// f(first, last) for pieces of 0..n of at most `grain`, on all threads (LibTorch's number of them; without it the
/// cores of this process, or OMP_NUM_THREADS). A loop within a loop is one piece. What f throws is thrown here, after
/// the other pieces.
template <class Threads = threads_detail::Threads, class F>
void parallel_pieces(std::int64_t n, std::int64_t grain, const F& f) {
  if (n <= grain || !Threads::several()) {
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
  Threads::run(take_pieces, &work);
  if (work.error) std::rethrow_exception(work.error);
}

}  // namespace cell2text
