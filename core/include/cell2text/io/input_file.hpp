// A file opened for reading, with the checks that every reader needs. Parses nothing.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text {

/// A regular file, open for reading. The constructor throws InputError where the path is missing, a folder
/// or no regular file, and EnvironmentError where the system refuses (permission, too many open files).
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path) : path_(std::move(path)) {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) refuse(errno);
    struct stat status = {};
    if (::fstat(descriptor_, &status) != 0) {
      const int reason = errno;
      close();
      refuse(reason);
    }
    if (!S_ISREG(status.st_mode)) {
      close();
      throw InputError(path_.string() + (S_ISDIR(status.st_mode) ? " is a folder" : " is not a regular file") +
                       "; a file is expected here");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  InputFile(InputFile&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile() { close(); }

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  /// Bytes in the file when it was opened.
  std::uint64_t size() const { return size_; }

  /// Fills `target` from the position `offset`; returns the bytes read, fewer only at the end of the file.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> target) const {
    std::size_t done = 0;
    while (done < target.size()) {
      const ssize_t got =
          ::pread(descriptor_, target.data() + done, target.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw EnvironmentError("cannot read " + path_.string() + ": " + reason_text(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  static std::string reason_text(int code) { return std::generic_category().message(code); }

 private:
  [[noreturn]] void refuse(int code) const {
    if (code == ENOENT || code == ENOTDIR)
      throw InputError(path_.string() + " does not exist; check the path (relative paths start at the working folder)");
    throw EnvironmentError("cannot open " + path_.string() + ": " + reason_text(code));
  }
  void close() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Throws InputError where `start`, the beginning of a file, says that the file is a Git LFS pointer: a short
/// text that stands for a large file which was not downloaded.
inline void refuse_git_lfs_pointer(std::string_view start, const std::filesystem::path& path) {
  if (!start.starts_with("version https://git-lfs")) return;
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  throw InputError(path.string() + " is a Git LFS pointer, a short text in place of the real file, which was not " +
                   "downloaded; run: git lfs install && git -C '" + folder + "' lfs pull");
}

}  // namespace cell2text
