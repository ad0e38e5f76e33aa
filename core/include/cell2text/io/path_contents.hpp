// A quick hash of what a path names, a file or a folder.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "cell2text/io/sha256.hpp"

namespace cell2text {

/// What paths name, looked at once each: of a file its sampled hash, of a folder those of the files in it. Quick for
/// checkpoints of any size; a change of a few bytes that keeps a file's size may go unseen.
class PathContents {
 public:
  /// The hash of what is there; the text itself where nothing is. Errors as InputFile.
  const std::string& of(const std::string& path) {
    const auto [found, is_new] = known_.try_emplace(path);
    if (is_new) found->second = look(path);
    return found->second;
  }

 private:
  static std::string look(const std::filesystem::path& path) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) return sampled_hash(path);
    if (!std::filesystem::is_directory(path, ignored)) return path.string();
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    std::string all;
    for (const auto& file : files) all += file.filename().string() + '\n' + sampled_hash(file) + '\n';
    return sha256(all);
  }

  std::map<std::string, std::string> known_;
};

}  // namespace cell2text
