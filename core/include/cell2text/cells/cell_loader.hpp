// Batches of tokenised cells in a given order, read and tokenised ahead on a worker thread (the only
// thread that reads the file). Within a window of batches, cells of like length stand together.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/chunk.hpp>
#include <vector>

#include "cell2text/cells/prefetch.hpp"
#include "cell2text/cells/split.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// B cells ready for the model.
struct TokenBatch {
  GeneTokens tokens;
  std::vector<std::int64_t> rows;                ///< rows of the source
  std::vector<std::string> names;                ///< obs names
  std::vector<std::vector<std::int64_t>> texts;  ///< description tokens, where a text function was given
  std::vector<double> totals;                    ///< counts per cell over all genes
};

struct LoaderOptions {
  std::int64_t batch_size = 16;
  std::int64_t length_window = 1;  ///< batches that are sorted by length together; 1 keeps the given order
  std::uint64_t seed = 0;          ///< of the order of batches inside a window
  bool shuffle_batches = false;
  std::int64_t skip_cells = 0;  ///< as if `next` had already given these; whole batches. Skipped windows are not read
};

/// The rows in a random order that depends on seed and epoch alone.
inline std::vector<std::int64_t> shuffled_rows(std::vector<std::int64_t> rows, std::uint64_t seed, std::int64_t epoch) {
  std::mt19937_64 random(seed * 1'000'003 + static_cast<std::uint64_t>(epoch) + 1);
  split_detail::shuffle(rows, random);
  return rows;
}

namespace loader_detail {

/// The named cells of a tokenised window, cut to their own longest.
inline GeneTokens select(const GeneTokens& window, const std::vector<std::int64_t>& cells) {
  GeneTokens out;
  std::int64_t longest = 0;
  for (const auto cell : cells) {
    out.lengths.push_back(window.lengths[cell]);
    out.known_genes.push_back(window.known_genes[cell]);
    longest = std::max(longest, window.lengths[cell]);
  }
  const Tensor index = torch::tensor(cells, torch::kInt64);
  auto cut = [&](const Tensor& x) {
    return x.defined() ? x.index_select(0, index).narrow(1, 0, std::min(longest, x.size(1))).contiguous() : Tensor();
  };
  out.ids_BG = cut(window.ids_BG);
  out.values_BG = cut(window.values_BG);
  return out;
}

}  // namespace loader_detail

/// Description tokens of a row of the source.
using TextOfRow = std::function<std::vector<std::int64_t>(std::int64_t row)>;

class CellLoader {
 public:
  /// Source and encoder must outlive the loader; nobody else reads the source meanwhile.
  CellLoader(const SourceHandle& source, const EncoderHandle& encoder, std::vector<std::int64_t> rows,
             LoaderOptions options, TextOfRow text = {})
      : source_(source),
        encoder_(encoder),
        rows_(std::move(rows)),
        options_(options),
        text_(std::move(text)),
        random_(options.seed),
        prefetch_([this] { return produce(); }) {}

  std::optional<TokenBatch> next() { return prefetch_.next(); }

 private:
  std::optional<TokenBatch> produce() {
    if (options_.skip_cells > 0) skip(std::exchange(options_.skip_cells, 0));
    if (ready_.empty()) read_window();
    if (ready_.empty()) return std::nullopt;
    TokenBatch batch = std::move(ready_.back());
    ready_.pop_back();
    return batch;
  }

  std::int64_t window_cells() const {
    return std::min(options_.batch_size * options_.length_window, static_cast<std::int64_t>(rows_.size()) - next_row_);
  }

  void skip(std::int64_t cells) {
    for (std::int64_t n = window_cells(); n > 0 && cells >= n; n = window_cells()) {
      next_row_ += n;
      cells -= n;
      if (!options_.shuffle_batches) continue;
      std::vector<std::int64_t> batches((n + options_.batch_size - 1) / options_.batch_size);
      split_detail::shuffle(batches, random_);  // draws what the window's own order would have drawn
    }
    if (cells > 0) read_window();
    for (; cells > 0 && !ready_.empty(); ready_.pop_back())
      cells -= static_cast<std::int64_t>(ready_.back().rows.size());
    if (cells != 0)
      throw InputError("the checkpoint's place in the data lies inside a batch; batch size or cells differ");
  }

  void read_window() {
    const std::int64_t n = window_cells();
    if (n <= 0) return;
    const std::span<const std::int64_t> rows = std::span(rows_).subspan(next_row_, n);
    next_row_ += n;
    const CellBatch cells = source_.read(rows);
    const GeneTokens tokens = encoder_.tokenize(cells);
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    if (options_.length_window > 1)
      std::ranges::stable_sort(order, {}, [&](std::int64_t cell) { return tokens.lengths[cell]; });
    for (auto chunk : order | ranges::views::chunk(options_.batch_size)) {
      const auto chosen = chunk | ranges::to<std::vector<std::int64_t>>();
      TokenBatch batch{loader_detail::select(tokens, chosen), {}, {}, {}, {}};
      for (const auto cell : chosen) {
        batch.rows.push_back(rows[cell]);
        batch.names.push_back(cells.names[cell]);
        batch.totals.push_back(cells.totals[cell]);
        if (text_) batch.texts.push_back(text_(rows[cell]));
      }
      ready_.push_back(std::move(batch));
    }
    if (options_.shuffle_batches)
      split_detail::shuffle(ready_, random_);
    else
      std::ranges::reverse(ready_);  // taken from the back
  }

  const SourceHandle& source_;
  const EncoderHandle& encoder_;
  std::vector<std::int64_t> rows_;
  LoaderOptions options_;
  TextOfRow text_;
  std::mt19937_64 random_;
  std::int64_t next_row_ = 0;
  std::vector<TokenBatch> ready_;
  Prefetch<TokenBatch> prefetch_;  // last: its thread uses all of the above
};

}  // namespace cell2text
