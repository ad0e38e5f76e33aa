// Writing a folder of files so that a crash at any moment leaves the old folder or the new one, never half.
// Knows nothing of what the files hold; write each by io/atomic_file.hpp, which brings it to the disk.
#pragma once

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "cell2text/error.hpp"

namespace cell2text {

/// A new folder under the name `path` + ".partial"; `commit()` gives it its name, in place of an older one.
/// Destroyed without commit, it is removed. One writer at a time: what an earlier, killed writer left is removed first.
class AtomicFolder {
 public:
  /// EnvironmentError: the folder cannot be made.
  explicit AtomicFolder(std::filesystem::path path) : path_(std::move(path)), partial_(path_.string() + ".partial") {
    std::error_code error;
    std::filesystem::remove_all(partial_, error);
    if (!error) std::filesystem::create_directories(partial_, error);
    if (error) fail("cannot make the folder", error);
  }
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder() {
    std::error_code ignored;
    if (!committed_) std::filesystem::remove_all(partial_, ignored);
  }

  /// Where to write until `commit()`.
  const std::filesystem::path& partial() const { return partial_; }

  /// Gives the folder its name; an older one of that name is gone afterwards. Call once, at the end.
  void commit() {
    bring_to_disk(partial_);
    std::error_code ignored;
    if (std::filesystem::exists(path_, ignored)) {
      // Both names change hands in one step, so that `path` never stands for nothing.
      if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0)
        fail("cannot put in the place of the old folder", {errno, std::generic_category()});
      std::filesystem::remove_all(partial_, ignored);
    } else if (::rename(partial_.c_str(), path_.c_str()) != 0) {
      fail("cannot rename a finished folder to", {errno, std::generic_category()});
    }
    committed_ = true;
    bring_to_disk(std::filesystem::absolute(path_).parent_path());
  }

 private:
  void bring_to_disk(const std::filesystem::path& folder) const {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int reason = descriptor < 0 || (::fsync(descriptor) != 0 && errno != EINVAL) ? errno : 0;
    if (descriptor >= 0) ::close(descriptor);
    if (reason != 0) fail("cannot bring to the disk", {reason, std::generic_category()});
  }

  [[noreturn]] void fail(const char* what, std::error_code reason) const {
    throw EnvironmentError(std::string(what) + " " + path_.string() + ": " + reason.message());
  }

  std::filesystem::path path_, partial_;
  bool committed_ = false;
};

}  // namespace cell2text
