// A map whose order says nothing, as JSON whose order is that of its names.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

namespace cell2text {

/// One line for each entry, and a newline at the end.
template <class T>
std::string sorted_json(const std::unordered_map<std::string, T>& map) {
  return nlohmann::json(std::map<std::string, T>(map.begin(), map.end())).dump(0) + "\n";
}

}  // namespace cell2text
