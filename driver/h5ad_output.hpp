// What can become an .h5ad output: a copy of an .h5ad input with more in it.
#pragma once

#include <filesystem>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text::driver {

/// InputError where `input` is not one .h5ad file; `instead` says what can be done.
inline void expect_one_h5ad(const std::filesystem::path& input, const std::filesystem::path& output,
                            const std::string& instead) {
  const bool folder = std::filesystem::is_directory(input);
  if (!folder && input.extension() == ".h5ad") return;
  throw InputError(output.string() + ": an .h5ad can be written only from an .h5ad, of which it is a copy; " +
                   input.string() + (folder ? " is a folder of several. " : " is none. ") + instead);
}

}  // namespace cell2text::driver
