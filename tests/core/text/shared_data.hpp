// The reference data beside the checkout, which not every machine has.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "support/oracle.hpp"

namespace cell2text::test {

/// The path of a file of the shared data (CELL2TEXT_SHARED_DATA, else ../shared/data beside the checkout);
/// nothing, with a message that the test is skipped, where it is not there.
inline std::optional<std::filesystem::path> shared_data(const std::string& file) {
  const char* given = std::getenv("CELL2TEXT_SHARED_DATA");
  const std::filesystem::path path = (given ? std::filesystem::path(given) : source_dir() / "../shared/data") / file;
  if (std::filesystem::exists(path)) return path;
  MESSAGE("skipped: " << path.string() << " is not there; CELL2TEXT_SHARED_DATA names the folder of the shared data");
  return std::nullopt;
}

}  // namespace cell2text::test
