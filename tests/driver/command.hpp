// Runs the built command in the checkout, as a person would.
#pragma once

#include <string>

#include "support/oracle.hpp"

namespace cell2text::test {

inline std::string quoted(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

struct Outcome {
  int status = 0;
  std::string out, err;
};

/// `cell2text ARGUMENTS`, with stdout and stderr apart.
inline Outcome command(const std::string& arguments, const std::string& environment = "") {
  const TemporaryFolder folder;
  const auto errors = folder / "stderr.txt";
  Outcome outcome;
  outcome.status =
      run_command("cd '" + source_dir().string() + "' && " + environment + " '" +
                      (build_dir() / "bin/cell2text").string() + "' " + arguments + " 2> '" + errors.string() + "'",
                  outcome.out);
  outcome.err = read_file(errors);
  return outcome;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace cell2text::test
