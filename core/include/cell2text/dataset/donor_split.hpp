// The split of a dataset by donor (paper, section A.1): no donor in two parts, and every category that validation or
// test has is in train. Knows labels alone. Without the rule of coverage: split_by_donor in cells/split.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/split.hpp"
#include "cell2text/dataset/donor_split_report.hpp"
#include "cell2text/dataset/donor_table.hpp"
#include "cell2text/dataset/holdout.hpp"
#include "cell2text/dataset/label_view.hpp"
#include "cell2text/dataset/split_settings.hpp"

namespace cell2text::dataset {

/// The part of each cell in play, in their order.
struct DonorSplit {
  std::vector<SplitPart> parts;
  DonorSplitReport report;
};

namespace donor_split_detail {

/// What train must cover: the columns of the four roles that the cells have. What they lack is noted.
inline std::vector<Categories> covered_roles(const LabelView& labels, std::vector<std::string>& notes) {
  std::vector<Categories> roles;
  const auto add = [&](const LabelColumn* column, const std::string& role) {
    if (column)
      roles.push_back(known_values(role, *column));
    else
      notes.push_back("the cells have no column of the " + role +
                      ": validation and test may hold some that train lacks");
  };
  add(labels.disease, "disease");
  add(labels.cell_type, "cell_type");
  add(labels.tissue_general, "tissue_general");
  if (labels.development_stage)
    roles.push_back(development_groups(*labels.development_stage));
  else
    add(nullptr, "development_stage");
  return roles;
}

/// The donors that stay in train: for each category that none of them has so far, its smallest donor. Categories of the
/// fewest donors come first, since these leave the least choice. [donors]
inline std::vector<bool> reserve(const DonorTable& table, DonorSplitReport& report) {
  const std::size_t categories = table.offsets.back();
  std::vector<std::int32_t> smallest(categories, -1);
  std::vector<std::int64_t> num_donors(categories);
  for (const std::int32_t donor : table.by_size())
    for (const std::int32_t category : table.having[donor])
      if (++num_donors[category] == 1) smallest[category] = donor;
  report.single_donor_categories = std::ranges::count(num_donors, 1);

  std::vector<std::int32_t> order(categories);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::int32_t category) { return num_donors[category]; });
  std::vector<bool> reserved(table.cells.size()), covered(categories);
  for (const std::int32_t category : order) {
    if (num_donors[category] == 0 || covered[category]) continue;
    const std::int32_t donor = smallest[category];
    reserved[donor] = true;
    ++report.reserved_donors;
    report.reserved_cells += table.cells[donor];
    for (const std::int32_t had : table.having[donor]) covered[had] = true;
  }
  return reserved;
}

/// The part of each donor. `targets`: cells that test and validation shall hold. Each of the free donors goes to the
/// emptier of the two while it stays within its target, else to train. A part that no donor fits into gets the smallest
/// that train still has and need not keep, unless train would be left with fewer cells than that donor has.
inline std::vector<SplitPart> deal(const DonorTable& table, const std::vector<bool>& reserved,
                                   const std::array<double, 2>& targets, std::mt19937_64& random) {
  constexpr std::array parts{SplitPart::test, SplitPart::validation};
  const std::vector<std::int32_t> by_size = table.by_size();
  std::vector<std::int32_t> free_donors;
  std::ranges::copy_if(by_size, std::back_inserter(free_donors), [&](std::int32_t d) { return !reserved[d]; });
  const std::vector<std::int32_t> smallest_first = free_donors;
  split_detail::shuffle(free_donors, random);

  std::vector<SplitPart> part_of(table.cells.size(), SplitPart::train);
  std::array<double, 2> filled{};
  for (const std::int32_t donor : free_donors) {
    const int p = split_detail::emptier(filled, targets);
    const auto n = static_cast<double>(table.cells[donor]);
    if (targets[p] > 0 && filled[p] + n <= targets[p] + 1e-6) part_of[donor] = parts[p], filled[p] += n;
  }
  double left_in_train = static_cast<double>(std::accumulate(table.cells.begin(), table.cells.end(), std::int64_t{0})) -
                         filled[0] - filled[1];
  for (const int p : {0, 1}) {
    if (targets[p] == 0 || filled[p] > 0) continue;
    const auto spare = std::ranges::find(smallest_first, SplitPart::train, [&](std::int32_t d) { return part_of[d]; });
    if (spare == smallest_first.end()) continue;
    const auto n = static_cast<double>(table.cells[*spare]);
    if (left_in_train - n < n) continue;
    part_of[*spare] = parts[p];
    left_in_train -= n;
  }
  return part_of;
}

/// Keeps the first of the training donors in a random order that does not depend on the fraction, at least one.
inline void thin(std::vector<SplitPart>& part_of, const DonorTable& table, double fraction, std::mt19937_64& random) {
  std::vector<std::int32_t> trained;
  for (std::size_t d = 0; d < part_of.size(); ++d)
    if (part_of[d] == SplitPart::train && table.cells[d] > 0) trained.push_back(static_cast<std::int32_t>(d));
  split_detail::shuffle(trained, random);
  const auto kept = std::max(1.0, std::ceil(fraction * static_cast<double>(trained.size()) - 1e-9));
  for (std::size_t i = static_cast<std::size_t>(kept); i < trained.size(); ++i) part_of[trained[i]] = SplitPart::unused;
}

}  // namespace donor_split_detail

/// Splits the cells in play. Cells of `held_out` values go to holdout; the others of their donors are split like any,
/// so a donor may have cells in holdout and in one more part, which the report counts (none where whole datasets are
/// held out and a donor is one of a dataset). The shares are those of the cells outside of the holdout. `donors`: as
/// donors_of gives them. With `train_fraction` below 1 train need not cover every category any more; the report tells
/// which. What the donors do not allow (a part that stays empty, or is far off its share) is in the report's notes. The
/// same seed and labels give the same split on every machine. O(N) time, about 16 bytes a cell while it works.
/// InputError where no cell is left to train on.
inline DonorSplit split_donors(const LabelView& labels, const LabelColumn& donors, std::span<const HeldOut> held_out,
                               const DonorSplitSettings& settings, std::uint64_t seed) {
  using namespace donor_split_detail;
  DonorSplit split{std::vector<SplitPart>(labels.cells.size(), SplitPart::train), {}};
  DonorSplitReport& report = split.report;
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < labels.cells.size(); ++i) {
    const std::int64_t row = labels.cells[i];
    if (std::ranges::any_of(held_out, [&](const HeldOut& held) { return held.has(row); }))
      split.parts[i] = SplitPart::holdout;
    else
      rows.push_back(row);
  }
  if (rows.empty())
    throw InputError("no cell is left to train on: " +
                     (labels.cells.empty() ? std::string("the dataset has none; loosen its filter")
                                           : "split.holdout has all " + std::to_string(labels.cells.size()) +
                                                 " cells; hold out fewer values"));

  const std::vector<Categories> roles = covered_roles(labels, report.notes);
  for (const Categories& role : roles) report.roles.push_back(role.role);
  const DonorTable table = donor_table(rows, donors, roles);
  const std::vector<bool> reserved = reserve(table, report);
  const double total = static_cast<double>(rows.size());
  std::mt19937_64 random(seed), for_fraction(random());
  std::vector<SplitPart> part_of = deal(table, reserved, {settings.test * total, settings.validation * total}, random);
  if (settings.train_fraction < 1) thin(part_of, table, settings.train_fraction, for_fraction);
  for (std::size_t i = 0; i < split.parts.size(); ++i)
    if (split.parts[i] != SplitPart::holdout) split.parts[i] = part_of[donors.codes[labels.cells[i]]];

  const std::array shares{settings.train, settings.validation, settings.test};
  for (std::size_t p = 0; p < shares.size(); ++p) report.parts[p].wanted = shares[p] * total;
  report.donors = std::ranges::count_if(table.cells, [](std::int64_t cells) { return cells > 0; });
  count_parts(report, labels, donors, split.parts, roles);
  note_sizes(report, std::ranges::max(table.cells));
  return split;
}

}  // namespace cell2text::dataset
