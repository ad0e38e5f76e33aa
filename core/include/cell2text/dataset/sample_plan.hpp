// How each part of the composite sample is drawn: from which groups of cells, and how many of each its caps allow.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/dataset/sample_report.hpp"
#include "cell2text/dataset/sample_settings.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text::dataset::sample_detail {

/// How a part is drawn: its groups, and how many cells of each are drawn before the part is cut to its size.
struct Plan {
  const LabelColumn* column = nullptr;            ///< null: all cells are in the group of missing values
  std::vector<std::int32_t> group_of_value = {};  ///< [values]; -1: in no group
  std::int32_t group_of_missing = -1;
  std::vector<std::int64_t> cells = {}, take = {};  ///< [groups]
  std::int64_t size = 0;

  std::int32_t group_of(std::int64_t row) const {
    const std::int32_t code = column ? column->codes[row] : -1;
    return code < 0 ? group_of_missing : group_of_value[code];
  }
};

/// How many cells a cap lets a part of this size have: the share rounded down, but one cell where the share is not 0.
inline std::int64_t most(double cap, std::int64_t size) {
  if (cap == 0) return 0;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(cap * static_cast<double>(size) + 1e-9)));
}

/// Shares `size` out among groups in proportion to their cells, none above its limit: what a limit holds back goes to
/// the others in proportion. Shares are rounded down, and the last group, which has no limit, gets what that leaves.
inline std::vector<std::int64_t> proportional(const std::vector<std::int64_t>& cells,
                                              const std::vector<std::int64_t>& limits, std::int64_t size) {
  std::vector<std::int64_t> take(cells.size());
  std::vector<bool> limited(cells.size());
  double left = static_cast<double>(size);
  double among = static_cast<double>(std::accumulate(cells.begin(), cells.end(), std::int64_t{0}));
  for (bool again = true; again;) {
    again = false;
    for (std::size_t g = 0; g + 1 < cells.size(); ++g) {
      const double n = static_cast<double>(cells[g]);
      if (limited[g] || n * left <= static_cast<double>(limits[g]) * among) continue;
      take[g] = std::min(limits[g], cells[g]);
      left -= static_cast<double>(take[g]), among -= n;
      limited[g] = again = true;
    }
  }
  for (std::size_t g = 0; g + 1 < cells.size(); ++g)
    if (!limited[g] && cells[g] > 0)
      take[g] = std::min(cells[g], static_cast<std::int64_t>(left * static_cast<double>(cells[g]) / among));
  take.back() = std::min(cells.back(), size - std::accumulate(take.begin(), take.end() - 1, std::int64_t{0}));
  return take;
}

/// Makes the plans, and tells a report of their caps. What is given must outlive it.
class Planner {
 public:
  Planner(const LabelView& labels, const LabelColumn* donors, const SampleSettings& settings, SampleReport& report)
      : labels_(labels), donors_(donors), settings_(settings), report_(report) {}

  /// The plan of a part of so many cells, at least one. InputError where the column that it needs is missing.
  Plan plan(SamplePart part, std::int64_t size) {
    const bool by_tissue = settings_.rare_by == "tissue";
    switch (part) {
      case SamplePart::whole:
        return whole(size);
      case SamplePart::cell_type:
        return each_of(known_values("cell_type", column(labels_.cell_type, "cell_type", "cell_type_share")),
                       {part, size, settings_.cell_type_cap});
      case SamplePart::disease:
        return each_of(known_values("disease", column(labels_.disease, "disease", "disease_share")),
                       {part, size, settings_.disease_cap, settings_.disease_caps});
      case SamplePart::donor:
        return each_of(every_value("donor", column(donors_, "donor", "donor_share")),
                       {part, size, settings_.donor_cap});
      default:
        return rare(known_values(settings_.rare_by, column(by_tissue ? labels_.tissue : labels_.tissue_general,
                                                           settings_.rare_by, "rare_tissue_share")),
                    size);
    }
  }

 private:
  struct Caps {
    SamplePart part;
    std::int64_t size;
    double other;  // of a category without a cap of its own
    NamedNumbers named = {};
  };

  static const LabelColumn& column(const LabelColumn* column, const std::string& role, const std::string& key) {
    return required(column, role, "sample." + key + " is above 0", "name it, or set that share to 0");
  }

  // All cells, in proportion but for the tissues that have a cap.
  Plan whole(std::int64_t size) {
    const auto& named = settings_.tissue_caps.list;
    const std::size_t rest = named.size();
    Plan plan{.group_of_missing = static_cast<std::int32_t>(rest), .size = size};
    if (!named.empty()) {
      plan.column = &required(labels_.tissue_general, "tissue_general", "sample.tissue_caps names tissues",
                              "name it, or say sample.tissue_caps = {}");
      for (const std::string& value : plan.column->values)
        plan.group_of_value.push_back(static_cast<std::int32_t>(
            std::ranges::find(named, value, &std::pair<std::string, double>::first) - named.begin()));
    }
    plan.cells.resize(rest + 1);
    for (const std::int64_t row : labels_.cells) ++plan.cells[plan.group_of(row)];
    std::vector<std::int64_t> limits;
    for (const auto& [name, cap] : named) limits.push_back(most(cap, size));
    limits.push_back(std::numeric_limits<std::int64_t>::max());
    plan.take = proportional(plan.cells, limits, size);
    const double kept_share = static_cast<double>(size) / static_cast<double>(labels_.cells.size());
    for (std::size_t g = 0; g < rest; ++g) {
      const auto without_cap = std::llround(kept_share * static_cast<double>(plan.cells[g]));
      report_.caps.push_back({SamplePart::whole, named[g].first, plan.cells[g], limits[g],
                              std::max<std::int64_t>(0, without_cap - plan.take[g])});
    }
    return plan;
  }

  // Every category, up to its cap.
  Plan each_of(const Categories& categories, const Caps& caps) {
    Plan plan{.column = categories.column, .group_of_value = categories.of_value, .size = caps.size};
    plan.cells = count_cells(categories, labels_.cells);
    const auto tell = [&](const std::string& name, std::int64_t cells, std::int64_t at_most) {
      report_.caps.push_back({caps.part, name, cells, at_most, std::max<std::int64_t>(0, cells - at_most)});
    };
    for (const auto& [name, cap] : caps.named.list)
      if (std::ranges::find(categories.names, name) == categories.names.end()) tell(name, 0, most(cap, caps.size));
    for (std::size_t g = 0; g < categories.size(); ++g) {
      const std::string& name = categories.names[g];
      const std::int64_t at_most = most(caps.named.of(name, caps.other), caps.size);
      plan.take.push_back(std::min(plan.cells[g], at_most));
      const bool has_own = caps.named.of(name, -1) >= 0;
      if (has_own || plan.take[g] < plan.cells[g]) tell(name, plan.cells[g], at_most);
    }
    return plan;
  }

  // The cells of rare tissues, as one group.
  Plan rare(const Categories& tissues, std::int64_t size) {
    const std::vector<std::int64_t> counts = count_cells(tissues, labels_.cells);
    std::vector<std::int64_t> present;
    std::ranges::copy_if(counts, std::back_inserter(present), [](std::int64_t n) { return n > 0; });
    report_.rare_cells = present.empty() ? 0 : quantile(std::span(present), settings_.rare_percentile / 100);
    Plan plan{.column = tissues.column, .group_of_value = tissues.of_value, .cells = {0}, .size = size};
    for (std::int32_t& group : plan.group_of_value) {
      const bool is_rare = group >= 0 && static_cast<double>(counts[group]) <= report_.rare_cells;
      if (is_rare) plan.cells[0] += counts[group];
      group = is_rare ? 0 : -1;
    }
    plan.take = {std::min(plan.cells[0], size)};
    return plan;
  }

  const LabelView& labels_;
  const LabelColumn* donors_;
  const SampleSettings& settings_;
  SampleReport& report_;
};

}  // namespace cell2text::dataset::sample_detail
