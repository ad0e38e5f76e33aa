#include "console.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cell2text/text/utf8.hpp"

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

std::size_t lines_drawn = 0;

/// What takes the drawn lines away; they count as gone.
std::string erasing() {
  const std::size_t lines = std::exchange(lines_drawn, 0);
  return lines == 0 ? "" : fmt::format("\033[{}A\r\033[J", lines);
}

void write(void*, Log::Level level, const char* text) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                         spdlog::level::warn};
  clear_lines();
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

std::optional<TerminalSize> terminal_size(int descriptor) {
  if (!isatty(descriptor)) return std::nullopt;
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return TerminalSize{};
  return TerminalSize{size.ws_col, size.ws_row};
}

std::string cut(const std::string& line, std::size_t columns) {
  std::size_t at = 0, shown = 0, last = 0;  // `last`: where the character in the last column begins
  while (at < line.size() && shown < columns) {
    if (++shown == columns) last = at;
    at += utf8_detail::step(line, at).bytes;
  }
  return at == line.size() ? line : line.substr(0, last) + (columns > 0 ? "…" : "");
}

std::string bar(double share, int width) {
  std::string text;
  for (int i = 0; i < width; ++i) text += i < static_cast<int>(share * width) ? "█" : "░";
  return text;
}

void draw_lines(const std::vector<std::string>& lines) {
  const auto size = terminal_size(STDERR_FILENO);
  if (!size) return;
  std::string text = erasing();
  for (std::size_t i = 0; i < lines.size() && i + 1 < size->rows; ++i, ++lines_drawn)
    text += cut(lines[i], size->columns - 1) + "\n";  // a full line would wrap on some terminals
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

void clear_lines() {
  std::fputs(erasing().c_str(), stderr);
}

void keep_lines() {
  lines_drawn = 0;
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
  keep_lines();
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
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1;
  draw_lines({bar(std::clamp(share, 0., 1.), 24) + " " + line});
}

}  // namespace cell2text::driver
