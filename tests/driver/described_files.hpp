// What tests of `describe` do with its outputs.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "driver/child.hpp"
#include "driver/tiny_model.hpp"

namespace cell2text::test {

inline std::filesystem::path demo_cells() {
  return source_dir() / "data/demo/pbmc.h5ad";
}

/// The words of `describe` by the small model, in windows of 32 cells.
inline std::vector<std::string> describe_words(const std::filesystem::path& cells, const std::filesystem::path& out,
                                               const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{
      "describe", cells.string(), "--model", tiny_model().string(), "-o", out.string(), "--beams",
      "1",        "--threads",    "1",       "--batch-size",        "2"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline std::filesystem::path part_beside(const std::filesystem::path& out) {
  return out.string() + ".cell2text-part";
}

/// How many windows are finished.
inline std::ptrdiff_t finished_windows(const std::filesystem::path& out) {
  const std::string part = read_file(part_beside(out));
  return std::max<std::ptrdiff_t>(std::ranges::count(part, '\n') - 1, 0);
}

/// The bytes of an output, of which the date is left out.
inline std::string without_date(const std::filesystem::path& out) {
  static const std::regex date("20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
  return std::regex_replace(read_file(out), date, "DATE");
}

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

/// The lines of a .jsonl.
inline std::vector<nlohmann::json> json_lines(const std::filesystem::path& out) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(read_file(out));
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace cell2text::test
