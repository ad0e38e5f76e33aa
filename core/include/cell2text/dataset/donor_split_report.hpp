// What came of a split by donor: what each part holds, and what the table of donors did not allow.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::dataset {

/// The part of a cell. `unused`: of a donor that train_fraction dropped.
enum class SplitPart : std::uint8_t { train, validation, test, holdout, unused = 255 };
inline constexpr std::array<SplitPart, 5> split_parts = {SplitPart::train, SplitPart::validation, SplitPart::test,
                                                         SplitPart::holdout, SplitPart::unused};
inline constexpr std::array<std::string_view, 5> split_part_names = {"train", "validation", "test", "holdout",
                                                                     "unused"};
/// The place of a part in `split_parts`.
constexpr std::size_t index_of(SplitPart part) {
  return part == SplitPart::unused ? 4 : static_cast<std::size_t>(part);
}

struct DonorSplitReport {
  struct Part {
    std::int64_t cells = 0, donors = 0;
    double wanted = 0;                     ///< cells by the shares; 0 for holdout and unused
    std::vector<std::int64_t> categories;  ///< [roles] that have a cell in it
  };
  /// A category that validation or test has and train has not.
  struct Uncovered {
    SplitPart part;
    std::string role, category;
    std::int64_t cells = 0;
  };
  std::vector<std::string> roles;                        ///< whose categories train covers
  std::array<Part, 5> parts;                             ///< in the order of `split_parts`
  std::int64_t donors = 0;                               ///< with a cell outside of the holdout
  std::int64_t reserved_donors = 0, reserved_cells = 0;  ///< that had to go to train
  std::int64_t single_donor_categories = 0;              ///< categories that one donor alone has
  std::int64_t holdout_donors_in_train = 0;  ///< of whom the model sees other cells, of what is not held out
  std::vector<Uncovered> uncovered;          ///< empty while every training donor is kept
  std::vector<std::string> notes;            ///< sentences on what could not be had, and why
};

namespace donor_split_detail {

/// Counts what each part holds. `parts`: of each cell in play.
inline void count_parts(DonorSplitReport& report, const LabelView& labels, const LabelColumn& donors,
                        std::span<const SplitPart> parts, const std::vector<Categories>& roles) {
  std::vector<std::uint8_t> parts_of_donor(donors.values.size());  // a bit for each part
  std::vector<std::vector<std::array<std::int64_t, 5>>> counts;    // [roles][categories][parts]
  for (const Categories& role : roles) counts.emplace_back(role.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t row = labels.cells[i];
    const std::size_t part = index_of(parts[i]);
    ++report.parts[part].cells;
    parts_of_donor[donors.codes[row]] |= static_cast<std::uint8_t>(1 << part);
    for (std::size_t r = 0; r < roles.size(); ++r)
      if (const std::int32_t category = roles[r].at(row); category >= 0) ++counts[r][category][part];
  }
  constexpr std::size_t train = index_of(SplitPart::train), holdout = index_of(SplitPart::holdout);
  for (const std::uint8_t bits : parts_of_donor) {
    for (std::size_t part = 0; part < 5; ++part) report.parts[part].donors += bits >> part & 1;
    report.holdout_donors_in_train += (bits >> train & 1) && (bits >> holdout & 1);
  }
  for (auto& part : report.parts) part.categories.assign(roles.size(), 0);
  for (std::size_t r = 0; r < roles.size(); ++r)
    for (std::size_t category = 0; category < roles[r].size(); ++category) {
      const auto& cells = counts[r][category];
      for (std::size_t part = 0; part < 5; ++part) report.parts[part].categories[r] += cells[part] > 0;
      for (const SplitPart part : {SplitPart::validation, SplitPart::test})
        if (cells[index_of(part)] > 0 && cells[train] == 0)
          report.uncovered.push_back({part, roles[r].role, roles[r].names[category], cells[index_of(part)]});
    }
}

/// Says where validation or test is more than a tenth off what was wanted, and what the reasons may be.
inline void note_sizes(DonorSplitReport& report, std::int64_t largest_donor) {
  for (const SplitPart part : {SplitPart::validation, SplitPart::test}) {
    const auto& held = report.parts[index_of(part)];
    const double cells = static_cast<double>(held.cells);
    if (held.wanted == 0 || (cells >= 0.9 * held.wanted && cells <= 1.1 * held.wanted)) continue;
    const std::string name(split_part_names[index_of(part)]);
    std::string note = name + (held.cells == 0 ? " is empty" : " holds " + std::to_string(held.cells) + " cells") +
                       " where " + settings_detail::shortest(std::round(held.wanted)) + " are wanted: ";
    if (cells > held.wanted)
      note += "one donor is all of it, the smallest that train could spare";
    else
      note += std::to_string(report.reserved_donors) + " of " + std::to_string(report.donors) + " donors, with " +
              std::to_string(report.reserved_cells) + " cells, have to be in train so that it covers every category (" +
              std::to_string(report.single_donor_categories) +
              " categories are of one donor alone), and a donor goes " + "whole to one part (the largest has " +
              std::to_string(largest_donor) + " cells)";
    report.notes.push_back(std::move(note));
  }
}

}  // namespace donor_split_detail
}  // namespace cell2text::dataset
