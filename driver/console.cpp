#include "console.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace cell2text::driver {

namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_st("cell2text");
    made->set_pattern("%^%l%$: %v");
    return made;
  }();
  return *instance;
}

void write(void*, Log::Level level, const char* text) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                         spdlog::level::warn};
  logger().log(levels[static_cast<int>(level)], text);
}

}  // namespace

Log log() {
  return {&write, nullptr};
}

std::string duration_text(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

Progress::Progress(std::string what, std::int64_t total, std::string unit, std::int64_t before)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      before_(before),
      terminal_(isatty(STDERR_FILENO)),
      started_(std::chrono::steady_clock::now()),
      shown_(started_) {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', stderr);
}

void Progress::update(std::int64_t done, const std::string& detail) {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> since = now - shown_;
  const bool first = !std::exchange(began_, true);  // at once: it tells that the work goes on, and how fast
  if (!first && done < total_ && since.count() < (terminal_ ? 0.2 : 15)) return;
  shown_ = now;
  show(done, detail);
}

void Progress::show(std::int64_t done, const std::string& detail) {
  const std::chrono::duration<double> spent = shown_ - started_;
  const double rate = spent.count() > 0 ? static_cast<double>(done - before_) / spent.count() : 0;
  std::string line = fmt::format("{} {}/{} {}", what_, done, total_, unit_);
  if (rate > 0) line += fmt::format(", {:.{}f} {}/s", rate, rate < 10 ? 1 : 0, unit_);
  if (rate > 0 && done < total_) line += ", " + duration_text(static_cast<double>(total_ - done) / rate) + " left";
  if (!detail.empty()) line += ", " + detail;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  constexpr int width = 24;
  const int full = static_cast<int>(std::clamp<std::int64_t>(total_ > 0 ? done * width / total_ : width, 0, width));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  std::fprintf(stderr, "\r\033[K%s %s", bar.c_str(), line.c_str());
  std::fflush(stderr);
  line_open_ = true;
}

}  // namespace cell2text::driver
