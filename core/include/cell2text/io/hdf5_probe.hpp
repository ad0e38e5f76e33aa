// A rehearsal in a child process: HDF5 1.10 trusts some of what a file says (the heap that holds texts
// above all), and a damaged file can end the process inside of the library, or never return from it.
// Whoever opens files of unknown origin lets a child read them first.
#pragma once

#include <fcntl.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "cell2text/error.hpp"

namespace cell2text::hdf5 {

namespace detail {

/// Ends the process where HDF5 did not get memory: under the child's limit that is a length no honest file holds,
/// and the parent, which has no limit, might get the memory and read past what it stands for.
inline herr_t end_on_lack_of_memory(hid_t stack, void*) {
  H5Ewalk2(
      stack, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* entry, void*) -> herr_t {
        if (entry->min_num == H5E_NOSPACE || entry->min_num == H5E_CANTALLOC) std::abort();
        return 0;
      },
      nullptr);
  return 0;
}

/// Runs in the child: no core file, no messages, the system's own handlers, limits on time and memory.
inline void prepare_child(std::uint64_t seconds, std::uint64_t more_bytes) {
  std::uint64_t pages = 0;  // of address space in use; what the host has mapped must stay
  if (const int sizes = open("/proc/self/statm", O_RDONLY); sizes >= 0) {
    char text[64] = "";
    if (::read(sizes, text, sizeof text - 1) > 0) pages = std::strtoull(text, nullptr, 10);
    close(sizes);
  }
  const std::uint64_t space = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + more_bytes;
  const rlimit no_core = {0, 0}, processor = {seconds, seconds + 1}, memory = {space, space};
  if (pages > 0) setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_CPU, &processor);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGXCPU}) std::signal(signal, SIG_DFL);
  static const int ours = 0;  // `silence` leaves a report with data as it is
  H5Eset_auto2(H5E_DEFAULT, end_on_lack_of_memory, const_cast<int*>(&ours));
  if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

/// Forks while this thread holds HDF5's lock, which a callback of the library does; another thread that held
/// it would leave it locked for ever in the child. Returns as fork does.
inline pid_t fork_with_lock() {
  pid_t child = -1;
  const auto fork_once = [](hid_t, const char*, void* out) -> herr_t {
    *static_cast<pid_t*>(out) = fork();
    return 1;  // ends the iteration
  };
  // The child goes on inside of the callback's caller, and so returns from here as well.
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  errno = EAGAIN;
  H5Piterate(list, nullptr, fork_once, &child);
  const int reason = errno;
  H5Pclose(list);
  errno = reason;
  return child;
}

}  // namespace detail

/// A part of what is read in the child, on its own: a fault in one must not hide a crash in the next. Text of an absurd
/// length is no such fault: the parent would take the memory.
template <class Part>
void rehearse_part(const Part& part) {
  try {
    part();
  } catch (const std::exception& error) {  // met again, and reported, by the parent
    if (std::string(error.what()).find("memory allocation") != std::string::npos) std::abort();
  }
}

/// Runs `read` in a child process and waits. InputError, naming `path`, where the child crashed or computed
/// for longer than the file's size explains; what `read` throws is ignored, for the caller will meet it
/// again. EnvironmentError where no child can be made.
template <class Read>
void rehearse(const std::filesystem::path& path, const Read& read, std::uint64_t least_seconds = 10) {
  std::error_code unknown;
  const std::uint64_t size = std::filesystem::file_size(path, unknown), bytes = unknown ? 0 : size;
  const std::uint64_t seconds = least_seconds + bytes / 20'000'000, memory = (std::uint64_t{1} << 30) + 4 * bytes;
  int ends[2];  // the child says through a pipe that it came to its end: exit states are lost where a host ignores
                // SIGCHLD
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw EnvironmentError(path.string() + ": no pipe could be made: " + std::strerror(errno));
  const pid_t child = detail::fork_with_lock();
  if (child == 0) {
    detail::prepare_child(seconds, memory);
    try {
      read();
    } catch (...) {
    }
    _exit(write(ends[1], "", 1) == 1 ? 0 : 1);
  }
  const int reason = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    throw EnvironmentError(path.string() + ": no process could be made to check it: " + std::strerror(reason));
  }
  char byte = 0;
  ssize_t told = 0;
  while ((told = ::read(ends[0], &byte, 1)) < 0 && errno == EINTR) {
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (told == 1) return;
  const bool endless = WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
  throw InputError(path.string() + ": is damaged in a way that makes the HDF5 library " +
                   (endless ? "read without end" : "crash") + "; copy or download it again");
}

}  // namespace cell2text::hdf5
