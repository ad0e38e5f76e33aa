// SHA-256 of bytes and files, and a quick hash of samples of a large file. Says nothing of trust.
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"

namespace cell2text {
namespace sha256_detail {

inline void expect(bool done) {
  if (!done)
    throw EnvironmentError("OpenSSL's libcrypto refuses to compute SHA-256; check the installation of OpenSSL 3");
}

}  // namespace sha256_detail

/// SHA-256 of bytes that come in pieces (FIPS 180-4).
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    sha256_detail::expect(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  Sha256& update(std::span<const std::byte> bytes) {
    sha256_detail::expect(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    return *this;
  }
  Sha256& update(std::string_view text) { return update(std::as_bytes(std::span(text.data(), text.size()))); }

  /// The hash as 64 lower-case hexadecimal digits. Call once, at the end.
  std::string hex() {
    std::array<unsigned char, 32> hash = {};
    unsigned size = 0;
    sha256_detail::expect(EVP_DigestFinal_ex(context_.get(), hash.data(), &size) == 1 && size == hash.size());
    std::string text;
    for (const unsigned char byte : hash) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// SHA-256 of bytes in memory, as hexadecimal digits.
inline std::string sha256(std::span<const std::byte> bytes) {
  return Sha256().update(bytes).hex();
}
inline std::string sha256(std::string_view text) {
  return Sha256().update(text).hex();
}

/// SHA-256 of a whole file, read in pieces of 1 MiB. Errors as InputFile.
inline std::string sha256_file(const std::filesystem::path& path) {
  const InputFile file(path);
  Sha256 hash;
  std::vector<std::byte> block(std::size_t{1} << 20);
  std::uint64_t offset = 0;
  while (const std::size_t count = file.read_at(offset, block)) {
    hash.update(std::span(block).first(count));
    offset += count;
  }
  return hash.hex();
}

/// A hash that is quick for files of any size: SHA-256 over the size (8 bytes, little-endian), the first MiB, the last
/// MiB, and 64 samples of 4 KiB at fixed positions from beginning to end. It tells files apart by accident, not by
/// malice: bytes between the samples are not seen. Errors as InputFile.
inline std::string sampled_hash(const std::filesystem::path& path) {
  constexpr std::uint64_t end_bytes = 1 << 20, sample_bytes = 4096, samples = 64;
  const InputFile file(path);
  const std::uint64_t size = file.size();
  Sha256 hash;
  hash.update(std::as_bytes(std::span(&size, 1)));
  std::vector<std::byte> block(end_bytes);
  const auto add = [&](std::uint64_t offset, std::uint64_t bytes) {
    hash.update(std::span(block).first(file.read_at(offset, std::span(block).first(bytes))));
  };
  add(0, std::min(size, end_bytes));
  add(size - std::min(size, end_bytes), std::min(size, end_bytes));
  const std::uint64_t last = size > sample_bytes ? size - sample_bytes : 0;
  for (std::uint64_t i = 0; i < samples; ++i)
    add(last / (samples - 1) * i + last % (samples - 1) * i / (samples - 1), std::min(size, sample_bytes));
  return hash.hex();
}

}  // namespace cell2text
