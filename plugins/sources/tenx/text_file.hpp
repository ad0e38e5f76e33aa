// A text file, plain or compressed with gzip, read in pieces from front to back.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/io/input_file.hpp"

namespace cell2text::tenx {

/// Gzip is told by its first bytes, not by the name; several members in a row are one text, as bgzip and cat make them.
class TextFile {
 public:
  /// InputError where the file is missing or a Git LFS pointer; EnvironmentError where the system refuses.
  explicit TextFile(const std::filesystem::path& path) : file_(path), input_(input_bytes) {
    fill();
    const std::string_view head(input_.data(), rest_);
    refuse_git_lfs_pointer(head, path);
    packed_ = head.starts_with("\x1f\x8b");
    if (!packed_) return;
    output_.resize(output_bytes);
    start(::inflateInit2(&stream_, MAX_WBITS + 16));  // 16: gzip alone
  }
  TextFile(const TextFile&) = delete;
  ~TextFile() {
    if (packed_) ::inflateEnd(&stream_);
  }

  /// The next piece; empty at the end. Valid until the next call. InputError where gzip's data are damaged or cut off.
  std::string_view next() {
    if (!packed_) {
      if (rest_ == 0) fill();
      return {input_.data(), std::exchange(rest_, 0)};
    }
    stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
    stream_.avail_out = static_cast<uInt>(output_.size());
    while (stream_.avail_out > 0 && inflate_more()) {
    }
    return {output_.data(), output_.size() - stream_.avail_out};
  }

 private:
  static constexpr std::size_t input_bytes = std::size_t{1} << 18, output_bytes = std::size_t{1} << 20;

  void fill() {
    rest_ = file_.read_at(offset_, std::as_writable_bytes(std::span(input_)));
    offset_ += rest_;
    at_ = 0;
  }

  /// Whether there may be more.
  bool inflate_more() {
    if (rest_ == 0) fill();
    if (rest_ == 0) {
      if (inside_) fail("ends before gzip's data are complete");
      return false;
    }
    if (!inside_) {  // another member; zeros are padding
      if (input_[at_] == '\0') {
        ++at_, --rest_;
        return true;
      }
      start(::inflateReset(&stream_));
    }
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data() + at_);
    stream_.avail_in = static_cast<uInt>(rest_);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    at_ += rest_ - stream_.avail_in;
    rest_ = stream_.avail_in;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      fail(std::string("holds damaged gzip data") + (stream_.msg ? " (" + std::string(stream_.msg) + ")" : ""));
    inside_ = result != Z_STREAM_END;
    return true;
  }

  void start(int result) {
    if (result != Z_OK) throw std::bad_alloc();
    inside_ = true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(file_.path().string() + ": " + what + "; copy or download it again");
  }

  InputFile file_;
  std::vector<char> input_, output_;
  std::uint64_t offset_ = 0;       ///< in the file, of what is not yet in `input_`
  std::size_t at_ = 0, rest_ = 0;  ///< of `input_`: where to go on, and how much is left
  bool packed_ = false, inside_ = false;
  z_stream stream_{};
};

}  // namespace cell2text::tenx
