// The page that a run ends with, and that `cell2text report` writes of many runs.
#pragma once

#include <filesystem>

namespace cell2text::driver {

/// Writes a self-contained page about a run folder. InputError where the folder holds no finished run; errors of the
/// output as AtomicFile.
void write_report(const std::filesystem::path& run, const std::filesystem::path& output);

}  // namespace cell2text::driver
