// An epoch of reading as training does it, without a model: how fast the cells come, and how mixed their batches are.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "cell2text/cells/batch_entropy.hpp"
#include "cell2text/cells/epoch_order.hpp"
#include "cell2text/cells/window_reader.hpp"

namespace cell2text {

struct EpochReading {
  std::int64_t cells = 0, values = 0;  ///< read: cells, and their stored counts
  double seconds = 0;                  ///< from the first call to the last cell
  OrderEntropy entropy;                ///< of the labels in batches of the order

  double cells_per_second() const { return seconds > 0 ? static_cast<double>(cells) / seconds : 0; }
};

/// Reads each row once in the order of `epoch`, a window of `options` with one call of `read`; nothing else is done
/// with the cells. `labels` are of all rows of the source. Errors as `read`.
inline EpochReading read_epoch(WindowReader::Read read, const std::vector<std::int64_t>& rows,
                               const LabelColumn& labels, std::int64_t batch_size, const ShuffleOptions& options,
                               std::uint64_t seed, std::int64_t epoch = 0) {
  const std::vector<std::int64_t> order = epoch_order(rows, seed, epoch, options);
  EpochReading reading;
  reading.entropy = order_entropy(order, labels, batch_size, seed);
  const auto started = std::chrono::steady_clock::now();
  WindowReader reader(std::move(read), order, options.window);
  while (const WindowReader::Window window = reader.next()) {
    reading.cells += window->size();
    reading.values += static_cast<std::int64_t>(window->cells.counts.size());
  }
  reading.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return reading;
}

}  // namespace cell2text
