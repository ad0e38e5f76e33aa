// A dictionary of genes, a pickle or JSON, as each of the three types.
#pragma once

#include <cmath>
#include <map>

#include "cell2text/io/pickle.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool dictionary(std::string_view input) {
  if (input.empty()) return false;
  const MemoryFile file(input);
  bool any = false;
  any |= accepted([&] {
    const auto numbers = read_string_int_dict(file.path());
    const std::map<std::string, std::int64_t> sorted(numbers.begin(), numbers.end());
    const MemoryFile json(nlohmann::json(sorted).dump());
    require(read_string_int_dict(json.path()) == numbers, "whole numbers are written as JSON and read back");
    read_string_double_dict(file.path());  // a whole number is a number
  });
  any |= accepted([&] {
    for (const auto& [name, number] : read_string_double_dict(file.path()))
      require(std::isfinite(number), "a number is finite: " + name);
  });
  any |= accepted([&] {
    const auto texts = read_string_string_dict(file.path());
    const std::map<std::string, std::string> sorted(texts.begin(), texts.end());
    const MemoryFile json(nlohmann::json(sorted).dump());
    require(read_string_string_dict(json.path()) == texts, "texts are written as JSON and read back");
  });
  return any;
}

}  // namespace cell2text::fuzz
