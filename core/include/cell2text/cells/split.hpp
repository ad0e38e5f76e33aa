// Which cell belongs to train, validation and test: the [split] table and the split itself.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

namespace split_detail {

/// InputError where the three shares of [split] do not add up to 1, or leave no cells to train on.
inline void expect_shares(double train, double validation, double test) {
  if (const double sum = train + validation + test; std::abs(sum - 1) > 1e-6)
    throw InputError("train, validation and test of [split] add up to " +
                     settings_detail::shortest(std::round(sum * 1e6) / 1e6) + "; they must add up to 1");
  if (train <= 0) throw InputError("'split.train' is 0; a model needs cells to train on");
}

}  // namespace split_detail

struct SplitSettings {
  std::string by = "cell";
  std::string stratify = "cell_type";
  std::string column = "split";
  double train = 0.7, validation = 0.1, test = 0.2;

  static void describe(auto& s) {
    using T = SplitSettings;
    s.field(
        "by", &T::by,
        {.help = "cell: at random within each value of `stratify`, which overstates quality where cells of one donor "
                 "stand on both sides; donor: whole donors; column: the file says (obs column `column`)",
         .choices = {"cell", "donor", "column"}});
    s.field("stratify", &T::stratify, {.help = "obs column whose values are shared out evenly (by = cell)"});
    s.field("column", &T::column, {.help = "obs column that holds train, validation or test (by = column)"});
    s.field("train", &T::train, {.help = "share of the cells to train on", .min = 0, .max = 1});
    s.field("validation", &T::validation, {.help = "share that chooses the best model", .min = 0, .max = 1});
    s.field("test", &T::test, {.help = "share that is described and scored", .min = 0, .max = 1});
  }
  void validate() const { split_detail::expect_shares(train, validation, test); }
};

/// Rows of each part, ascending.
struct Split {
  std::vector<std::int64_t> train, validation, test;
};

namespace split_detail {

// A shuffle of our own: std::shuffle may differ between library versions, and a split must not.
template <class T>
void shuffle(std::span<T> items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}
template <class T>
void shuffle(std::vector<T>& items, std::mt19937_64& random) {
  shuffle(std::span<T>(items), random);
}

inline void sort_parts(Split& split) {
  for (auto* part : {&split.train, &split.validation, &split.test}) std::ranges::sort(*part);
}

/// Which of two parts is the emptier beside what it shall hold: 0 or 1, 0 where they are alike. One that shall hold
/// nothing is full.
inline int emptier(const std::array<double, 2>& cells, const std::array<double, 2>& targets) {
  const auto fill = [&](int part) { return targets[part] > 0 ? cells[part] / targets[part] : 2; };
  return fill(0) <= fill(1) ? 0 : 1;
}

}  // namespace split_detail

namespace split_detail {

/// How many of n cells go to each part: the share rounded down, and the odd cells to the parts that earlier values
/// have left the most behind (`owed`, kept from call to call), so that the whole file keeps the ratio too.
inline std::array<std::int64_t, 3> share_out(std::int64_t n, const std::array<double, 3>& shares,
                                             std::array<double, 3>& owed) {
  std::array<std::int64_t, 3> take{};
  std::array<bool, 3> rounded{};
  std::int64_t taken = 0;
  for (int p = 0; p < 3; ++p) {
    const double exact = shares[p] * static_cast<double>(n);
    take[p] = static_cast<std::int64_t>(std::floor(exact + 1e-9));
    rounded[p] = exact - static_cast<double>(take[p]) > 1e-9;
    owed[p] += exact;
    taken += take[p];
  }
  for (; taken < n; ++taken) {
    int neediest = -1;
    for (int p = 0; p < 3; ++p)
      if (rounded[p] && (neediest < 0 || owed[p] - take[p] > owed[neediest] - take[neediest] + 1e-9)) neediest = p;
    if (neediest < 0) neediest = 0;
    ++take[neediest];
    rounded[neediest] = false;
  }
  if (n > 0 && take[0] == 0) ++take[0], --take[take[1] > take[2] ? 1 : 2];  // what is tested must have been trained on
  for (int p = 0; p < 3; ++p) owed[p] -= static_cast<double>(take[p]);
  return take;
}

}  // namespace split_detail

/// Shares the cells of each value out in the given ratio, at random; no part is off its share of a value by a whole
/// cell, except that every value has a cell in train. Cells without a value are a group of their own.
inline Split split_by_cell(const LabelColumn& labels, const SplitSettings& settings, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<std::int64_t>> groups(labels.values.size() + 1);  // the last: cells without a label
  for (std::int64_t row = 0; row < labels.size(); ++row)
    groups[labels.codes[row] < 0 ? labels.values.size() : labels.codes[row]].push_back(row);
  Split split;
  const double sum = settings.train + settings.validation + settings.test;
  const std::array shares{settings.train / sum, settings.validation / sum, settings.test / sum};
  const std::array parts{&split.train, &split.validation, &split.test};
  std::array<double, 3> owed{};
  for (auto& group : groups) {
    split_detail::shuffle(group, random);
    const auto take = split_detail::share_out(static_cast<std::int64_t>(group.size()), shares, owed);
    auto next = group.begin();
    for (int p = 0; p < 3; ++p) {
      parts[p]->insert(parts[p]->end(), next, next + take[p]);
      next += take[p];
    }
  }
  split_detail::sort_parts(split);
  return split;
}

/// Whole donors, shuffled, go to whichever of validation and test is emptier while it stays within its
/// target; the rest to train (paper, section A.1, without the coverage rule of the dataset builder).
/// A cell without a donor is one of a donor called "unknown". InputError where fewer donors than parts exist.
inline Split split_by_donor(const LabelColumn& donors, const SplitSettings& settings, std::uint64_t seed) {
  const std::size_t unknown = donors.values.size();
  std::vector<std::vector<std::int64_t>> rows(unknown + 1);
  for (std::int64_t row = 0; row < donors.size(); ++row)
    rows[donors.codes[row] < 0 ? unknown : donors.codes[row]].push_back(row);
  std::erase_if(rows, [](const auto& group) { return group.empty(); });
  const std::size_t parts = 1 + (settings.validation > 0) + (settings.test > 0);
  if (rows.size() < parts)
    throw InputError("obs column '" + donors.name + "' holds " + std::to_string(rows.size()) +
                     " donor(s); a split by donor into " + std::to_string(parts) +
                     " parts needs at least as many. Use split.by = \"cell\" (and read its caveat)");
  std::mt19937_64 random(seed);
  split_detail::shuffle(rows, random);
  std::ranges::stable_sort(rows, {}, [](const auto& group) { return group.size(); });
  Split split;
  const double total = static_cast<double>(donors.size());
  const std::array targets{settings.validation * total, settings.test * total};
  for (std::size_t d = 0; d < rows.size(); ++d) {
    const double n = static_cast<double>(rows[d].size());
    const int p = split_detail::emptier(
        {static_cast<double>(split.validation.size()), static_cast<double>(split.test.size())}, targets);
    auto& emptier = p == 0 ? split.validation : split.test;
    const bool fits = targets[p] > 0 && (emptier.empty() || static_cast<double>(emptier.size()) + n <= targets[p]);
    auto& part = fits && d + 1 < rows.size() ? emptier : split.train;
    part.insert(part.end(), rows[d].begin(), rows[d].end());
  }
  split_detail::sort_parts(split);
  return split;
}

/// What a column of the file says: train, validation (or val, valid), test; other values are left out.
inline Split split_by_column(const LabelColumn& column) {
  Split split;
  for (std::int64_t row = 0; row < column.size(); ++row) {
    const auto value = column.at(row);
    if (value == "train")
      split.train.push_back(row);
    else if (value == "validation" || value == "val" || value == "valid")
      split.validation.push_back(row);
    else if (value == "test")
      split.test.push_back(row);
  }
  if (split.train.empty())
    throw InputError("obs column '" + column.name + "' says 'train' for no cell; expected train, validation, test");
  return split;
}

}  // namespace cell2text
