// What the prompts of training cells tell of their labels: each label is hidden at random, so that a model learns to
// describe cells with and without it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/error.hpp"
#include "cell2text/text/description_source.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text {

/// Knows nothing of the order of cells: what a cell is told in an epoch depends on the seed, the epoch and its row
/// alone.
class GivenDropout {
 public:
  /// `dropout`: how often each of `labels` is hidden. `cells` must outlive it.
  GivenDropout(const DescriptionSource& cells, std::vector<std::string> labels, double dropout, std::uint64_t seed)
      : cells_(&cells), labels_(std::move(labels)), dropout_(dropout), seed_(seed) {}

  /// Labels as descriptions tell them. One that is not known of the cell is never told.
  GivenLabels operator()(std::int64_t row, std::int64_t epoch) const {
    GivenLabels told;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const auto draw = static_cast<std::uint64_t>(epoch) * labels_.size() + i;
      if (uniform_draw(seed_, static_cast<std::uint64_t>(row), draw) < dropout_) continue;
      if (const auto label = cells_->told(labels_[i], row)) told[labels_[i]] = *label;
    }
    return told;
  }

  /// InputError where one of the labels is known of none of these rows: a model would never see it.
  void expect_known(const std::vector<std::int64_t>& rows) const {
    for (const std::string& label : labels_)
      if (std::ranges::none_of(rows, [&](std::int64_t row) { return cells_->told(label, row).has_value(); }))
        throw InputError("'prompt.user' tells the " + label +
                         " that is given, and no training cell has a known one; say in which obs column it stands with "
                         "descriptions." +
                         label + ", or leave it out of {given:...}");
  }

 private:
  const DescriptionSource* cells_;
  std::vector<std::string> labels_;
  double dropout_;
  std::uint64_t seed_;
};

}  // namespace cell2text
