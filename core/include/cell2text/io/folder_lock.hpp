// One process at a time on a folder.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "cell2text/error.hpp"

namespace cell2text {

/// Holds a folder that is there until the result, and every copy of it, is gone, or the process. InputError where another
/// process holds it. Null where the file system knows no locks, as some on a network: work does not depend on it.
inline std::shared_ptr<const void> hold_folder(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (reason == EWOULDBLOCK)
      throw InputError("another process is working on " + path.string() +
                       "; wait for it, or choose another folder with --out DIR");
    return nullptr;
  }
  return {nullptr, [descriptor](const void*) { ::close(descriptor); }};
}

}  // namespace cell2text
