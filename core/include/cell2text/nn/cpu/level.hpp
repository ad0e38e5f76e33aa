// Which instructions the core's own CPU kernels use. Chosen once; CELL2TEXT_CPU=plain|avx2|avx512 forces a lower one.
// LibTorch's kernels choose for themselves.
#pragma once

#include <cstdlib>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text::cpu {

enum class Level { plain, avx2, avx512 };

inline const char* name_of(Level level) {
  return level == Level::avx512 ? "avx512" : level == Level::avx2 ? "avx2" : "plain";
}

/// The best that this machine has.
inline Level best_level() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
    return Level::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Level::avx2;
#endif
  return Level::plain;
}

/// `forced` (the value of CELL2TEXT_CPU, or null) within what the machine has. InputError for another word, or for
/// more than it has.
inline Level level_of(const char* forced, Level best) {
  if (!forced || !*forced) return best;
  for (const Level level : {Level::plain, Level::avx2, Level::avx512})
    if (std::string(forced) == name_of(level)) {
      if (level <= best) return level;
      throw InputError(std::string("CELL2TEXT_CPU is '") + forced + "'; this machine has " + name_of(best) +
                       " at most. Unset the variable");
    }
  throw InputError(std::string("CELL2TEXT_CPU is '") + forced + "'; plain, avx2 or avx512 is expected");
}

/// What the kernels of this process use.
inline Level level() {
  static const Level chosen = level_of(std::getenv("CELL2TEXT_CPU"), best_level());
  return chosen;
}

}  // namespace cell2text::cpu
