// What tests share: temporary folders, a seed per run, and Python scripts as live oracles.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace cell2text::test {

/// A folder that is removed with everything in it when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cell2text-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) FAIL("no temporary folder could be made at " << pattern);
    path_ = pattern;
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::filesystem::path folder_from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value) FAIL(std::string(variable) << " is not set; run the tests through ctest, or set it by hand");
  return value;
}
/// The checkout and the build tree, as ctest tells them.
inline std::filesystem::path source_dir() {
  return folder_from_environment("CELL2TEXT_SOURCE_DIR");
}
inline std::filesystem::path build_dir() {
  return folder_from_environment("CELL2TEXT_BUILD_DIR");
}

/// CELL2TEXT_TEST_SEED, or another number at each run. Print it with INFO where it is used.
inline std::uint64_t seed() {
  if (const char* given = std::getenv("CELL2TEXT_TEST_SEED")) return std::stoull(given);
  return std::random_device{}() % 1'000'000;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Whether a message has this part.
inline bool says(const std::string& message, const std::string& part) {
  return message.find(part) != std::string::npos;
}

/// Runs a shell command; returns its exit status and puts stdout and stderr together into `output`.
inline int run_command(const std::string& command, std::string& output) {
  TemporaryFolder folder;
  const auto log = folder / "output.txt";
  const int status = std::system(("{ " + command + "; } > '" + log.string() + "' 2>&1").c_str());
  output = read_file(log);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Runs `tests/reference/SCRIPT FOLDER --seed SEED ARGS` in the project's Python environment and
/// returns the folder it filled. A script that fails is a failed test, with what it printed.
inline TemporaryFolder oracle(const std::string& script, std::uint64_t seed,
                              const std::vector<std::string>& arguments = {}) {
  TemporaryFolder folder;
  std::string command = "'" + (source_dir() / ".deps/env/bin/python").string() + "' '" +
                        (source_dir() / "tests/reference" / script).string() + "' '" + folder.path().string() +
                        "' --seed " + std::to_string(seed);
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  std::string output;
  const int status = run_command(command, output);
  if (status != 0) FAIL(script << " --seed " << seed << " failed with status " << status << ":\n" << output);
  return folder;
}

}  // namespace cell2text::test
