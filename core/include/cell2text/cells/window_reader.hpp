// Reads cells in a given order, a window of them with one call, ahead of whoever uses them. Knows nothing of tokens.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/prefetch.hpp"
#include "cell2text/error.hpp"

namespace cell2text {

/// What has been read, and the time within the source's own calls.
struct ReadingSpeed {
  std::int64_t cells = 0;
  double seconds = 0;

  double cells_per_second() const { return seconds > 0 ? static_cast<double>(cells) / seconds : 0; }
};

/// Cells that were read together, as they stand in the source, and the order in which they are wanted.
struct ReadWindow {
  CellBatch cells;
  std::vector<std::int64_t> places;  ///< [B] of the wanted cells in `cells`; empty where they stand in that order

  std::int64_t size() const { return cells.size(); }
  std::int64_t place_of(std::int64_t wanted) const { return places.empty() ? wanted : places[wanted]; }
};

/// The wanted cells first .. first+count-1 of a window, copied.
inline CellBatch part_of(const ReadWindow& window, std::int64_t first, std::int64_t count) {
  const CellBatch& cells = window.cells;
  CellBatch part;
  part.genes = cells.genes;
  part.row_starts = {0};
  std::int64_t values = 0;
  for (std::int64_t wanted = first; wanted < first + count; ++wanted) {
    const std::int64_t place = window.place_of(wanted);
    part.rows.push_back(cells.rows[place]);
    part.names.push_back(cells.names[place]);
    part.totals.push_back(cells.totals[place]);
    part.row_starts.push_back(values += cells.row_starts[place + 1] - cells.row_starts[place]);
  }
  part.columns.reserve(values), part.counts.reserve(values);
  for (std::int64_t wanted = first; wanted < first + count; ++wanted) {
    const auto columns = cells.columns_of(window.place_of(wanted));
    const auto counts = cells.counts_of(window.place_of(wanted));
    part.columns.insert(part.columns.end(), columns.begin(), columns.end());
    part.counts.insert(part.counts.end(), counts.begin(), counts.end());
  }
  return part;
}

/// Windows, made in the memory of those that all users have let go: a window is tens of megabytes, and the pages of new
/// arrays cost a third of its reading. Holds as many as were in use at once.
class WindowStock {
 public:
  std::shared_ptr<ReadWindow> take() {
    std::unique_ptr<ReadWindow> window = unused_->take();
    if (!window) window = std::make_unique<ReadWindow>();
    return {window.release(), [unused = unused_](ReadWindow* used) { unused->put(std::unique_ptr<ReadWindow>(used)); }};
  }

 private:
  struct Unused {
    std::mutex mutex;
    std::vector<std::unique_ptr<ReadWindow>> windows;

    std::unique_ptr<ReadWindow> take() {
      const std::scoped_lock lock(mutex);
      if (windows.empty()) return nullptr;
      std::unique_ptr<ReadWindow> window = std::move(windows.back());
      windows.pop_back();
      return window;
    }
    void put(std::unique_ptr<ReadWindow> window) {
      const std::scoped_lock lock(mutex);
      windows.push_back(std::move(window));
    }
  };
  std::shared_ptr<Unused> unused_ = std::make_shared<Unused>();
};

/// One thread reads: HDF5 bears no more. In memory are the window in use and the next. A source is asked for rows in
/// ascending order, in which files are read fastest.
class WindowReader {
 public:
  /// Puts cells in the order asked for in the place of those that `into` holds.
  using Read = std::function<void(std::span<const std::int64_t> rows, CellBatch& into)>;
  using Window = std::shared_ptr<const ReadWindow>;

  /// `rows` in the order in which their cells are wanted. Windows end at each multiple of `window` places in it, and at
  /// its end; the first begins at the place `first`. `rows` must outlive the reader.
  WindowReader(Read read, std::span<const std::int64_t> rows, std::int64_t window, std::int64_t first = 0)
      : read_(std::move(read)),
        rows_(rows),
        window_(window),
        next_(first),
        prefetch_([this] { return take(); }, {1, 1}) {}

  /// The next window, or null at the end. An error of the source is thrown by the call that reaches its window.
  Window next() { return prefetch_.next().value_or(nullptr); }

  /// So far; may be asked at any time.
  ReadingSpeed speed() const { return {cells_, static_cast<double>(nanoseconds_) * 1e-9}; }

 private:
  std::optional<Prefetch<Window>::Job> take() {
    const auto size = static_cast<std::int64_t>(rows_.size()), first = next_;
    if (first >= size) return std::nullopt;
    next_ = std::min((first / window_ + 1) * window_, size);
    return [this, wanted = rows_.subspan(first, next_ - first)] { return read(wanted); };
  }

  Window read(std::span<const std::int64_t> wanted) {
    const std::shared_ptr<ReadWindow> window = stock_.take();
    std::vector<std::int64_t> rows(wanted.begin(), wanted.end());
    window->places = std::ranges::is_sorted(rows) ? std::vector<std::int64_t>{} : sort(rows);
    const auto started = std::chrono::steady_clock::now();
    read_(rows, window->cells);
    nanoseconds_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - started).count();
    if (window->size() != std::ssize(rows))
      throw BugError("the source gave " + std::to_string(window->size()) + " cells where " +
                     std::to_string(rows.size()) + " were asked for");
    cells_ += window->size();
    return window;
  }

  // Sorts; returns where each then stands.
  static std::vector<std::int64_t> sort(std::vector<std::int64_t>& rows) {
    std::vector<std::pair<std::int64_t, std::int64_t>> sorted;  // row, and its place before
    for (const std::int64_t row : rows) sorted.emplace_back(row, std::ssize(sorted));
    std::ranges::sort(sorted);
    std::vector<std::int64_t> places(rows.size());
    for (std::size_t place = 0; place < sorted.size(); ++place) {
      rows[place] = sorted[place].first;
      places[sorted[place].second] = static_cast<std::int64_t>(place);
    }
    return places;
  }

  Read read_;
  std::span<const std::int64_t> rows_;
  std::int64_t window_, next_;
  std::atomic<std::int64_t> cells_ = 0, nanoseconds_ = 0;
  WindowStock stock_;
  Prefetch<Window> prefetch_;  // last: its thread uses all of the above
};

}  // namespace cell2text
