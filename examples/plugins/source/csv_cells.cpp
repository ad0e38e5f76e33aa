// A source from outside the repository: a small table of comma-separated values. A row is a cell: its name, its labels
// (the columns that `labels` names), and the count of each gene.
#include <algorithm>
#include <cell2text/io/csv.hpp>
#include <cell2text/plugin.hpp>
#include <charconv>
#include <cmath>
namespace csv_cells_plugin {
using cell2text::CellBatch, cell2text::InputError, cell2text::LabelColumn;

class Source {
 public:
  struct Settings {
    std::string path;
    std::vector<std::string> labels = {"cell_type", "tissue", "disease"};
    static void describe(auto& s) {
      s.field("path", &Settings::path, {.help = "the table", .required = true});
      s.field("labels", &Settings::labels, {.help = "columns that are labels; the others are genes"});
    }
  };

  Source(const Settings& settings, const cell2text::Context&)
      : path_(settings.path), table_(cell2text::read_csv(settings.path)) {
    auto genes = std::make_shared<cell2text::GeneTable>();
    genes->kind = cell2text::GeneTable::Kind::symbol;
    for (std::size_t column = 1; column < table_.header.size(); ++column) {
      const bool label = std::ranges::find(settings.labels, table_.header[column]) != settings.labels.end();
      (label ? label_columns_ : gene_columns_).push_back(column);
      if (!label) genes->ids.push_back(table_.header[column]);
    }
    if (gene_columns_.empty()) throw InputError(path_ + ": no column is a gene's; all are labels");
    genes_ = std::move(genes);
  }

  std::int64_t size() const { return std::ssize(table_.rows); }
  std::shared_ptr<const cell2text::GeneTable> genes() const { return genes_; }

  std::vector<cell2text::ColumnInfo> columns() const {
    std::vector<cell2text::ColumnInfo> all;
    for (const std::size_t column : label_columns_) all.push_back({table_.header[column]});
    return all;
  }

  LabelColumn labels(const std::string& name) const {
    for (const std::size_t column : label_columns_) {
      if (table_.header[column] != name) continue;
      LabelColumn labels{name, {}, {}};
      for (const auto& row : table_.rows) {
        const std::string& value = row.fields[column];
        auto found = std::ranges::find(labels.values, value);
        if (found == labels.values.end() && !value.empty()) found = labels.values.insert(found, value);
        labels.codes.push_back(value.empty() ? -1 : static_cast<std::int32_t>(found - labels.values.begin()));
      }
      return labels;
    }
    throw InputError(path_ + ": no label is called '" + name + "'; name the columns that are labels in 'labels'");
  }

  CellBatch read(std::span<const std::int64_t> rows) const {
    CellBatch cells;
    cells.genes = genes_, cells.rows = {rows.begin(), rows.end()}, cells.row_starts = {0};
    for (const std::int64_t row : rows) {
      if (row < 0 || row >= size()) throw InputError(path_ + ": there is no row " + std::to_string(row));
      double total = 0;
      for (std::size_t gene = 0; gene < gene_columns_.size(); ++gene) {
        const float count = count_at(table_.rows[row], gene_columns_[gene]);
        if (count == 0) continue;
        cells.columns.push_back(static_cast<std::int32_t>(gene)), cells.counts.push_back(count);
        total += count;
      }
      cells.names.push_back(table_.rows[row].fields[0]), cells.totals.push_back(total);
      cells.row_starts.push_back(std::ssize(cells.columns));
    }
    return cells;
  }

 private:
  float count_at(const cell2text::CsvRow& row, std::size_t column) const {
    const std::string& text = row.fields[column];
    float count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || !(count >= 0) || std::isinf(count))
      throw InputError(path_ + ":" + std::to_string(row.line) + ": '" + text + "' in column '" + table_.header[column] +
                       "' is no count; expected 0 or more");
    return count;
  }
  std::string path_;
  cell2text::CsvTable table_;
  std::vector<std::size_t> label_columns_, gene_columns_;
  std::shared_ptr<const cell2text::GeneTable> genes_;
};
}  // namespace csv_cells_plugin

CELL2TEXT_PLUGIN(source, "csv_cells", csv_cells_plugin::Source, "A small table of comma-separated values.")
