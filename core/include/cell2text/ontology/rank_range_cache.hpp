// The range of an ontology's ranks on disk. It takes all pairs to find, and a score of some cells needs nothing else of
// the other pairs: for Uberon or Mondo it is most of the work. All pairs themselves are not kept: 39 MB for the Cell
// Ontology, which takes a fraction of a second, and gigabytes for Mondo.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "cell2text/context.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/io/user_cache.hpp"
#include "cell2text/io/xxh64.hpp"
#include "cell2text/ontology/similarity.hpp"

namespace cell2text {

struct RankRangeCache {
  std::optional<std::filesystem::path> folder = {};  ///< none: nothing is kept
  double worth_keeping_s = 1;                        ///< what was found sooner is not written
  Log log = {};

  /// In the user's cache folder, where there is one.
  static RankRangeCache usual(Log log) {
    RankRangeCache cache{user_cache_folder(), 1, log};
    if (cache.folder) *cache.folder /= "ontology";
    return cache;
  }
};

namespace rank_range_detail {

// As it lies in the file.
struct Entry {
  char magic[8] = {'c', '2', 't', 'r', 'a', 'n', 'k', '1'};
  std::uint64_t key = 0;
  double lowest = 0, highest = 0;
  std::uint64_t checksum = 0;  // of all before it
};
static_assert(sizeof(Entry) == 40);

inline std::uint64_t checksum_of(const Entry& entry) {
  return xxh64(std::as_bytes(std::span(&entry, 1)).first(offsetof(Entry, checksum)));
}

/// Of all that the range follows from.
inline std::uint64_t key_of(const OntologyGraph& graph, const PageRankOptions& options) {
  const double numbers[] = {options.damping, static_cast<double>(options.tolerance)};
  return xxh64(std::as_bytes(std::span(numbers)), graph.hash());
}

inline void warn(const Log& log, const std::exception& error) {
  log.warning("ontology cache: " + std::string(error.what()) + "; going on without it");
}

/// Nothing where the file is missing, damaged or another graph's; a warning where it cannot be read.
inline std::optional<RankRange> read(const std::filesystem::path& path, std::uint64_t key, const Log& log) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  Entry entry;
  const Entry expected;
  try {
    const InputFile file(path);
    if (file.size() != sizeof entry || file.read_at(0, std::as_writable_bytes(std::span(&entry, 1))) != sizeof entry)
      return std::nullopt;
  } catch (const std::exception& error) {
    warn(log, error);
    return std::nullopt;
  }
  if (std::memcmp(entry.magic, expected.magic, sizeof entry.magic) != 0 || entry.key != key ||
      entry.checksum != checksum_of(entry))
    return std::nullopt;
  return RankRange{entry.lowest, entry.highest};
}

/// A warning where the file cannot be written.
inline void write(const std::filesystem::path& path, std::uint64_t key, const RankRange& range, const Log& log) {
  Entry entry;
  entry.key = key, entry.lowest = range.lowest, entry.highest = range.highest;
  entry.checksum = checksum_of(entry);
  try {
    std::filesystem::create_directories(path.parent_path());
    write_atomically(path, std::as_bytes(std::span(&entry, 1)));
  } catch (const std::exception& error) {
    warn(log, error);
  }
}

}  // namespace rank_range_detail

/// Where the cache keeps the range of this graph.
inline std::filesystem::path rank_range_path(const std::filesystem::path& folder, const OntologyGraph& graph,
                                             const PageRankOptions& options) {
  char name[32];
  std::snprintf(name, sizeof name, "%016llx.ranks",
                static_cast<unsigned long long>(rank_range_detail::key_of(graph, options)));
  return folder / name;
}

/// As rank_range, read where it was kept. A damaged file is computed anew and replaced; a folder that cannot be used is
/// one warning, and no error.
inline RankRange cached_rank_range(const OntologyGraph& graph, const PageRankOptions& options,
                                   const RankRangeCache& cache) {
  if (!cache.folder) return rank_range(graph, options);
  const auto path = rank_range_path(*cache.folder, graph, options);
  const std::uint64_t key = rank_range_detail::key_of(graph, options);
  if (const auto found = rank_range_detail::read(path, key, cache.log)) return *found;
  const auto started = std::chrono::steady_clock::now();
  const RankRange range = rank_range(graph, options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (took.count() >= cache.worth_keeping_s) rank_range_detail::write(path, key, range, cache.log);
  return range;
}

}  // namespace cell2text
