// Batches of tokenised cells in a given order, made ahead on worker threads: one at a time reads the file, all of them
// tokenise. Within a window of batches, cells of like length stand together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
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

/// Batches that are sorted by length together where the cells' order is free, as in describing: padding is then about
/// 5% of the tokens if lengths are log-normal. In training, where sorting makes the cells of a batch alike, it is a
/// setting.
inline constexpr std::int64_t free_length_window = 16;

struct LoaderOptions {
  std::int64_t batch_size = 16;
  std::int64_t length_window = 1;  ///< batches that are sorted by length together; 1 keeps the given order
  std::uint64_t seed = 0;          ///< of the order of batches inside a window
  bool shuffle_batches = false;
  std::int64_t skip_cells = 0;  ///< as if `next` had already given these; whole batches. Skipped windows are not read
  int workers = 2;              ///< threads; two are enough to keep ahead of any model
};

/// The rows in a random order that depends on seed and epoch alone.
inline std::vector<std::int64_t> shuffled_rows(std::vector<std::int64_t> rows, std::uint64_t seed, std::int64_t epoch) {
  std::mt19937_64 random(seed * 1'000'003 + static_cast<std::uint64_t>(epoch) + 1);
  split_detail::shuffle(rows, random);
  return rows;
}

namespace loader_detail {

/// The named rows of [cells,G], each cut to `width`; undefined where all_BG is.
inline Tensor rows_of(const Tensor& all_BG, const std::vector<std::int64_t>& cells, std::int64_t width) {
  if (!all_BG.defined()) return {};
  if (!all_BG.is_cpu() || (all_BG.size(1) > 1 && all_BG.stride(1) != 1))
    return rows_of(all_BG.cpu().contiguous(), cells, width);
  width = std::min(width, all_BG.size(1));
  const Tensor chosen_BG = torch::empty({static_cast<std::int64_t>(cells.size()), width}, all_BG.options());
  if (chosen_BG.numel() == 0) return chosen_BG;
  const auto value_bytes = static_cast<std::int64_t>(all_BG.element_size());
  auto* to = static_cast<std::byte*>(chosen_BG.mutable_data_ptr());
  const auto* const from = static_cast<const std::byte*>(all_BG.const_data_ptr());
  for (const std::int64_t cell : cells) {
    std::memcpy(to, from + cell * all_BG.stride(0) * value_bytes, static_cast<std::size_t>(width * value_bytes));
    to += width * value_bytes;
  }
  return chosen_BG;
}

/// The named cells of a tokenised window, cut to their own longest.
inline GeneTokens select(const GeneTokens& window, const std::vector<std::int64_t>& cells) {
  GeneTokens out;
  out.wanted_genes = window.wanted_genes;
  out.first_gene = window.first_gene, out.special_tokens = window.special_tokens;
  std::int64_t longest = 0;
  for (const auto cell : cells) {
    out.lengths.push_back(window.lengths[cell]);
    out.known_genes.push_back(window.known_genes[cell]);
    longest = std::max(longest, window.lengths[cell]);
  }
  out.ids_BG = rows_of(window.ids_BG, cells, longest);
  out.values_BG = rows_of(window.values_BG, cells, longest);
  return out;
}

}  // namespace loader_detail

/// Description tokens of a row of the source. Asked for one row at a time, in order, on the loader's threads.
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
        prefetch_([this] { return take(); }, {2, options.workers}) {}

  /// The next batch, or nothing at the end. Errors of source and encoder are thrown where their batch is asked for.
  std::optional<TokenBatch> next() {
    while (ready_.empty()) {
      auto window = prefetch_.next();
      if (!window) return std::nullopt;
      ready_ = std::move(*window);
    }
    TokenBatch batch = std::move(ready_.back());
    ready_.pop_back();
    return batch;
  }

 private:
  using Batches = std::vector<TokenBatch>;  // the next one last

  // What a window is made of, once it has been read.
  struct Window {
    CellBatch cells;
    std::vector<std::int64_t> rows;
    std::vector<std::vector<std::int64_t>> texts;
    std::vector<std::size_t> order;  // of its batches
    std::int64_t skip = 0;
  };

  std::int64_t window_cells() const {
    return std::min(options_.batch_size * options_.length_window, static_cast<std::int64_t>(rows_.size()) - next_row_);
  }

  // Batches of a window in the order in which they will be taken from the back.
  std::vector<std::size_t> batch_order(std::int64_t cells) {
    std::vector<std::size_t> order((cells + options_.batch_size - 1) / options_.batch_size);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (options_.shuffle_batches)
      split_detail::shuffle(order, random_);
    else
      std::ranges::reverse(order);
    return order;
  }

  std::optional<Prefetch<Batches>::Job> take() {
    for (std::int64_t n; (n = window_cells()) > 0 && options_.skip_cells >= n; options_.skip_cells -= n) {
      next_row_ += n;
      batch_order(n);  // draws what the window's own order would have drawn
    }
    const std::int64_t n = window_cells();
    if (n <= 0) {
      if (options_.skip_cells > 0) refuse_place();
      return std::nullopt;
    }
    auto window = std::make_shared<Window>();
    window->skip = std::exchange(options_.skip_cells, 0);
    window->rows.assign(rows_.begin() + next_row_, rows_.begin() + next_row_ + n);
    window->cells = source_.read(window->rows);
    window->order = batch_order(n);
    if (text_)
      for (const std::int64_t row : window->rows) window->texts.push_back(text_(row));
    next_row_ += n;
    return [this, window] { return batches(*window); };
  }

  Batches batches(const Window& window) const {
    const GeneTokens tokens = encoder_.tokenize(window.cells);
    std::vector<std::int64_t> cells(window.rows.size());
    std::iota(cells.begin(), cells.end(), 0);
    if (options_.length_window > 1)
      std::ranges::stable_sort(cells, {}, [&](std::int64_t cell) { return tokens.lengths[cell]; });
    const auto chunks = cells | ranges::views::chunk(options_.batch_size) | ranges::to<std::vector>();
    Batches all;
    for (const std::size_t index : window.order) {
      const auto chosen = chunks[index] | ranges::to<std::vector<std::int64_t>>();
      TokenBatch batch{loader_detail::select(tokens, chosen), {}, {}, {}, {}};
      for (const auto cell : chosen) {
        batch.rows.push_back(window.rows[cell]);
        batch.names.push_back(window.cells.names[cell]);
        batch.totals.push_back(window.cells.totals[cell]);
        if (text_) batch.texts.push_back(window.texts[cell]);
      }
      all.push_back(std::move(batch));
    }
    std::int64_t skip = window.skip;
    for (; skip > 0 && !all.empty(); all.pop_back()) skip -= static_cast<std::int64_t>(all.back().rows.size());
    if (skip != 0) refuse_place();
    return all;
  }

  [[noreturn]] static void refuse_place() {
    throw InputError("the checkpoint's place in the data lies inside a batch; batch size or cells differ");
  }

  const SourceHandle& source_;
  const EncoderHandle& encoder_;
  std::vector<std::int64_t> rows_;
  LoaderOptions options_;
  TextOfRow text_;
  std::mt19937_64 random_;
  std::int64_t next_row_ = 0;
  Batches ready_;
  Prefetch<Batches> prefetch_;  // last: its threads use all of the above but ready_
};

}  // namespace cell2text
