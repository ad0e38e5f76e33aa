// Threads that are started for one loop, for programs without LibTorch: starting them takes some 20 microseconds each.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <vector>

namespace cell2text::threads_detail {

struct StartedThreads {
  /// OMP_NUM_THREADS where it is a number above 0, else the cores of this process.
  static int count() {
    static const int chosen = [] {
      const char* variable = std::getenv("OMP_NUM_THREADS");
      const int wanted = variable ? std::atoi(variable) : 0;
      return wanted > 0 ? wanted : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    }();
    return chosen;
  }

  /// Whether a loop is worth dividing here; not within another one.
  static bool several() { return count() > 1 && !inside(); }

  /// function(data), which throws nothing, on each thread; returns when all have. Where the system gives fewer threads,
  /// on these.
  static void run(void (*function)(void*), void* data) {
    const auto once = [=] {
      inside() = true;
      function(data);
      inside() = false;
    };
    std::vector<std::jthread> others;
    others.reserve(static_cast<std::size_t>(count() - 1));
    try {
      while (static_cast<int>(others.size()) < count() - 1) others.emplace_back(once);
    } catch (const std::system_error&) {
    }
    once();
  }

 private:
  static bool& inside() {
    static thread_local bool value = false;
    return value;
  }
};

}  // namespace cell2text::threads_detail
