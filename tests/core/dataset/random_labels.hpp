// Tables of labels of many shapes, made at random, for the stages that look at labels alone.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cell2text/dataset/label_view.hpp"

namespace cell2text::test {

/// Columns that own their codes; rows that are in play.
struct LabelTable {
  LabelColumn dataset{"dataset_id", {}, {}}, donor{"donor_id", {}, {}}, assay{"assay", {}, {}},
      cell_type{"cell_type", {}, {}}, tissue{"tissue", {}, {}}, tissue_general{"tissue_general", {}, {}},
      disease{"disease", {}, {}}, stage{"development_stage", {}, {}};
  std::vector<std::int64_t> cells;

  dataset::LabelView view() const {
    return {&dataset, &donor, &assay, &cell_type, &tissue, &tissue_general, &disease, &stage, cells};
  }
  std::vector<LabelColumn*> columns() {
    return {&dataset, &donor, &assay, &cell_type, &tissue, &tissue_general, &disease, &stage};
  }
};

/// A column of the given texts, one a cell; "" is missing.
inline LabelColumn column_of_texts(const std::string& name, const std::vector<std::string>& texts) {
  LabelColumn column{name, {}, {}};
  for (const std::string& text : texts) {
    const auto found = std::ranges::find(column.values, text);
    column.codes.push_back(text.empty() ? -1 : static_cast<std::int32_t>(found - column.values.begin()));
    if (!text.empty() && found == column.values.end()) column.values.push_back(text);
  }
  return column;
}

/// Fewer and fewer cells by a power law: 0 most often, n - 1 most rarely; even where `skew` is 0.
inline std::int32_t skewed(std::int32_t n, double skew, std::mt19937_64& random) {
  const double u = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<std::int32_t>(n * std::pow(u, 1 + skew));
}

/// A donor is of one dataset, and has one tissue, disease and stage for most of its cells; cell types are drawn for
/// each cell. Some labels are missing or "unknown", some rows are not in play.
inline LabelTable random_labels(std::int64_t rows, std::mt19937_64& random) {
  LabelTable table;
  const auto up_to = [&](std::uint64_t n) { return static_cast<std::int32_t>(1 + random() % n); };
  const std::int32_t datasets = up_to(6), donors = up_to(random() % 2 ? 8 : 200), types = up_to(60),
                     tissues = up_to(30), diseases = up_to(20);
  const double skew = static_cast<double>(random() % 4), missing = random() % 2 ? 0 : 0.1;
  const std::vector<std::string> stages{"9th week post-fertilization stage",
                                        "newborn stage",
                                        "3-year-old stage",
                                        "10-year-old stage",
                                        "25-year-old stage",
                                        "42-year-old stage",
                                        "60-year-old stage",
                                        "85-year-old stage",
                                        "unknown",
                                        "postnatal stage"};
  const auto named = [](LabelColumn& column, std::int32_t n, const std::string& word,
                        std::vector<std::string> first = {}) {
    column.values = std::move(first);
    while (static_cast<std::int32_t>(column.values.size()) < n)
      column.values.push_back(word + std::to_string(column.values.size()));
    column.values.resize(static_cast<std::size_t>(n));
  };
  named(table.dataset, datasets, "dataset ");
  named(table.donor, donors, "P", {"P0", "P1", "unknown", "NA", "pooled"});
  named(table.assay, 3, "assay ");
  named(table.cell_type, types, "type ");
  named(table.tissue, tissues, "tissue ");
  named(table.tissue_general, (tissues + 1) / 2, "organ ", {"brain", "lung", "blood", "unknown"});
  named(table.disease, diseases, "disease ", {"normal", "COVID-19"});
  table.stage.values = stages;
  std::vector<std::int32_t> dataset_of, tissue_of, disease_of, stage_of;
  for (std::int32_t donor = 0; donor < donors; ++donor) {
    dataset_of.push_back(skewed(datasets, 0, random));
    tissue_of.push_back(skewed(tissues, skew, random));
    disease_of.push_back(skewed(diseases, skew, random));
    stage_of.push_back(skewed(static_cast<std::int32_t>(stages.size()), 0, random));
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int32_t donor = skewed(donors, skew, random);
    const bool usual = random() % 10;
    const std::int32_t tissue = usual ? tissue_of[donor] : skewed(tissues, skew, random);
    const auto put = [&](LabelColumn& column, std::int32_t code) {
      column.codes.push_back(static_cast<double>(random() % 1000) < 1000 * missing ? -1 : code);
    };
    put(table.donor, donor);
    put(table.dataset, random() % 50 ? dataset_of[donor] : skewed(datasets, 0, random));
    put(table.assay, skewed(3, skew, random));
    put(table.cell_type, skewed(types, skew, random));
    put(table.tissue, tissue);
    put(table.tissue_general, tissue / 2);
    put(table.disease, usual ? disease_of[donor] : skewed(diseases, skew, random));
    put(table.stage, stage_of[donor]);
  }
  const bool all_in_play = random() % 2;
  for (std::int64_t row = 0; row < rows; ++row)
    if (all_in_play || random() % 3) table.cells.push_back(row);
  return table;
}

/// From 1 to `most`, each size of a scale by powers as likely as the next.
inline std::int64_t random_size(std::int64_t most, std::mt19937_64& random) {
  const double u = static_cast<double>(random() >> 11) * 0x1p-53;
  return std::max<std::int64_t>(1, std::llround(std::pow(static_cast<double>(most), u)));
}

}  // namespace cell2text::test
