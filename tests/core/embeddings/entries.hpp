// Random entries, and what the tests of the cache share.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <random>
#include <string>
#include <vector>

#include "cell2text/embeddings/folder.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

/// An entry's rows as bytes with what its header says.
struct RandomEntry {
  std::string key;
  EmbeddingEntry entry;
  std::vector<std::byte> rows;
};

inline std::string random_key(std::mt19937_64& random) {
  std::string key;
  for (int i = 0; i < 64; ++i) key += "0123456789abcdef"[random() % 16];
  return key;
}

inline RandomEntry random_entry(std::mt19937_64& random, std::int64_t most_genes = 9) {
  constexpr torch::ScalarType types[] = {torch::kFloat32, torch::kHalf, torch::kBFloat16};
  RandomEntry one{random_key(random), {}, {}};
  one.entry = {static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most_genes + 1)),
               static_cast<std::int64_t>(1 + random() % 7), types[random() % 3],
               static_cast<double>(random() % 100) / 8};
  for (std::int64_t i = 0; i < one.entry.payload_bytes(); ++i) one.rows.push_back(static_cast<std::byte>(random()));
  return one;
}

/// While it lives, no file may grow beyond `bytes`: as on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// All files below a folder, with paths relative to it, sorted.
inline std::vector<std::string> files_below(const std::filesystem::path& folder) {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (!entry.is_directory()) all.push_back(std::filesystem::relative(entry.path(), folder).string());
  std::ranges::sort(all);
  return all;
}

}  // namespace cell2text::test
