// What the files of a source hold, as a hash: whether anything has to be computed again.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/io/xxh64.hpp"
#include "cell2text/value.hpp"

namespace cell2text::dataset {

/// Hashes of whole files, kept in a file of the dataset beside size and time of change: what has not changed since is
/// not read again.
class FileHashes {
 public:
  explicit FileHashes(std::filesystem::path memory) : memory_(std::move(memory)) {
    std::error_code unknown;
    if (!std::filesystem::exists(memory_, unknown)) return;
    try {
      known_ = read_json(memory_);
    } catch (const InputError&) {  // all is hashed anew
    }
    if (!known_.is_object()) known_ = nlohmann::json::object();
  }

  /// Of a file, or of all files of a folder with their names. 16 hexadecimal digits. Errors as InputFile.
  std::string of(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return of_file(path);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    std::string all;
    for (const auto& file : files) all += file.filename().string() + " " + of_file(file) + "\n";
    return hexadecimal(xxh64(std::as_bytes(std::span(all))));
  }

 private:
  static std::string hexadecimal(std::uint64_t hash) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
  }

  std::string of_file(const std::filesystem::path& path) {
    const InputFile file(path);
    const std::string key = std::filesystem::absolute(path).string();
    struct stat about = {};
    ::stat(path.c_str(), &about);
    const nlohmann::json state = {static_cast<std::int64_t>(about.st_size),
                                  static_cast<std::int64_t>(about.st_mtim.tv_sec),
                                  static_cast<std::int64_t>(about.st_mtim.tv_nsec)};
    const nlohmann::json before = known_.value(key, nlohmann::json::object());
    if (before.value("state", nlohmann::json()) == state) return before.value("xxh64", "");
    std::vector<std::byte> block(std::size_t{4} << 20);
    std::uint64_t hash = 0, at = 0;
    while (const std::size_t count = file.read_at(at, block)) {
      hash = xxh64(std::span(block).first(count), hash);
      at += count;
    }
    known_[key] = {{"state", state}, {"xxh64", hexadecimal(hash)}};
    write_atomically(memory_, known_.dump(1) + "\n");
    return hexadecimal(hash);
  }

  std::filesystem::path memory_;
  nlohmann::json known_ = nlohmann::json::object();
};

/// What a source's cells depend on: its settings, where one names a file or folder what that holds and not its name.
inline std::string source_identity(const Value& settings, FileHashes& hashes) {
  std::string all;
  for (const Entry& entry : *settings.get_if<Value::Table>()) {
    const auto* text = entry.value.get_if<std::string>();
    std::error_code unknown;
    const bool file = text && std::filesystem::exists(*text, unknown);
    all += (all.empty() ? "" : " ") + entry.key + "=" + (file ? hashes.of(*text) : to_json(entry.value).dump());
  }
  return all;
}

}  // namespace cell2text::dataset
