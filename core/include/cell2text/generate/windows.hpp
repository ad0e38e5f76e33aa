// How the cells of a job are cut into windows, which are finished one after the other: batches are formed inside a
// window, so that a job that goes on at a window's beginning makes the batches that it would have made at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cell2text/cells/cell_loader.hpp"

namespace cell2text {

/// A fixed function of the number of cells and the batch size. The first window is a few cells: what is wrong shows at
/// once, and so does the time that the others will take.
struct Windows {
  std::int64_t cells = 0;
  std::int64_t batch_size = 1;

  static constexpr std::int64_t few = 4;

  std::int64_t count() const { return cells == 0 ? 0 : 1 + (cells - first(1) + size() - 1) / size(); }
  /// The first cell of window `k`; of window `count()`, the number of cells.
  std::int64_t first(std::int64_t k) const { return k == 0 ? 0 : std::min(cells, few + (k - 1) * size()); }

 private:
  std::int64_t size() const { return batch_size * free_length_window; }
};

}  // namespace cell2text
