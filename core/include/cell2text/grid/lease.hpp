// The right to work on one thing, held by a lock on a file. It is gone with the processes that hold it, however they
// end, so nothing is left to clean up.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text {

/// Of one thing one lease at most is held at a time, in all processes of all machines that see the file with its locks.
class Lease {
 public:
  enum class State {
    taken,   ///< ours until this object goes
    held,    ///< another process, or another object of this one, has it
    unknown  ///< the file system has no locks: whoever works here must be alone
  };

  /// Tries to take the lease of `file`, which is made where it is not there, and stays. EnvironmentError where it
  /// cannot be opened.
  explicit Lease(const std::filesystem::path& file) {
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0)
      throw EnvironmentError(file.string() + ": cannot be opened: " + std::generic_category().message(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0)
      state_ = State::taken;
    else
      state_ = errno == EWOULDBLOCK ? State::held : State::unknown;
    if (state_ == State::held) ::close(std::exchange(descriptor_, -1));
  }
  Lease(Lease&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), state_(std::exchange(other.state_, State::held)) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(state_, other.state_);
    return *this;
  }
  ~Lease() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  State state() const { return state_; }

  /// To be called in a forked child before exec: the program that it becomes holds the lease too, so that it outlives
  /// a parent that is killed.
  void pass_on() const {
    if (descriptor_ >= 0) ::fcntl(descriptor_, F_SETFD, 0);
  }

 private:
  int descriptor_ = -1;
  State state_ = State::held;
};

}  // namespace cell2text
