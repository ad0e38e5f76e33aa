// How mixed the batches of an order are: the entropy of a label among the cells of a batch, beside that of batches in a
// fully random order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/split.hpp"

namespace cell2text {

/// Mean over batches of the Shannon entropy (bits) of a label within the batch; `order` holds rows of `labels`, of
/// which each `batch_size` (the last may be fewer) are a batch. A missing label counts as a value of its own. 0 without
/// rows.
inline double batch_entropy(std::span<const std::int64_t> order, const LabelColumn& labels, std::int64_t batch_size) {
  std::vector<std::int64_t> cells_of(labels.values.size() + 1);  // the first: cells without a label
  double bits = 0;
  std::int64_t batches = 0;
  for (std::size_t first = 0; first < order.size(); ++batches) {
    const auto batch = order.subspan(first, std::min(static_cast<std::size_t>(batch_size), order.size() - first));
    for (const std::int64_t row : batch) ++cells_of[labels.codes[row] + 1];
    for (const std::int64_t row : batch) {
      const auto cells = static_cast<double>(std::exchange(cells_of[labels.codes[row] + 1], 0));
      const double share = cells / static_cast<double>(batch.size());
      if (share > 0) bits -= share * std::log2(share);
    }
    first += batch.size();
  }
  return batches > 0 ? bits / static_cast<double>(batches) : 0;
}

/// The entropy of an order's batches, and of as many batches of the same cells in a fully random order.
struct OrderEntropy {
  double bits = 0, random_bits = 0;

  /// 1 where the order's batches are as mixed as random ones; also where there is nothing to mix.
  double share() const { return random_bits > 0 ? bits / random_bits : 1; }
};

inline OrderEntropy order_entropy(std::span<const std::int64_t> order, const LabelColumn& labels,
                                  std::int64_t batch_size, std::uint64_t seed) {
  std::vector<std::int64_t> random_order(order.begin(), order.end());
  std::mt19937_64 random(seed);
  split_detail::shuffle(random_order, random);
  return {batch_entropy(order, labels, batch_size), batch_entropy(random_order, labels, batch_size)};
}

}  // namespace cell2text
