// What the host hands to every plugin: a log, a seed, a number of threads. No plugin keeps
// such things in globals, because a library holds its own copy of them.
#pragma once

#include <cstdint>
#include <string>

namespace cell2text {

/// A way to the host's log. Plain function pointer, so that it crosses library boundaries.
struct Log {
  enum class Level { debug, info, warning };
  void (*write)(void* self, Level level, const char* text) = nullptr;
  void* self = nullptr;

  void debug(const std::string& text) const { send(Level::debug, text); }
  void info(const std::string& text) const { send(Level::info, text); }
  void warning(const std::string& text) const { send(Level::warning, text); }

 private:
  void send(Level level, const std::string& text) const {
    if (write) write(self, level, text.c_str());
  }
};

/// Given to the constructor of every plugin; valid during that call only, but `log` may be copied.
struct Context {
  Log log = {};
  std::uint64_t seed = 0;
  int threads = 1;
};

}  // namespace cell2text
