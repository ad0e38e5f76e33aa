// Embeddings of a frozen encoder on disk, one file per cell, so that a later epoch or another run does not compute them
// again. What an entry looks like is embeddings/entry.hpp's, the limit embeddings/folder.hpp's.
#pragma once

#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/context.hpp"
#include "cell2text/embeddings/claims.hpp"
#include "cell2text/embeddings/folder.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

struct EmbeddingCacheOptions {
  std::filesystem::path folder;
  std::int64_t limit = 0;  ///< bytes
  std::string identity;    ///< of the encoder: all that its results depend on beside tokens (encoder_identity)
  torch::Device device = torch::kCPU;  ///< where embeddings are wanted
  Log log = {};
};

/// What a cache has done since it was opened.
struct EmbeddingCacheCounts {
  std::int64_t found = 0, computed = 0, stored = 0, damaged = 0;  ///< cells
  std::int64_t bytes_read = 0, bytes_written = 0;
  double seconds_reading = 0, seconds_computing = 0, seconds_writing = 0;
  double seconds_found = 0;  ///< that computing the found cells took when they were stored
};

class EmbeddingCache {
 public:
  /// Embeddings of a batch of cells, computed.
  using Encode = std::function<GeneEmbeddings(const GeneTokens&)>;

  /// Errors as EmbeddingFolder.
  explicit EmbeddingCache(EmbeddingCacheOptions options)
      : options_(std::move(options)), folder_(options_.folder, options_.limit), claims_(options_.folder) {}

  const EmbeddingFolder& folder() const { return folder_; }
  const EmbeddingCacheCounts& counts() const { return counts_; }

  /// The embeddings of `tokens`: read where they are there, else computed by `encode` and stored; what another process
  /// is computing is waited for. What lies beyond a length is zero where any was read. Throws what `encode` throws, and
  /// nothing for the folder's sake: what cannot be stored is told by one warning. For one thread at a time.
  GeneEmbeddings encode(const GeneTokens& tokens, const Encode& encode) {
    const auto started = Clock::now();
    const std::vector<std::string> keys = keys_of(tokens);
    std::vector<Cell> cells(keys.size());
    GeneEmbeddings found = read(keys, cells);
    counts_.seconds_reading += since(started);
    std::vector<std::int64_t> misses;
    for (std::size_t b = 0; b < cells.size(); ++b) {
      if (cells[b].state == EntryState::whole) {
        count_found(cells[b]);
        continue;
      }
      misses.push_back(static_cast<std::int64_t>(b));
      if (cells[b].state == EntryState::damaged) {
        ++counts_.damaged;
        folder_.remove(keys[b]);
      } else if (cells[b].state == EntryState::refused) {
        warn("cannot read " + folder_.path_of(keys[b]).string() + "; such cells are computed");
      }
    }
    while (!misses.empty()) {
      const Claimed claimed(claims_, keys, misses, storing_);
      std::vector<std::int64_t> missing = take_stored(keys, cells, claimed.rows, found);
      if (missing.size() == keys.size()) return compute(tokens, keys, encode);
      if (!missing.empty()) {
        std::vector<std::string> missing_keys;
        for (const auto b : missing) missing_keys.push_back(keys[b]);
        found =
            joined(std::move(found), compute(loader_detail::select(tokens, missing), missing_keys, encode), missing);
      }
      misses = claimed.others;
    }
    return found;
  }

  /// A key per cell: SHA-256 of the encoder's identity, the cell's tokens and how many genes are wanted of them. Tokens
  /// follow from counts and settings, so this is a hash of the counts, as far as the encoder looks at them.
  std::vector<std::string> keys_of(const GeneTokens& tokens) const {
    const Tensor ids_BG = tokens.ids_BG.to(torch::kInt64).contiguous();
    const Tensor values_BG = tokens.values_BG.defined() ? tokens.values_BG.to(torch::kFloat32).contiguous() : Tensor();
    std::vector<std::string> keys;
    for (std::int64_t b = 0; b < tokens.size(); ++b) {
      const std::int64_t length = tokens.lengths[b];
      const std::int64_t numbers[] = {length, std::min(tokens.wanted_genes, length), tokens.first_gene,
                                      tokens.special_tokens, values_BG.defined() ? 1 : 0};
      Sha256 hash;
      hash.update(options_.identity).update(std::as_bytes(std::span(numbers)));
      hash.update(std::as_bytes(std::span(ids_BG.const_data_ptr<std::int64_t>() + b * ids_BG.size(1), length)));
      if (values_BG.defined())
        hash.update(std::as_bytes(std::span(values_BG.const_data_ptr<float>() + b * values_BG.size(1), length)));
      keys.push_back(hash.hex());
    }
    return keys;
  }

  /// What the entry of a key says of itself, where there is one.
  std::optional<EmbeddingEntry> look_up(const std::string& key) const {
    EmbeddingEntry entry;
    if (read_entry_header(folder_.path_of(key), key, entry) != EntryState::whole) return std::nullopt;
    return entry;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Cell {
    EntryState state = EntryState::missing;
    EmbeddingEntry entry;
  };

  static double since(Clock::time_point started) {
    return std::chrono::duration<double>(Clock::now() - started).count();
  }

  /// Of the rows that are missing, those that this process may compute now, until this object goes: all that nobody
  /// else has claimed, or where others have all, the first one, when it is free.
  struct Claimed {
    Claimed(EmbeddingClaims& claims, const std::vector<std::string>& keys, const std::vector<std::int64_t>& wanted,
            bool storing)
        : claims(claims), keys(keys) {
      for (const auto b : wanted) (!storing || claims.take(keys[b]) ? rows : others).push_back(b);
      if (!rows.empty()) return;
      claims.wait_for(keys[others.front()]);
      rows.push_back(others.front());
      others.erase(others.begin());
    }
    Claimed(const Claimed&) = delete;
    ~Claimed() {
      for (const auto b : rows) claims.release(keys[b]);
    }

    EmbeddingClaims& claims;
    const std::vector<std::string>& keys;
    std::vector<std::int64_t> rows, others;
  };

  /// Reads into `found` those of the rows that another process has stored since they were looked for; returns the
  /// others.
  std::vector<std::int64_t> take_stored(const std::vector<std::string>& keys, const std::vector<Cell>& cells,
                                        const std::vector<std::int64_t>& rows, GeneEmbeddings& found) {
    const auto started = Clock::now();
    std::vector<std::int64_t> there, missing;
    std::vector<std::string> there_keys;
    for (const auto b : rows) {
      EmbeddingEntry entry;
      const bool stored = cells[b].state == EntryState::missing &&
                          read_entry_header(folder_.path_of(keys[b]), keys[b], entry) == EntryState::whole;
      (stored ? there : missing).push_back(b);
      if (stored) there_keys.push_back(keys[b]);
    }
    if (there.empty()) return missing;
    std::vector<Cell> again(there.size());
    const GeneEmbeddings part = read(there_keys, again);
    if (part.values_BGE.defined()) found = joined(std::move(found), part, there);
    for (std::size_t i = 0; i < there.size(); ++i)
      if (again[i].state == EntryState::whole)
        count_found(again[i]);
      else
        missing.push_back(there[i]);
    std::ranges::sort(missing);
    counts_.seconds_reading += since(started);
    return missing;
  }

  void count_found(const Cell& cell) {
    ++counts_.found;
    counts_.seconds_found += cell.entry.seconds;
    counts_.bytes_read += file_bytes(cell.entry);
  }

  /// Reads what is there into one tensor; rows of other cells, and what lies beyond lengths, are zero.
  GeneEmbeddings read(const std::vector<std::string>& keys, std::vector<Cell>& cells) const {
    const auto B = static_cast<std::int64_t>(keys.size());
    parallel_pieces(B, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b)
        cells[b].state = read_entry_header(folder_.path_of(keys[b]), keys[b], cells[b].entry);
    });
    GeneEmbeddings out{{}, std::vector<std::int64_t>(keys.size())};
    std::optional<EmbeddingEntry> like;
    std::int64_t W = 0;
    for (Cell& cell : cells) {
      if (cell.state != EntryState::whole) continue;
      if (!like) like = cell.entry;
      // One encoder gives one type and width.
      if (cell.entry.width != like->width || cell.entry.dtype != like->dtype)
        cell.state = EntryState::damaged;
      else
        W = std::max(W, cell.entry.genes);
    }
    if (!like) return out;
    const Tensor values_BGE = torch::empty({B, W, like->width}, like->dtype);
    auto* const first_row = static_cast<std::byte*>(values_BGE.mutable_data_ptr());
    const std::int64_t row_bytes = W * like->width * static_cast<std::int64_t>(values_BGE.element_size());
    parallel_pieces(B, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        Cell& cell = cells[b];
        const std::span row(first_row + b * row_bytes, static_cast<std::size_t>(row_bytes));
        std::size_t used = 0;
        if (cell.state == EntryState::whole) {
          used = static_cast<std::size_t>(cell.entry.payload_bytes());
          cell.state = read_entry_rows(folder_.path_of(keys[b]), keys[b], cell.entry, row.first(used));
          if (cell.state != EntryState::whole) used = 0;
        }
        if (used < row.size()) std::memset(row.data() + used, 0, row.size() - used);
      }
    });
    for (std::size_t b = 0; b < cells.size(); ++b)
      if (cells[b].state == EntryState::whole) out.lengths[b] = cells[b].entry.genes;
    out.values_BGE = values_BGE.to(options_.device);
    return out;
  }

  GeneEmbeddings compute(const GeneTokens& tokens, const std::vector<std::string>& keys, const Encode& encode) {
    const auto started = Clock::now();
    GeneEmbeddings genes = encode(tokens);
    const Tensor values_BGE = genes.values_BGE.detach().to(torch::kCPU);
    const double seconds = since(started);
    counts_.computed += tokens.size();
    counts_.seconds_computing += seconds;
    if (!storing_) return genes;
    double all_tokens = 0;
    for (const auto length : tokens.lengths) all_tokens += static_cast<double>(length + 1);
    const auto stored_from = Clock::now();
    for (std::size_t b = 0; b < keys.size() && storing_; ++b)
      store(keys[b], values_BGE[static_cast<std::int64_t>(b)].narrow(0, 0, genes.lengths[b]),
            seconds * static_cast<double>(tokens.lengths[b] + 1) / all_tokens);
    counts_.seconds_writing += since(stored_from);
    return genes;
  }

  void store(const std::string& key, const Tensor& values_GE, double seconds) {
    const EmbeddingEntry entry{values_GE.size(0), values_GE.size(1), values_GE.scalar_type(), seconds};
    if (!can_be_entry(entry)) {
      storing_ = false;
      return warn("embeddings of type " + std::string(c10::toString(entry.dtype)) + " are not stored");
    }
    const Tensor rows_GE = values_GE.contiguous();
    const auto* bytes = static_cast<const std::byte*>(rows_GE.numel() > 0 ? rows_GE.const_data_ptr() : nullptr);
    const auto error = folder_.store(key, entry, {bytes, static_cast<std::size_t>(entry.payload_bytes())});
    if (error) {
      storing_ = false;
      return warn("cannot write to " + folder_.path().string() + ": " + error.message() +
                  "; the run goes on and stores nothing more");
    }
    if (EmbeddingFolder::charged(file_bytes(entry)) > folder_.limit())
      return warn("a cell's embeddings take more than encoder.cache_limit and are not stored");
    ++counts_.stored;
    counts_.bytes_written += file_bytes(entry);
  }

  /// Puts cells into the rows that `found` left empty.
  GeneEmbeddings joined(GeneEmbeddings found, const GeneEmbeddings& computed,
                        const std::vector<std::int64_t>& rows) const {
    if (!found.values_BGE.defined())
      found.values_BGE = torch::zeros({std::ssize(found.lengths), 0, computed.values_BGE.size(2)},
                                      computed.values_BGE.options().requires_grad(false));
    const std::int64_t W = std::max(found.values_BGE.size(1), std::ranges::max(computed.lengths));
    if (W > found.values_BGE.size(1)) {
      const Tensor narrow_BGE = found.values_BGE;
      found.values_BGE = torch::zeros({narrow_BGE.size(0), W, narrow_BGE.size(2)}, narrow_BGE.options());
      found.values_BGE.narrow(1, 0, narrow_BGE.size(1)).copy_(narrow_BGE);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t length = found.lengths[rows[i]] = computed.lengths[i];
      found.values_BGE[rows[i]]
          .narrow(0, 0, length)
          .copy_(computed.values_BGE[static_cast<std::int64_t>(i)].narrow(0, 0, length));
    }
    return found;
  }

  void warn(const std::string& text) {
    if (!std::exchange(warned_, true)) options_.log.warning("embedding cache: " + text);
  }

  EmbeddingCacheOptions options_;
  EmbeddingFolder folder_;
  EmbeddingClaims claims_;
  EmbeddingCacheCounts counts_;
  bool storing_ = true, warned_ = false;
};

}  // namespace cell2text
