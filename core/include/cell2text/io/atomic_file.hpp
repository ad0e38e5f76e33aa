// Writing a file so that a crash at any moment leaves the old file or the new one, never half.
// Knows nothing of formats.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text {

/// A new file under a temporary name in the folder of `path`; `commit()` gives it its name.
/// Write through `write()`, or hand `temporary_path()` to a library that writes files itself.
/// Destroyed without commit, it removes the temporary and leaves the old file as it was.
/// A link is followed: the file that it points at is replaced, the link stays.
class AtomicFile {
 public:
  /// InputError: the folder does not exist, or `path` is something else than a file.
  /// EnvironmentError: the folder cannot be written to.
  explicit AtomicFile(const std::filesystem::path& path) : path_(target_of(path)) {
    const auto folder = path_.parent_path();
    // The name is cut so that the temporary one stays below the usual limit of 255 bytes.
    const std::string stem = "." + path_.filename().string().substr(0, 200) + ".";
    std::random_device random;
    for (int attempt = 0; descriptor_ < 0; ++attempt) {
      char number[16];
      std::snprintf(number, sizeof number, "%08x", static_cast<unsigned>(random()));
      temporary_ = folder / (stem + number + ".tmp");
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && (errno != EEXIST || attempt == 100)) {
        const int reason = errno;
        temporary_.clear();
        fail("cannot create a file beside", reason);
      }
    }
    struct stat old = {};
    if (::stat(path_.c_str(), &old) == 0 && ::fchmod(descriptor_, old.st_mode & 07777) != 0) {
      const int reason = errno;
      discard();
      fail("cannot take over the permissions of", reason);
    }
  }
  AtomicFile(AtomicFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        descriptor_(std::exchange(other.descriptor_, -1)),
        written_(other.written_) {}
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile() { discard(); }

  /// The final name.
  const std::filesystem::path& path() const { return path_; }
  /// The name until `commit()`, for libraries that open files by name.
  const std::filesystem::path& temporary_path() const { return temporary_; }
  /// Bytes written through `write()`.
  std::uint64_t written() const { return written_; }

  /// Appends bytes. EnvironmentError naming the file: disk full, quota, size limit.
  void write(std::span<const std::byte> bytes) {
    if (descriptor_ < 0) throw BugError("AtomicFile: write after commit to " + path_.string());
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail("cannot write", count < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      written_ += static_cast<std::uint64_t>(count);
    }
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Brings the bytes to the disk, renames, and brings the folder to the disk. Call once, at the end.
  void commit() {
    if (descriptor_ < 0) throw BugError("AtomicFile: second commit of " + path_.string());
    ::close(std::exchange(descriptor_, -1));
    // Opened anew by name: a library may have replaced the file that we created.
    const int file = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status = {};
    int reason = file < 0 || ::fstat(file, &status) != 0 || ::fsync(file) != 0 ? errno : 0;
    if (file >= 0) ::close(file);
    if (reason != 0) fail("cannot bring to the disk", reason);
    if (written_ > 0 && static_cast<std::uint64_t>(status.st_size) != written_)
      throw EnvironmentError("writing " + path_.string() + " ended with " + std::to_string(status.st_size) +
                             " bytes in the file, " + std::to_string(written_) + " expected; the old file is kept");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot rename a temporary file to", errno);
    temporary_.clear();
    const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    reason = folder < 0 || (::fsync(folder) != 0 && errno != EINVAL) ? errno : 0;
    if (folder >= 0) ::close(folder);
    if (reason != 0) fail("cannot bring to the disk the folder of", reason);
  }

 private:
  static std::filesystem::path target_of(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!path.has_filename()) throw InputError("cannot write '" + path.string() + "': it names no file");
    const auto target = std::filesystem::absolute(
        std::filesystem::is_symlink(path, ignored) ? std::filesystem::weakly_canonical(path, ignored) : path);
    const auto status = std::filesystem::status(target, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      throw InputError("cannot write " + path.string() + ": it exists and is not a file; choose another name");
    const auto folder = target.parent_path();
    if (!std::filesystem::is_directory(folder, ignored))
      throw InputError("cannot write " + path.string() + ": the folder " + folder.string() +
                       " does not exist; create it first");
    return target;
  }

  [[noreturn]] void fail(const char* what, int reason) const {
    std::string message = std::string(what) + " " + path_.string() + ": " + std::generic_category().message(reason);
    if (reason == ENOSPC || reason == EDQUOT) message += "; free some space and run again";
    throw EnvironmentError(message);
  }

  void discard() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
};

/// Writes a whole file by way of a temporary one. Errors as AtomicFile.
inline void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}
inline void write_atomically(const std::filesystem::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace cell2text
