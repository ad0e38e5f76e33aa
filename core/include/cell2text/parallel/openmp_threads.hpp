// The threads that LibTorch computes with, by the way into GNU OpenMP that `#pragma omp parallel` compiles to. The
// pragma itself needs -fopenmp, and a precompiled header serves only files that are compiled with its own flags.
#pragma once

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace cell2text::threads_detail {

struct OpenMpThreads {
  using Parallel = void (*)(void (*function)(void*), void* data, unsigned threads, unsigned flags);

  /// Whether a loop is worth dividing here; not within another one, nor where LibTorch has another pool.
  static bool several() { return parallel() && at::get_num_threads() > 1 && !at::in_parallel_region(); }
  /// function(data) on each thread; returns when all have.
  static void run(void (*function)(void*), void* data) { parallel()(function, data, 0, 0); }

 private:
  static Parallel parallel() {
    static const auto found = reinterpret_cast<Parallel>(::dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    return found;
  }
};

}  // namespace cell2text::threads_detail
