// Where programs of a user keep what can be computed again. Makes no folder.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

namespace cell2text {

/// $XDG_CACHE_HOME/cell2text, else ~/.cache/cell2text; nothing where the environment names neither as an absolute path.
inline std::optional<std::filesystem::path> user_cache_folder() {
  for (const auto& [variable, below] : {std::pair{"XDG_CACHE_HOME", ""}, std::pair{"HOME", ".cache"}})
    if (const char* value = std::getenv(variable); value && std::filesystem::path(value).is_absolute())
      return std::filesystem::path(value) / below / "cell2text";
  return std::nullopt;
}

}  // namespace cell2text
