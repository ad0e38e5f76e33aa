// Which cells a process is computing, told to others that share the folder of embeddings, so that no two compute the
// same at once. Locks on bytes of one empty file: they go with the process, however it ends. Knows nothing of entries.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cell2text {

/// Claims of one open cache. Where the file cannot be opened or its file system knows no locks, every claim is granted:
/// then a cell may be computed twice, which costs only time.
class EmbeddingClaims {
 public:
  explicit EmbeddingClaims(const std::filesystem::path& folder)
      : descriptor_(::open((folder / "claims").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {}
  EmbeddingClaims(const EmbeddingClaims&) = delete;
  EmbeddingClaims& operator=(const EmbeddingClaims&) = delete;
  ~EmbeddingClaims() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Claims a key (64 hexadecimal digits); false where another has it. One that is ours already is granted.
  bool take(std::string_view key) { return lock(key, F_WRLCK, F_OFD_SETLK); }
  /// Waits until nobody else has the key, and claims it. Hold no claim meanwhile: two that wait for each other would
  /// wait for ever.
  void wait_for(std::string_view key) { lock(key, F_WRLCK, F_OFD_SETLKW); }
  void release(std::string_view key) { lock(key, F_UNLCK, F_OFD_SETLK); }

 private:
  // The byte that stands for a key: its first 60 bits. Two keys of one byte would wait for each other needlessly.
  bool lock(std::string_view key, short type, int command) {
    if (descriptor_ < 0) return true;
    std::uint64_t byte = 0;
    std::from_chars(key.data(), key.data() + std::min<std::size_t>(key.size(), 15), byte, 16);
    struct flock wanted = {};
    wanted.l_type = type;
    wanted.l_whence = SEEK_SET;
    wanted.l_start = static_cast<off_t>(byte);
    wanted.l_len = 1;
    int result = 0;
    do result = ::fcntl(descriptor_, command, &wanted);
    while (result != 0 && errno == EINTR);
    return result == 0 || (errno != EAGAIN && errno != EACCES);
  }

  int descriptor_;
};

}  // namespace cell2text
