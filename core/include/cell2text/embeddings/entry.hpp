// One cell's embeddings as a file: a header with checksums, then the rows. Knows nothing of keys' making, nor of
// folders and limits.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <system_error>

#include "cell2text/io/xxh64.hpp"

namespace cell2text {

/// What an entry says of itself.
struct EmbeddingEntry {
  std::int64_t genes = 0, width = 0;
  torch::ScalarType dtype = torch::kFloat32;
  double seconds = 0;  ///< that computing it took

  std::int64_t payload_bytes() const { return genes * width * static_cast<std::int64_t>(c10::elementSize(dtype)); }
};

/// What came of reading: damaged is a file that is not the entry it should be; refused one that the system does not
/// give.
enum class EntryState { whole, missing, damaged, refused };

namespace entry_detail {

// Beyond these, sizes could overflow.
inline constexpr std::int64_t most_genes = 1 << 30, most_width = 1 << 24;
inline constexpr torch::ScalarType dtypes[] = {torch::kFloat32, torch::kHalf, torch::kBFloat16};

// As it lies in the file. The key guards against files that were renamed or copied.
struct Header {
  char magic[8] = {'c', '2', 't', 'e', 'm', 'b', 'e', 'd'};
  std::uint32_t format = 1;
  std::uint32_t dtype = 0;  // index into `dtypes`
  std::int64_t genes = 0, width = 0;
  double seconds = 0;
  char key[64] = {};
  std::uint64_t payload_checksum = 0;
  std::uint64_t header_checksum = 0;  // of all before it
};
static_assert(sizeof(Header) == 120);

inline std::uint64_t checksum_of(const Header& header) {
  return xxh64(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, header_checksum)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  operator int() const { return number_; }

 private:
  int number_;
};

inline bool read_fully(int file, off_t offset, std::span<std::byte> target) {
  while (!target.empty()) {
    const ssize_t got = ::pread(file, target.data(), target.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    target = target.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
  return true;
}

inline bool write_fully(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ENOSPC;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

/// Reads and checks the header, and that the file is as long as it says.
inline EntryState read_header(int file, const std::string& key, Header& header) {
  if (file < 0) return errno == ENOENT ? EntryState::missing : EntryState::refused;
  struct stat status = {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return EntryState::refused;
  if (!read_fully(file, 0, std::as_writable_bytes(std::span(&header, 1)))) return EntryState::damaged;
  const Header expected;
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 || header.format != expected.format ||
      header.header_checksum != checksum_of(header) || header.dtype >= std::size(dtypes) || key.size() != 64 ||
      std::memcmp(header.key, key.data(), sizeof header.key) != 0 || header.genes < 0 || header.genes > most_genes ||
      header.width < 1 || header.width > most_width)
    return EntryState::damaged;
  const EmbeddingEntry entry{header.genes, header.width, dtypes[header.dtype], header.seconds};
  return status.st_size == static_cast<off_t>(sizeof(Header)) + entry.payload_bytes() ? EntryState::whole
                                                                                      : EntryState::damaged;
}

inline int open_to_read(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

}  // namespace entry_detail

/// Bytes of an entry's file.
inline std::int64_t file_bytes(const EmbeddingEntry& entry) {
  return static_cast<std::int64_t>(sizeof(entry_detail::Header)) + entry.payload_bytes();
}

/// Whether such values can be kept.
inline bool can_be_entry(const EmbeddingEntry& entry) {
  using namespace entry_detail;
  return entry.genes <= most_genes && entry.width <= most_width &&
         std::find(std::begin(dtypes), std::end(dtypes), entry.dtype) != std::end(dtypes);
}

/// Reads what the file of `key` says of itself into `out`; the rows are not looked at.
inline EntryState read_entry_header(const std::filesystem::path& path, const std::string& key, EmbeddingEntry& out) {
  using namespace entry_detail;
  const Descriptor file(open_to_read(path));
  Header header;
  const EntryState state = read_header(file, key, header);
  if (state == EntryState::whole) out = {header.genes, header.width, dtypes[header.dtype], header.seconds};
  return state;
}

/// Reads the rows [genes, width] of the entry that `read_entry_header` told of into `target`, and marks the file as
/// used now. What is in `target` counts only where the answer is `whole`.
inline EntryState read_entry_rows(const std::filesystem::path& path, const std::string& key,
                                  const EmbeddingEntry& entry, std::span<std::byte> target) {
  using namespace entry_detail;
  const Descriptor file(open_to_read(path));
  Header header;
  if (const EntryState state = read_header(file, key, header); state != EntryState::whole) return state;
  if (header.genes != entry.genes || header.width != entry.width || dtypes[header.dtype] != entry.dtype ||
      !read_fully(file, sizeof header, target) || xxh64(target) != header.payload_checksum)
    return EntryState::damaged;
  ::futimens(file, nullptr);  // where it may not be marked, it only is dropped sooner
  return EntryState::whole;
}

/// Writes an entry under a temporary name (PATH.8 digits.tmp) and renames it. Nothing is brought to the disk by force:
/// what a power failure leaves is found damaged. Returns what the system said.
inline std::error_code write_entry(const std::filesystem::path& path, const std::string& key,
                                   const EmbeddingEntry& entry, std::span<const std::byte> rows) {
  using namespace entry_detail;
  Header header;
  for (std::uint32_t i = 0; i < std::size(dtypes); ++i)
    if (dtypes[i] == entry.dtype) header.dtype = i;
  header.genes = entry.genes, header.width = entry.width, header.seconds = entry.seconds;
  std::memcpy(header.key, key.data(), sizeof header.key);
  header.payload_checksum = xxh64(rows);
  header.header_checksum = checksum_of(header);
  char suffix[16];
  std::snprintf(suffix, sizeof suffix, ".%08x.tmp", static_cast<unsigned>(std::random_device{}()));
  const std::string temporary = path.string() + suffix;
  const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file < 0) return {errno, std::generic_category()};
  if (write_fully(file, std::as_bytes(std::span(&header, 1))) && write_fully(file, rows) &&
      ::rename(temporary.c_str(), path.c_str()) == 0)
    return {};
  const int reason = errno;
  ::unlink(temporary.c_str());
  return {reason, std::generic_category()};
}

}  // namespace cell2text
