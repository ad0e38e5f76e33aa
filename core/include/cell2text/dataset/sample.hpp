// The composite sample of a dataset (paper, section A.1): which cells are taken, and for which of its parts. Knows
// labels alone; counts and files are the builder's.
//
// A part is drawn on its own, from all cells in play: of each group (tissue, cell type, disease, donor) so many cells
// at random as its cap lets it have and, where these are more than the part's size, a random choice of that size among
// them. The union of the parts is topped up, at random and without regard to caps, to the size that was asked. Topping
// up the parts first, as the paper has it, would come to the same: both times cells are added that no part has drawn,
// each as likely as any other, until the size is reached.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/dataset/sample_plan.hpp"
#include "cell2text/dataset/sample_report.hpp"
#include "cell2text/dataset/sample_settings.hpp"

namespace cell2text::dataset {

/// The cells that are taken, ascending rows, and the part of each.
struct Sample {
  std::vector<std::int64_t> cells;
  std::vector<SamplePart> parts;
  SampleReport report;
};

namespace sample_detail {

/// Of every part another stream of numbers, so that a change of one part leaves the draws of the others as they are.
inline std::mt19937_64 generator(std::uint64_t seed, SamplePart part) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(part)};
  return std::mt19937_64(words);
}

/// Whether the next of `left` things is among the `wanted` that a random choice takes; counts both down (Knuth's
/// algorithm S: every choice is equally likely, and nothing is kept per thing).
inline bool is_chosen(std::int64_t& left, std::int64_t& wanted, std::mt19937_64& random) {
  const bool chosen = random() % static_cast<std::uint64_t>(left--) < static_cast<std::uint64_t>(wanted);
  wanted -= chosen;
  return chosen;
}

/// Calls `chosen(position)` for each cell that the plan draws, ascending; returns how many these are.
template <class Chosen>
std::int64_t draw(Plan plan, std::span<const std::int64_t> cells, std::mt19937_64 random, Chosen&& chosen) {
  std::int64_t picked = std::accumulate(plan.take.begin(), plan.take.end(), std::int64_t{0});
  std::int64_t wanted = std::min(plan.size, picked);
  const std::int64_t drawn = wanted;
  for (std::size_t i = 0; i < cells.size() && wanted > 0; ++i) {
    const std::int32_t group = plan.group_of(cells[i]);
    if (group >= 0 && is_chosen(plan.cells[group], plan.take[group], random) && is_chosen(picked, wanted, random))
      chosen(i);
  }
  return drawn;
}

/// Tops the union of the parts up and keeps it. `parts`: of each cell in play, `all` where no part drew it.
inline void keep(Sample& sample, std::vector<SamplePart> parts, std::span<const std::int64_t> cells,
                 std::mt19937_64 random) {
  std::int64_t left = std::ranges::count(parts, SamplePart::all), wanted = sample.report.topped_up;
  sample.cells.reserve(static_cast<std::size_t>(sample.report.taken));
  sample.parts.reserve(static_cast<std::size_t>(sample.report.taken));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool drawn = parts[i] != SamplePart::all;
    if (!drawn && !is_chosen(left, wanted, random)) continue;
    sample.cells.push_back(cells[i]);
    sample.parts.push_back(drawn ? parts[i] : SamplePart::top_up);
  }
}

}  // namespace sample_detail

/// Draws the sample that `settings` ask for. `donors`: as donors_of gives them; null is allowed where no part is drawn
/// by donor. Where no more cells are in play than are asked for, all are taken, each for `SamplePart::all`; else
/// exactly as many as asked. A cap holds for the cells that its part drew; what tops up may be any cell. The same seed,
/// labels and settings give the same cells on every machine. O(N) time; beside the result one byte a cell in play.
/// InputError where a part needs a column that the cells lack.
inline Sample draw_sample(const LabelView& labels, const LabelColumn* donors, const SampleSettings& settings,
                          std::uint64_t seed) {
  using namespace sample_detail;
  Sample sample;
  SampleReport& report = sample.report;
  report.available = static_cast<std::int64_t>(labels.cells.size());
  report.asked = settings.cells.value;
  report.taken = std::min(report.available, report.asked.value_or(report.available));
  if (report.taken == report.available) {
    sample.cells.assign(labels.cells.begin(), labels.cells.end());
    sample.parts.assign(labels.cells.size(), SamplePart::all);
    return sample;
  }
  std::vector<SamplePart> parts(labels.cells.size(), SamplePart::all);
  Planner planner(labels, donors, settings, report);
  const std::array shares{settings.whole_share, settings.cell_type_share, settings.disease_share, settings.donor_share,
                          settings.rare_tissue_share};
  report.topped_up = report.taken;
  double share_until = 0;
  std::int64_t until = 0;
  for (std::size_t p = 0; p < shares.size(); ++p) {
    share_until += shares[p];
    const auto next =
        std::min<std::int64_t>(report.taken, std::llround(share_until * static_cast<double>(report.taken)));
    SampleReport::Part line{static_cast<SamplePart>(p), next - std::exchange(until, next)};
    if (line.asked > 0)
      line.drawn =
          draw(planner.plan(line.part, line.asked), labels.cells, generator(seed, line.part), [&](std::size_t i) {
            if (parts[i] == SamplePart::all) parts[i] = line.part, ++line.kept;
          });
    report.topped_up -= line.kept;
    report.parts.push_back(line);
  }
  keep(sample, std::move(parts), labels.cells, generator(seed, SamplePart::top_up));
  return sample;
}

}  // namespace cell2text::dataset
