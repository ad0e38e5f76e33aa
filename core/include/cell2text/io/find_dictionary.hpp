// Finds a gene dictionary in a folder: published ones carry a version in their names.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

/// The one file PREFIX*.json or PREFIX*.pkl in `folder`; empty where there is none. InputError where there are
/// several; `key` is the setting that picks one.
inline std::filesystem::path find_dictionary(const std::filesystem::path& folder, const std::string& prefix,
                                             const std::string& key) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto ending = entry.path().extension();
    if (entry.path().filename().string().starts_with(prefix) && (ending == ".json" || ending == ".pkl"))
      found.push_back(entry.path());
  }
  std::ranges::sort(found);
  if (found.size() > 1)
    throw InputError(folder.string() + ": two files could be the dictionary, " + found[0].filename().string() +
                     " and " + found[1].filename().string() + "; pick one with the setting '" + key + "'");
  return found.empty() ? std::filesystem::path() : found[0];
}

}  // namespace cell2text
