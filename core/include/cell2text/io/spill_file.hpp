// A nameless file for what is too large for memory and comes in another order than it is needed in.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text {

/// Gone with the object, or with the process, however that ends.
class SpillFile {
 public:
  /// In `folder`, which should have the room. EnvironmentError, with `what_to_do` at its end, where none can be made
  /// there.
  explicit SpillFile(const std::filesystem::path& folder, std::string what_to_do = "")
      : folder_(folder), what_to_do_(std::move(what_to_do)) {
    std::string name = (folder / ".cell2text-XXXXXX").string();
    descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0) fail("cannot make a temporary file in");
    ::unlink(name.c_str());
  }
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile() { ::close(descriptor_); }

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail("cannot write a temporary file in", count < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(count)), offset += static_cast<std::uint64_t>(count);
    }
  }
  /// BugError where these bytes were never written.
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot read a temporary file in", errno);
      if (count == 0) throw BugError("SpillFile: reading at " + std::to_string(offset) + ", beyond what was written");
      bytes = bytes.subspan(static_cast<std::size_t>(count)), offset += static_cast<std::uint64_t>(count);
    }
  }

 private:
  [[noreturn]] void fail(const char* what, int reason = errno) const {
    throw EnvironmentError(std::string(what) + " " + folder_.string() + ": " + std::generic_category().message(reason) +
                           what_to_do_);
  }

  std::filesystem::path folder_;
  std::string what_to_do_;
  int descriptor_ = -1;
};

}  // namespace cell2text
