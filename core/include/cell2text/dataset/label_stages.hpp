// The stages `sample` and `split` on disk: what sample.hpp and donor_split.hpp decide, with their tables.
#pragma once

#include <memory>
#include <optional>

#include "cell2text/dataset/build_context.hpp"
#include "cell2text/dataset/diversity.hpp"
#include "cell2text/dataset/donor_split.hpp"
#include "cell2text/dataset/donors.hpp"
#include "cell2text/dataset/sample.hpp"

namespace cell2text::dataset {

/// The cells of a dataset, in the order of the sources.
struct DatasetCells {
  std::vector<std::int64_t> cells;  ///< numbered over all sources
  std::vector<SplitPart> parts;
  std::vector<std::int32_t> genes;  ///< expressed

  std::int64_t size() const { return std::ssize(cells); }
};

namespace label_stages_detail {

/// Where no source tells the organ, the tissue stands for it.
inline LabelView view_of(const CellTable& table, std::span<const std::int64_t> cells) {
  const LabelColumn* organ = table.find("tissue_general");
  return {table.find("dataset_id"),
          table.find("donor_id"),
          table.find("assay"),
          table.find("cell_type"),
          table.find("tissue"),
          organ ? organ : table.find("tissue"),
          table.find("disease"),
          table.find("development_stage"),
          cells};
}

template <class Part>
std::vector<std::uint8_t> bytes_of(const std::vector<Part>& parts) {
  std::vector<std::uint8_t> bytes;
  for (const Part part : parts) bytes.push_back(static_cast<std::uint8_t>(part));
  return bytes;
}

inline Table table_of(const SampleReport& report) {
  Table table{{"part", "name", "asked", "drawn", "kept", "at_most", "held_back"}, {}};
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  const auto part_name = [](SamplePart part) { return std::string(sample_part_names[static_cast<std::size_t>(part)]); };
  for (const SampleReport::Part& part : report.parts)
    table.rows.push_back({part_name(part.part), "", number(part.asked), number(part.drawn), number(part.kept), "", ""});
  if (!report.parts.empty())
    table.rows.push_back(
        {"top_up", "", number(report.topped_up), number(report.topped_up), number(report.topped_up), "", ""});
  for (const SampleReport::Cap& cap : report.caps)
    table.rows.push_back({part_name(cap.part), cap.name, "", "", "", number(cap.at_most), number(cap.held_back)});
  table.rows.push_back(
      {"all", "", report.asked ? number(*report.asked) : "all", number(report.taken), number(report.taken), "", ""});
  return table;
}

/// Diversity before and after sampling (paper, Table 5).
inline nlohmann::json diversity_json(const LabelView& labels, const std::vector<std::int64_t>& after) {
  std::vector<Categories> columns;
  const std::pair<const char*, const LabelColumn*> roles[] = {
      {"cell_type", labels.cell_type}, {"tissue_general", labels.tissue_general}, {"disease", labels.disease}};
  for (const auto& [role, column] : roles)
    if (column) columns.push_back(known_values(role, *column));
  auto list = nlohmann::json::array();
  for (const DiversityChange& change : diversity_changes(columns, labels.cells, after))
    list.push_back({{"label", change.role},
                    {"categories_before", change.categories_before},
                    {"categories_after", change.categories_after},
                    {"before", change.before},
                    {"after", change.after}});
  return list;
}

/// Cells for `tools/census_export.py counts`, and for a person: who is taken, by source, row and name of the part.
inline std::string chosen_csv(const BuildContext& context, const Sample& sample) {
  std::string text = "source,row,part\n";
  for (std::size_t i = 0; i < sample.cells.size(); ++i) {
    const std::int64_t source = context.sources.source_of(sample.cells[i]);
    text += csv_field(context.sources.name(source)) + "," +
            std::to_string(sample.cells[i] - context.sources.start(source)) + "," +
            std::string(sample_part_names[static_cast<std::size_t>(sample.parts[i])]) + "\n";
  }
  return text;
}

inline Table table_of(const DonorSplitReport& report) {
  Table table{{"part", "cells", "wanted", "donors"}, {}};
  for (const std::string& role : report.roles) table.header.push_back(role);
  for (std::size_t p = 0; p < split_parts.size(); ++p) {
    const DonorSplitReport::Part& part = report.parts[p];
    std::vector<std::string> row{std::string(split_part_names[p]), std::to_string(part.cells),
                                 std::to_string(std::llround(part.wanted)), std::to_string(part.donors)};
    for (const std::int64_t categories : part.categories) row.push_back(std::to_string(categories));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// An ontology with the graph of its terms, where a path is given.
struct Tree {
  std::unique_ptr<Ontology> ontology;
  std::unique_ptr<OntologyGraph> graph;

  Tree(const std::optional<std::string>& path, OntologyRelations relations) {
    if (!path) return;
    ontology = std::make_unique<Ontology>(Ontology::read(*path));
    graph = std::make_unique<OntologyGraph>(*ontology, *path, relations);
  }
  TermTree view() const { return {ontology.get(), graph.get()}; }
};

}  // namespace label_stages_detail

/// Leaves cells.safetensors (`cells`, `parts`: a SamplePart each) and chosen.csv.
inline Stage sample_stage(const BuildContext& context, const Stage& filter) {
  using namespace label_stages_detail;
  const SampleSettings& settings = context.file.sample;
  const StageKey key = StageKey("sample", 1)
                           .on(filter.key())
                           .settings(settings)
                           .settings(context.file.donors)
                           .on(context.file.general.seed);
  return context.stage("sample", key, [&](const std::filesystem::path& folder) {
    const auto cells = ArrayFile(filter.file("cells.safetensors")).copy<std::int64_t>("cells");
    const LabelView labels = view_of(context.table, cells);
    std::optional<LabelColumn> donors;
    if (labels.donor) donors = donors_of(labels, context.file.donors);
    const Sample sample = draw_sample(labels, donors ? &*donors : nullptr, settings, context.seed());
    if (sample.report.asked && sample.report.taken < *sample.report.asked)
      context.log.warning("sample: " + std::to_string(*sample.report.asked) + " cells are asked for and " +
                          std::to_string(sample.report.taken) + " are there; all are taken");
    write_table(folder, table_of(sample.report));
    write_atomically(folder / "chosen.csv", chosen_csv(context, sample));
    const auto parts = bytes_of(sample.parts);
    write_safetensors(folder / "cells.safetensors", {array_item("cells", sample.cells), array_item("parts", parts)});
    return nlohmann::json{{"cells", sample.report.taken},
                          {"of", sample.report.available},
                          {"topped_up", sample.report.topped_up},
                          {"diversity", diversity_json(labels, sample.cells)}};
  });
}

/// Leaves cells.safetensors: `cells`, and `parts`, a SplitPart each.
inline Stage split_stage(const BuildContext& context, const Stage& sample) {
  using namespace label_stages_detail;
  const DonorSplitSettings& settings = context.file.split;
  const std::optional<std::string>&cell_types = context.file.descriptions.ontology,
        &tissues = context.file.descriptions.tissue_ontology;
  const StageKey key = StageKey("split", 1)
                           .on(sample.key())
                           .settings(settings)
                           .on(settings.holdout ? context.content(cell_types) + context.content(tissues) : "")
                           .on(context.file.general.seed);
  return context.stage("split", key, [&](const std::filesystem::path& folder) {
    const auto cells = ArrayFile(sample.file("cells.safetensors")).copy<std::int64_t>("cells");
    const LabelView labels = view_of(context.table, cells);
    std::vector<HeldOut> held_out;
    if (settings.holdout) {
      const Tree types(cell_types, OntologyRelations::is_a), organs(tissues, OntologyRelations::is_a_or_part_of);
      held_out = held_out_values(labels, *settings.holdout, types.view(), organs.view());
    }
    const DonorSplit split =
        split_donors(labels, donors_of(labels, context.file.donors), held_out, settings, context.seed());
    for (const std::string& note : split.report.notes) context.log.warning("split: " + note);
    for (const DonorSplitReport::Uncovered& one : split.report.uncovered)
      context.log.warning("split: no cell of train has the " + one.role + " '" + one.category + "', which " +
                          std::to_string(one.cells) + " of " + std::string(split_part_names[index_of(one.part)]) +
                          " have");
    write_table(folder, table_of(split.report));
    const auto parts = bytes_of(split.parts);
    write_safetensors(folder / "cells.safetensors", {array_item("cells", cells), array_item("parts", parts)});
    nlohmann::json facts;
    for (std::size_t p = 0; p < split_parts.size(); ++p)
      if (split.report.parts[p].cells > 0) facts[std::string(split_part_names[p])] = split.report.parts[p].cells;
    facts["donors"] = split.report.donors;
    return facts;
  });
}

/// The cells that are written: all of the split but those of dropped donors.
inline DatasetCells dataset_cells(const Stage& filter, const Stage& split) {
  const ArrayFile filtered(filter.file("cells.safetensors")), file(split.file("cells.safetensors"));
  const auto all = filtered.of<std::int64_t>("cells"), cells = file.of<std::int64_t>("cells");
  const auto genes = filtered.of<std::int32_t>("genes");
  const auto parts = file.of<std::uint8_t>("parts");
  DatasetCells chosen;
  for (std::size_t i = 0, at = 0; i < cells.size(); ++i) {
    if (static_cast<SplitPart>(parts[i]) == SplitPart::unused) continue;
    while (all[at] < cells[i]) ++at;  // both ascend
    chosen.cells.push_back(cells[i]);
    chosen.parts.push_back(static_cast<SplitPart>(parts[i]));
    chosen.genes.push_back(genes[at]);
  }
  return chosen;
}

}  // namespace cell2text::dataset
