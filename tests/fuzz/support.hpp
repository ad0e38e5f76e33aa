// What the fuzz targets share: files in memory, and what a broken promise is.
//
// A target is a function `bool NAME(std::string_view input)`: true where the parser took the input, false where it
// refused it with InputError. Any other exception, a broken promise (require), a sanitizer's report, too much memory
// or too much time is a finding.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cell2text/error.hpp"

namespace cell2text::fuzz {

/// A promise that a parser broke. No InputError, whatever the catch.
class Broken : public std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const std::string& promise) {
  if (!holds) throw Broken("broken promise: " + promise);
}

/// Runs `body`; whether it went through without an InputError.
template <class Body>
bool accepted(Body&& body) {
  try {
    body();
    return true;
  } catch (const InputError& error) {
    require(std::string_view(error.what()).size() > 10, "an error says something");
    return false;
  }
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Cuts `input` at its first byte of zero; the second part is empty where there is none.
struct Parts {
  explicit Parts(std::string_view input) {
    const auto zero = input.find('\0');
    first = input.substr(0, zero);
    if (zero != std::string_view::npos) second = input.substr(zero + 1);
  }
  std::string_view first, second;
};

/// A file that lies in memory alone, for parsers that take a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes = {}) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::perror("memfd"), std::abort();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  std::string bytes() const {
    std::string all(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
    require(::pread(descriptor_, all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()), "memfd reads back");
    return all;
  }

 private:
  int descriptor_;
};

/// A folder in memory where there is one, for writers that rename; removed when the program ends.
inline std::filesystem::path scratch_folder() {
  struct Folder {
    Folder() {
      std::string pattern = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
      pattern += "/cell2text-fuzz-XXXXXX";
      if (!::mkdtemp(pattern.data())) std::perror("mkdtemp"), std::abort();
      path = pattern;
    }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
  };
  static const Folder folder;
  return folder.path;
}

}  // namespace cell2text::fuzz
