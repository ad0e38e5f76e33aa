// Batches of tokenised cells in a given order, made ahead on worker threads: one reads the file, a window of cells at a
// time, the others tokenise. Within a window of batches, cells of like length stand together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/chunk.hpp>
#include <vector>

#include "cell2text/cells/prefetch.hpp"
#include "cell2text/cells/select_tokens.hpp"
#include "cell2text/cells/split.hpp"
#include "cell2text/cells/window_reader.hpp"
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
  int workers = 2;              ///< threads that tokenise; two are enough to keep ahead of any model
  std::int64_t read_cells =
      0;  ///< read with one call of the source, in whole length windows (rounded up); changes no batch
};

/// Description tokens of a row of the source. Asked for one row at a time, in order, on the loader's threads.
using TextOfRow = std::function<std::vector<std::int64_t>(std::int64_t row)>;

class CellLoader {
 public:
  /// Source and encoder must outlive the loader; nobody else reads the source meanwhile. In memory are two windows of
  /// `read_cells`, one in use and one ahead. InputError: `skip_cells` are more than there are.
  CellLoader(const SourceHandle& source, const EncoderHandle& encoder, std::vector<std::int64_t> rows,
             LoaderOptions options, TextOfRow text = {})
      : source_(source),
        encoder_(encoder),
        rows_(std::move(rows)),
        options_(options),
        text_(std::move(text)),
        random_(options.seed),
        next_row_(after_skipped()),
        reader_([this](std::span<const std::int64_t> some, CellBatch& into) { source_.read(some, into); }, rows_,
                cells_read_together(), next_row_),
        prefetch_([this] { return take(); }, {2, options.workers}) {}

  /// The next batch, or nothing at the end. Errors of the encoder are thrown where their batch is asked for, those of
  /// the source where the first batch of what was read together is.
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

  /// Cells read so far, and the source's time for them.
  ReadingSpeed reading_speed() const { return reader_.speed(); }

 private:
  using Batches = std::vector<TokenBatch>;  // the next one last

  // What a window is made of, once it has been read.
  struct Window {
    WindowReader::Window read;  // its cells, and those of other windows
    std::int64_t first_in_read = 0;
    std::vector<std::int64_t> rows;
    std::vector<std::vector<std::int64_t>> texts;
    std::vector<std::size_t> order;  // of its batches
    std::int64_t skip = 0;
  };

  std::int64_t num_rows() const { return static_cast<std::int64_t>(rows_.size()); }

  // Of the window that begins at `row`; 0 at the end.
  std::int64_t window_cells(std::int64_t row) const {
    return std::min(options_.batch_size * options_.length_window, num_rows() - row);
  }

  std::int64_t cells_read_together() const {
    const std::int64_t window = options_.batch_size * options_.length_window;
    return window * std::max<std::int64_t>((options_.read_cells + window - 1) / window, 1);
  }

  // Where the first window begins that was not wholly given before; draws what those before it would have drawn.
  std::int64_t after_skipped() {
    std::int64_t row = 0;
    for (std::int64_t n; (n = window_cells(row)) > 0 && options_.skip_cells >= n; options_.skip_cells -= n) {
      row += n;
      batch_order(n);
    }
    if (row == num_rows() && options_.skip_cells > 0) refuse_place();
    return row;
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
    const std::int64_t n = window_cells(next_row_);
    if (n <= 0) return std::nullopt;
    if (!read_) read_ = reader_.next(), next_in_read_ = 0;
    auto window = std::make_shared<Window>();
    window->read = read_, window->first_in_read = next_in_read_;
    window->skip = std::exchange(options_.skip_cells, 0);
    window->rows.assign(rows_.begin() + next_row_, rows_.begin() + next_row_ + n);
    window->order = batch_order(n);
    if (text_)
      for (const std::int64_t row : window->rows) window->texts.push_back(text_(row));
    next_row_ += n, next_in_read_ += n;
    if (next_in_read_ == read_->size()) read_ = nullptr;  // not to be held while the next is waited for
    return [this, window] { return batches(*window); };
  }

  Batches batches(const Window& window) const {
    const std::int64_t n = std::ssize(window.rows), first = window.first_in_read;
    const ReadWindow& read = *window.read;
    const bool as_read = read.size() == n && read.places.empty();
    const GeneTokens tokens = as_read ? encoder_.tokenize(read.cells) : encoder_.tokenize(part_of(read, first, n));
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
        const std::int64_t place = read.place_of(first + cell);
        batch.names.push_back(read.cells.names[place]);
        batch.totals.push_back(read.cells.totals[place]);
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
  std::int64_t next_row_;
  WindowReader reader_;
  WindowReader::Window read_;  // of which some is not yet taken, or null
  std::int64_t next_in_read_ = 0;
  Batches ready_;
  Prefetch<Batches> prefetch_;  // last: its threads use all of the above but ready_
};

}  // namespace cell2text
