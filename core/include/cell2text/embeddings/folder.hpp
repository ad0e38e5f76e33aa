// The folder that entries lie in: 256 subfolders by the key's first two digits, a limit in bytes, the least recently
// used go first. Several processes may use it at once. Knows nothing of models.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cell2text/embeddings/entry.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/user_cache.hpp"

namespace cell2text {

/// $XDG_CACHE_HOME/cell2text/embeddings, else ~/.cache/cell2text/embeddings. InputError where the environment names
/// neither.
inline std::filesystem::path usual_embedding_folder() {
  if (const auto folder = user_cache_folder()) return *folder / "embeddings";
  throw InputError(
      "encoder.cache = \"disk\" has no folder: neither XDG_CACHE_HOME nor HOME is set to an absolute path; set "
      "encoder.cache_folder");
}

class EmbeddingFolder {
 public:
  /// Makes the folder where it is not there, and adds up what lies in it. InputError: it is no folder.
  /// EnvironmentError: it cannot be made or written to.
  EmbeddingFolder(std::filesystem::path path, std::int64_t limit) : path_(std::move(path)), limit_(limit) {
    std::error_code error, ignored;
    std::filesystem::create_directories(path_, error);
    if (error && std::filesystem::exists(path_, ignored) && !std::filesystem::is_directory(path_, ignored))
      throw InputError(path_.string() + " is not a folder; set encoder.cache_folder to one, or to a new name");
    if (!error) error = try_to_write();
    if (error)
      throw EnvironmentError(path_.string() + ": the embedding cache cannot be written to: " + error.message() +
                             "; set encoder.cache_folder to another place, or encoder.cache to \"none\"");
    remove_leftovers();
    drop_oldest();
  }

  const std::filesystem::path& path() const { return path_; }
  std::int64_t limit() const { return limit_; }
  /// Of all entries as far as this process knows, in blocks of the disk.
  std::int64_t bytes() const { return bytes_; }
  /// Entries that this process removed for the limit.
  std::int64_t dropped() const { return dropped_; }

  /// Where the entry of a key lies, whether it is there or not.
  std::filesystem::path path_of(const std::string& key) const {
    return path_ / key.substr(0, 2) / (key + std::string(ending));
  }

  /// What a file of this length takes of the limit.
  static std::int64_t charged(std::int64_t file_bytes) { return (file_bytes + block - 1) / block * block; }

  /// Keeps an entry; where the limit is passed, the oldest go until nine tenths of it are left. An entry beyond the
  /// limit itself is not kept, which is no error.
  std::error_code store(const std::string& key, const EmbeddingEntry& entry, std::span<const std::byte> rows) {
    const std::int64_t size = charged(file_bytes(entry));
    if (size > limit_) return {};
    const auto target = path_of(key);
    std::error_code error = write_entry(target, key, entry, rows);
    if (error == std::errc::no_such_file_or_directory) {
      if (::mkdir(target.parent_path().c_str(), 0777) != 0 && errno != EEXIST) return {errno, std::generic_category()};
      error = write_entry(target, key, entry, rows);
    }
    if (error) return error;
    bytes_ += size;
    stored_since_count_ += size;
    // What other processes store shows when the files are counted again.
    if (bytes_ > limit_ || stored_since_count_ > limit_ / 10) drop_oldest();
    return {};
  }

  /// Removes a damaged entry.
  void remove(const std::string& key) {
    struct stat status = {};
    const auto file = path_of(key);
    if (::lstat(file.c_str(), &status) == 0 && ::unlink(file.c_str()) == 0)
      bytes_ = std::max<std::int64_t>(bytes_ - charged(status.st_size), 0);
  }

 private:
  static constexpr std::string_view ending = ".embedding";
  static constexpr std::int64_t block = 4096;
  static constexpr std::size_t key_digits = 64;

  static bool hexadecimal(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }
  static bool entry_name(std::string_view name) {
    return name.size() == key_digits + ending.size() && name.ends_with(ending) &&
           hexadecimal(name.substr(0, key_digits));
  }
  static bool temporary_name(std::string_view name) {
    constexpr std::size_t stem = key_digits + ending.size();
    return name.size() == stem + 13 && entry_name(name.substr(0, stem)) && name[stem] == '.' &&
           hexadecimal(name.substr(stem + 1, 8)) && name.ends_with(".tmp");
  }

  /// f(name, path, status) for each regular file of the subfolders whose name `wanted` says is ours.
  template <class Wanted, class F>
  void each_file(const Wanted& wanted, const F& f) const {
    std::error_code ignored;
    for (const auto& folder : std::filesystem::directory_iterator(path_, ignored)) {
      const std::string digits = folder.path().filename().string();
      if (digits.size() != 2 || !hexadecimal(digits) || !folder.is_directory(ignored)) continue;
      std::error_code error;
      for (std::filesystem::directory_iterator file(folder.path(), error), end; !error && file != end;
           file.increment(error)) {
        const std::string name = file->path().filename().string();
        struct stat status = {};
        if (name.starts_with(digits) && wanted(name) && ::lstat(file->path().c_str(), &status) == 0 &&
            S_ISREG(status.st_mode))
          f(name, file->path(), status);
      }
    }
  }

  std::error_code try_to_write() const {
    std::string pattern = (path_ / ".writable-XXXXXX").string();
    const int file = ::mkstemp(pattern.data());
    if (file < 0) return {errno, std::generic_category()};
    ::close(file);
    ::unlink(pattern.c_str());
    return {};
  }

  // Of processes that were killed while they wrote; younger ones may be under way.
  void remove_leftovers() const {
    const std::time_t old = std::time(nullptr) - 3600;
    each_file(temporary_name, [&](const auto&, const auto& file, const struct stat& status) {
      if (status.st_mtime < old) ::unlink(file.c_str());
    });
  }

  /// Counts all entries anew and removes the least recently used while they are beyond the limit.
  void drop_oldest() {
    struct Found {
      std::int64_t seconds, nanoseconds, bytes;
      std::array<char, key_digits> key;
    };
    bytes_ = stored_since_count_ = 0;
    each_file(entry_name,
              [&](const auto&, const auto&, const struct stat& status) { bytes_ += charged(status.st_size); });
    if (bytes_ <= limit_) return;
    std::vector<Found> all;
    bytes_ = 0;
    each_file(entry_name, [&](const std::string& name, const auto&, const struct stat& status) {
      Found& found = all.emplace_back();
      found.seconds = status.st_mtim.tv_sec, found.nanoseconds = status.st_mtim.tv_nsec;
      found.bytes = charged(status.st_size);
      std::memcpy(found.key.data(), name.data(), key_digits);
      bytes_ += found.bytes;
    });
    std::ranges::sort(all, {}, [](const Found& one) { return std::pair(one.seconds, one.nanoseconds); });
    const std::int64_t wanted = limit_ / 10 * 9;
    for (const Found& one : all) {
      if (bytes_ <= wanted) break;
      const auto file = path_of(std::string(one.key.data(), key_digits));
      if (::unlink(file.c_str()) == 0)
        ++dropped_;
      else if (errno != ENOENT)
        continue;  // not ours to remove; ENOENT: another process was quicker
      bytes_ -= one.bytes;
    }
  }

  std::filesystem::path path_;
  std::int64_t limit_;
  std::int64_t bytes_ = 0, stored_since_count_ = 0, dropped_ = 0;
};

}  // namespace cell2text
