#include "mapping_fault.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cell2text::driver {

namespace {

// All below runs inside a signal handler: open, read, write, close, and no memory but its own.

/// One byte after the other of /proc/self/maps.
class Maps {
 public:
  Maps() : descriptor_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
  ~Maps() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;

  /// The next byte, or -1 at the end.
  int next() {
    if (at_ == end_) {
      ssize_t got = 0;
      do {
        got = descriptor_ < 0 ? 0 : ::read(descriptor_, buffer_.data(), buffer_.size());
      } while (got < 0 && errno == EINTR);
      if (got <= 0) return -1;
      at_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

  /// A hexadecimal number and the byte behind it, or false at the end.
  bool number(std::uintptr_t& value) {
    value = 0;
    for (int c = next(); c >= 0; c = next()) {
      if (c >= '0' && c <= '9')
        value = value << 4 | static_cast<std::uintptr_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value << 4 | static_cast<std::uintptr_t>(c - 'a' + 10);
      else
        return true;
    }
    return false;
  }

 private:
  int descriptor_;
  std::array<char, 4096> buffer_;
  std::size_t at_ = 0, end_ = 0;
};

/// The path of the file that is mapped, read-only, at `address`: put into `path`, its length returned; 0 for none.
/// A line is "begin-end permissions offset device inode   path".
std::size_t find_file(std::uintptr_t address, std::array<char, 4096>& path) {
  Maps maps;
  std::uintptr_t begin = 0, end = 0;
  while (maps.number(begin) && maps.number(end)) {
    const bool here = address >= begin && address < end;
    bool written = false;
    std::size_t size = 0;
    int blanks = 0, c = maps.next();
    for (; c >= 0 && c != '\n'; c = maps.next()) {
      if (blanks < 4) {
        written = written || (blanks == 0 && c == 'w');
        if (c == ' ') ++blanks;
      } else if (size < path.size() && (size > 0 || c != ' ')) {
        path[size++] = static_cast<char>(c);
      }
    }
    // Memory that is shared through a file is written as well; when that is full, no file was shortened.
    if (here) return !written && size > 0 && path[0] == '/' ? size : 0;
  }
  return 0;
}

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(STDERR_FILENO, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

std::atomic_flag said = ATOMIC_FLAG_INIT;

void handle(int signal, siginfo_t* info, void*) {
  std::array<char, 4096> path;
  const std::size_t size =
      info->si_code == BUS_ADRERR ? find_file(reinterpret_cast<std::uintptr_t>(info->si_addr), path) : 0;
  if (size == 0) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // delivered when this function returns
    return;
  }
  // Several threads may read one file; the first speaks, and its _exit ends the others.
  if (said.test_and_set())
    while (true) ::pause();
  say("cell2text: ");
  say({path.data(), size});
  say(" became shorter while it was in use, so what was to be read is gone; put the whole file back and start again. "
      "A file in use is replaced by renaming, never by writing into it\n");
  ::_exit(1);
}

}  // namespace

void name_lost_mappings() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace cell2text::driver
