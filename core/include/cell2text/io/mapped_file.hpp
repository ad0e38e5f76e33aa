// A file mapped into memory, read-only. Knows nothing of what is in it.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"

namespace cell2text {

/// A private read-only mapping of a whole file. Whatever points into `data()` holds the shared pointer.
/// Files of this project are replaced by rename, so that a live mapping stays whole.
class MappedFile {
 public:
  /// Maps the file at `path`. InputError: missing, a folder, empty, or a Git LFS pointer.
  /// EnvironmentError: no permission, no address space.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path) {
    const InputFile file(path);
    if (file.size() == 0)
      throw InputError(path.string() + " is empty (0 bytes); it was perhaps not written to its end");
    void* address = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (address == MAP_FAILED)
      throw EnvironmentError("cannot map " + path.string() + " (" + std::to_string(file.size()) +
                             " bytes) into memory: " + InputFile::reason_text(errno));
    std::shared_ptr<const MappedFile> mapped(new MappedFile(path, address, file.size()));
    const auto start = mapped->text().substr(0, 64);
    refuse_git_lfs_pointer(start, path);
    return mapped;
  }

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { ::munmap(const_cast<std::byte*>(data_.data()), data_.size()); }

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> data() const { return data_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_.data()), data_.size()}; }

 private:
  MappedFile(std::filesystem::path path, void* address, std::size_t size)
      : path_(std::move(path)), data_(static_cast<const std::byte*>(address), size) {}

  std::filesystem::path path_;
  std::span<const std::byte> data_;
};

}  // namespace cell2text
