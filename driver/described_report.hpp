// The page of `describe --report`: what the cells were called, how sure the model was, what went wrong.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "cell2text/cells/finding.hpp"
#include "cell2text/histogram.hpp"
#include "cell_explainer.hpp"
#include "interrupts.hpp"
#include "output_table.hpp"
#include "shown_types.hpp"

namespace cell2text::driver {

/// Gathers cell by cell what the page shows. Of a cell it keeps 4 bytes for each column that cells are grouped by;
/// everything else does not grow with their number, but with that of the model's cell types.
class DescribedReport {
 public:
  /// What is known before the first cell.
  struct About {
    std::filesystem::path input;  ///< the file that `source` is of: its obsm may hold X_umap
    std::string model, model_hash;
    std::string cluster;  ///< obs column; empty: the first of the usual names that the file has
    Findings findings;
  };

  static constexpr std::size_t least_certain = 10;    ///< cells that are shown with their texts
  static constexpr std::size_t most_points = 20'000;  ///< of the UMAP; of more cells these are drawn by a seed
  static constexpr std::size_t most_groups = 60;      ///< of a column; those with most cells are shown
  static constexpr std::size_t most_types = 200;      ///< told apart, the most frequent; others are one, "other"

  /// `columns`: those of the rows that will be added.
  DescribedReport(const std::vector<TableColumn>& columns, const SourceHandle& source, About about);

  void add(const TableRow& one);

  /// When all are added: shows which genes moved the labels of the least certain cells, so many of them.
  /// EnvironmentError where a signal comes.
  void explain_least(std::size_t cells, const CellExplainer& explainer, const Interrupts& interrupts);

  /// Reads obsm["X_umap"] of the cells that are drawn, and writes the page.
  void write(const std::filesystem::path& output) const;

 private:
  static constexpr std::size_t num_bins = 20;

  struct Column {
    LabelColumn labels;
    std::map<std::int32_t, NamedCounts> cells;  // by the column's code, by cell type
  };
  struct Point {
    std::int64_t row;
    std::string type;
    float confidence;  // NaN: none
  };
  struct Doubtful {
    double confidence;
    std::int64_t row;
    nlohmann::ordered_json about;
    bool operator<(const Doubtful& other) const { return confidence < other.confidence; }
  };
  struct Bins {
    std::array<std::int64_t, num_bins> cells{};
    std::int64_t of = 0;
    double sum = 0;
  };

  void group_by(const SourceHandle& source, const std::vector<std::string>& names);
  std::string text(const TableRow& one, const std::string& column) const;
  double number(const TableRow& one, const std::string& column) const;
  void add_point(const TableRow& one, const std::string& type, double confidence);
  std::vector<Doubtful> doubtful() const;
  void add_doubtful(const TableRow& one, const std::string& type, double confidence);
  nlohmann::ordered_json composition(const ShownTypes& shown) const;
  nlohmann::ordered_json umap(const ShownTypes& shown) const;
  nlohmann::ordered_json data() const;

  About about_;
  std::map<std::string, std::size_t> places_;  // of values in a row, by column without "cell2text_"
  std::vector<Column> columns_;
  std::int64_t cells_ = 0;
  NamedCounts statuses_, types_;
  std::map<std::string, Bins> confidences_;
  NumberCounts genes_;
  std::priority_queue<Doubtful> doubtful_;                       // the surest on top, to be the first to go
  std::map<std::int64_t, nlohmann::ordered_json> explanations_;  // by row
  std::vector<Point> points_;
  std::mt19937_64 random_{0};
};

}  // namespace cell2text::driver
