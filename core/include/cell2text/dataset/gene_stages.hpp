// The stages `genes` and `pathways` on disk: a pass over the counts each.
#pragma once

#include <cmath>
#include <cstdio>

#include "cell2text/dataset/build_context.hpp"
#include "cell2text/dataset/gene_sets.hpp"
#include "cell2text/dataset/label_stages.hpp"
#include "cell2text/dataset/pathway_choice.hpp"
#include "cell2text/dataset/pathway_labels.hpp"
#include "cell2text/dataset/variable_genes.hpp"

namespace cell2text::dataset {

namespace gene_stages_detail {

inline std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isnan(value) ? "" : text;
}

inline Table table_of(const VariableGenes& genes, const GeneTable& names) {
  Table table{{"gene", "symbol", "mean", "dispersion", "normalised_dispersion", "highly_variable"}, {}};
  for (std::size_t i = 0; i < names.ids.size(); ++i)
    table.rows.push_back({names.ids[i], names.symbols.empty() ? "" : names.symbols[i], number(genes.mean[i]),
                          number(genes.dispersion[i]), number(genes.normalised_dispersion[i]),
                          genes.highly_variable[i] ? "yes" : "no"});
  return table;
}

/// Moments of all cells; the same for any number of threads, since blocks are added in their order.
inline GeneMoments moments(const BuildContext& context, const DatasetCells& cells) {
  const std::int64_t genes = context.sources.genes()->size();
  const double target = context.file.genes.target_sum;
  GeneMoments all(genes, target);
  for_each_block(
      context.sources, cells.cells, context.pass("genes", cells.size()),
      [&](const CellBlock& block) {
        GeneMoments own(genes, target);
        std::vector<double> totals;
        for (std::int64_t cell = 0; cell < block.cells.size(); ++cell)
          totals.push_back(row_total(block.cells.counts_of(cell)));
        own.add(block.cells, totals);
        return own;
      },
      [&](const GeneMoments& own) { all.merge(own); });
  return all;
}

/// Sets as the stage scores them.
struct ScoredSets {
  std::vector<MappedGeneSet> sets;
  std::vector<std::vector<std::int32_t>> columns;  // none where a set cannot be scored
  std::vector<std::uint8_t> selected;

  std::int64_t available() const {
    return std::ranges::count_if(columns, [](const auto& set) { return !set.empty(); });
  }
};

inline Ties ties_of(const std::string& name) {
  return name == "column" ? Ties::column : name == "seeded" ? Ties::seeded : Ties::expected;
}

/// What one block of cells gave.
struct BlockScores {
  std::vector<float> scores;  // [cells, sets]
  PathwayActivity activity;
};

/// Scores all cells into `file`, [cells, sets]; returns in how many cells each set is active.
inline PathwayActivity score_cells(const BuildContext& context, const DatasetCells& cells, const ScoredSets& sets,
                                   const std::filesystem::path& file) {
  const PathwaySettings& settings = context.file.pathways;
  const Aucell aucell(sets.columns, sets.selected, ties_of(settings.ties), settings.top_genes);
  const std::int64_t count = aucell.num_sets();
  SafetensorsWriter writer(file, {{"scores", SafetensorsDtype::F32, {cells.size(), count}}});
  PathwayActivity all(count, settings.active_quantile);
  for_each_block(
      context.sources, cells.cells, context.pass("pathways", cells.size()),
      [&](const CellBlock& block) {
        Aucell::Scratch scratch;
        BlockScores own{std::vector<float>(static_cast<std::size_t>(block.cells.size() * count)),
                        PathwayActivity(count, settings.active_quantile)};
        for (std::int64_t cell = 0; cell < block.cells.size(); ++cell) {
          const std::span out(own.scores.data() + cell * count, static_cast<std::size_t>(count));
          aucell.score(block.cells.columns_of(cell), block.cells.counts_of(cell),
                       {context.seed(), cell_key(block.cells.names[cell])}, out, scratch);
          own.activity.add(out);
        }
        return own;
      },
      [&](const BlockScores& own) {
        writer.write_part(std::as_bytes(std::span(own.scores)));
        all.merge(own.activity);
      });
  writer.commit();
  return all;
}

/// In how many of some cells, evenly spread, the two pathways change with the order of ties.
inline PathwayStability stability(const BuildContext& context, const DatasetCells& cells, const ScoredSets& sets,
                                  const std::vector<std::uint8_t>& retained) {
  const std::int64_t wanted = std::min(context.file.pathways.stability_cells, cells.size());
  std::vector<std::int64_t> some;
  for (std::int64_t i = 0; i < wanted; ++i) some.push_back(cells.cells[i * cells.size() / wanted]);
  PathwayStability all;
  if (some.empty()) return all;
  const Aucell aucell(sets.columns, sets.selected, Ties::seeded, context.file.pathways.top_genes);
  for_each_block(
      context.sources, some, Pass{context.options.threads},
      [&](const CellBlock& block) {
        Aucell::Scratch scratch;
        PathwayStability own;
        for (std::int64_t cell = 0; cell < block.cells.size(); ++cell)
          own.add(seeded_top_twos(aucell, block.cells.columns_of(cell), block.cells.counts_of(cell),
                                  cell_key(block.cells.names[cell]), retained, context.seed(), scratch));
        return own;
      },
      [&](const PathwayStability& own) { all.merge(own); });
  return all;
}

inline Table table_of(const ScoredSets& sets, const PathwayActivity& activity,
                      const std::vector<std::uint8_t>& retained) {
  Table table{{"set", "genes", "in_file", "selected", "coverage", "scored", "active_cells", "retained"}, {}};
  for (std::size_t i = 0; i < sets.sets.size(); ++i) {
    const MappedGeneSet& set = sets.sets[i];
    table.rows.push_back({set.name, std::to_string(set.genes), std::to_string(set.found),
                          std::to_string(set.columns.size()), number(set.coverage()),
                          sets.columns[i].empty() ? "no" : "yes", std::to_string(activity.active()[i]),
                          retained[i] ? "yes" : "no"});
  }
  return table;
}

}  // namespace gene_stages_detail

/// Leaves genes.safetensors (`highly_variable`, 0 or 1 a gene), and every gene's figures in its table.
inline Stage gene_stage(const BuildContext& context, const Stage& split, const DatasetCells& cells) {
  using namespace gene_stages_detail;
  const GeneSettings& settings = context.file.genes;
  const StageKey key = StageKey("genes", 1).on(split.key()).settings(settings);
  return context.stage("genes", key, [&](const std::filesystem::path& folder) {
    VariableGenesOptions options;
    options.top = settings.highly_variable;
    const VariableGenes genes = variable_genes(moments(context, cells), options);
    write_table(folder, table_of(genes, *context.sources.genes()));
    write_safetensors(folder / "genes.safetensors", {array_item("highly_variable", genes.highly_variable)});
    return nlohmann::json{{"highly_variable", genes.num_selected()}, {"of", genes.mean.size()}};
  });
}

/// Leaves scores.safetensors (`scores` [cells, sets]) and top.safetensors (`top` [cells, 2]: sets by their place in the
/// facts' list, -1 for none). Where not one set can be scored, nothing is scored and no cell has a pathway.
inline Stage pathway_stage(const BuildContext& context, const Stage& genes, const DatasetCells& cells) {
  using namespace gene_stages_detail;
  const PathwaySettings& settings = context.file.pathways;
  PathwaySettings looked_at = settings;
  looked_at.sets.reset(), looked_at.descriptions.reset();
  const StageKey key =
      StageKey("pathways", 1)
          .on(genes.key())
          .settings(looked_at)
          .on(context.content(settings.sets))
          .on(settings.ties == "seeded" || settings.stability_cells > 0 ? context.file.general.seed : 0);
  return context.stage("pathways", key, [&](const std::filesystem::path& folder) {
    ScoredSets sets;
    sets.selected = ArrayFile(genes.file("genes.safetensors")).copy<std::uint8_t>("highly_variable");
    const std::vector<GeneSet> read = read_gene_sets(*settings.sets);
    sets.sets = map_gene_sets(read, *context.sources.genes(), sets.selected);
    sets.columns = available_columns(sets.sets, settings.minimum_coverage);
    const auto count = std::ssize(sets.sets);
    PathwayActivity activity(count);
    std::vector<std::int32_t> top(static_cast<std::size_t>(2 * cells.size()), -1);
    double changed = 0;
    std::int64_t compared = 0;
    if (sets.available() == 0) {
      context.log.warning("pathways: of none of the " + std::to_string(count) + " sets a share of " +
                          number(settings.minimum_coverage) +
                          " of the genes is left (pathways.minimum_coverage), so none can be scored; descriptions are "
                          "written without pathways. stages/pathways/table.csv says how many genes each has");
    } else {
      activity = score_cells(context, cells, sets, folder / "scores.safetensors");
    }
    const std::vector<std::uint8_t> retained = activity.retained(settings.minimum_share);
    if (sets.available() > 0) {
      const ArrayFile file(folder / "scores.safetensors");
      const auto scores = file.of<float>("scores");
      for (std::int64_t i = 0; i < cells.size(); ++i) {
        const TopTwo two = top_two(scores.subspan(i * count, count), retained);
        top[2 * i] = two.first, top[2 * i + 1] = two.second;
      }
      const PathwayStability stable = stability(context, cells, sets, retained);
      changed = stable.changed(), compared = stable.cells();
    }
    write_safetensors(folder / "top.safetensors", {array_item("top", top)});
    write_table(folder, table_of(sets, activity, retained));
    nlohmann::json facts{{"sets", nlohmann::json::array()},
                         {"retained", std::ranges::count(retained, 1)},
                         {"scored", sets.available()},
                         {"of", count}};
    for (const MappedGeneSet& set : sets.sets) facts["sets"].push_back(set.name);
    if (compared > 0) facts["share_changed_by_ties"] = changed, facts["cells_compared"] = compared;
    return facts;
  });
}

/// The pathways of every cell, as the stage left them.
inline PathwayLabels pathway_labels(const Stage& pathways, const PathwaySettings& settings) {
  return {pathways.key(), pathways.facts().at("sets").get<std::vector<std::string>>(),
          ArrayFile(pathways.file("top.safetensors")).copy<std::int32_t>("top"), *settings.descriptions};
}

}  // namespace cell2text::dataset
