// Wall and CPU time of what a benchmark does.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <nlohmann/json.hpp>

struct Stopwatch {
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  double cpu_started = cpu();

  static double cpu() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  /// {wall, user + system} since the last lap, in seconds.
  nlohmann::ordered_json lap() {
    const auto now = std::chrono::steady_clock::now();
    const double cpu_now = cpu();
    nlohmann::ordered_json times{{"wall_s", std::chrono::duration<double>(now - started).count()},
                                 {"cpu_s", cpu_now - cpu_started}};
    started = now, cpu_started = cpu_now;
    return times;
  }
};
