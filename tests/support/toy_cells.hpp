// Cells and an encoder that are linked in, for tests of what stands between a file and a model.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text::test {

inline Value text(std::string value) {
  return {std::move(value), {}};
}
inline Value number(std::int64_t value) {
  return {value, {}};
}

/// Cell r expresses `expressed[r]` genes that the encoder knows: columns r, r+1, ... modulo their number.
/// -1 stands for a cell with one gene, the last column, which the encoder does not know.
class ToySource {
 public:
  struct Settings {
    std::vector<std::int64_t> expressed;
    std::int64_t genes = 41;
    std::vector<std::string> columns;
    static void describe(auto& s) {
      s.field("expressed", &Settings::expressed, {.help = "known genes of each cell"});
      s.field("genes", &Settings::genes, {.help = "columns, the unknown gene included", .min = 2});
      s.field("columns", &Settings::columns,
              {.help = "obs columns as 'name=a|b|c', one value per cell; '?' is missing"});
    }
  };

  ToySource(const Settings& settings, const Context&) : settings_(settings) {
    auto table = std::make_shared<GeneTable>();
    for (std::int64_t gene = 0; gene < settings.genes; ++gene) table->ids.push_back("ENSG" + std::to_string(gene));
    genes_ = std::move(table);
    for (const std::string& column : settings.columns) {
      const auto equals = column.find('=');
      LabelColumn labels{column.substr(0, equals), {}, {}};
      std::istringstream values(column.substr(equals + 1));
      for (std::string value; std::getline(values, value, '|');) {
        auto known = std::ranges::find(labels.values, value);
        if (value != "?" && known == labels.values.end()) known = labels.values.insert(known, value);
        labels.codes.push_back(value == "?" ? -1 : static_cast<std::int32_t>(known - labels.values.begin()));
      }
      labels_.push_back(std::move(labels));
    }
  }

  std::int64_t size() const { return static_cast<std::int64_t>(settings_.expressed.size()); }
  std::shared_ptr<const GeneTable> genes() const { return genes_; }
  std::vector<ColumnInfo> columns() const {
    std::vector<ColumnInfo> all;
    for (const LabelColumn& column : labels_) all.push_back({column.name, ColumnInfo::Type::text});
    return all;
  }
  LabelColumn labels(const std::string& name) const {
    for (const LabelColumn& column : labels_)
      if (column.name == name) return column;
    throw InputError("the toy has no column '" + name + "'");
  }
  CellBatch read(std::span<const std::int64_t> rows) const {
    CellBatch batch{genes_, {}, {}, {0}, {}, {}, {}};
    for (const std::int64_t row : rows) {
      if (row < 0 || row >= size()) throw InputError("the toy has no row " + std::to_string(row));
      const std::int64_t expressed = settings_.expressed[row];
      std::vector<std::int32_t> columns;
      for (std::int64_t i = 0; i < expressed; ++i)
        columns.push_back(static_cast<std::int32_t>((row + i) % (settings_.genes - 1)));
      if (expressed < 0) columns.push_back(static_cast<std::int32_t>(settings_.genes - 1));
      std::ranges::sort(columns);
      batch.rows.push_back(row);
      batch.names.push_back("cell-" + std::to_string(row));
      batch.columns.insert(batch.columns.end(), columns.begin(), columns.end());
      batch.counts.insert(batch.counts.end(), columns.size(), 2.0F);
      batch.totals.push_back(2.0 * static_cast<double>(columns.size()));
      batch.row_starts.push_back(static_cast<std::int64_t>(batch.columns.size()));
    }
    return batch;
  }

 private:
  Settings settings_;
  std::shared_ptr<const GeneTable> genes_;
  std::vector<LabelColumn> labels_;
};

/// A table of vectors, one per gene: what an encoder computes, without computing it. Knows genes 0 .. genes-1.
class ToyEncoder {
 public:
  struct Settings {
    std::int64_t genes = 40, width = 6;
    static void describe(auto& s) {
      s.field("genes", &Settings::genes, {.help = "known genes", .min = 1});
      s.field("width", &Settings::width, {.help = "features", .min = 1});
    }
  };

  ToyEncoder(const Settings& settings, ModelContext& context)
      : settings_(settings),
        table_(&context.parameters.declare("table", {settings.genes, settings.width}, Init::normal(1))) {}

  GeneTokens tokenize(const CellBatch& cells) const {
    GeneTokens tokens;
    std::vector<std::vector<std::int64_t>> ids(cells.size());
    std::int64_t longest = 0;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) {
      for (const std::int32_t column : cells.columns_of(cell))
        if (column < settings_.genes) ids[cell].push_back(column);
      tokens.lengths.push_back(static_cast<std::int64_t>(ids[cell].size()));
      longest = std::max(longest, tokens.lengths.back());
    }
    tokens.known_genes = tokens.lengths;
    tokens.ids_BG = torch::zeros({cells.size(), longest}, torch::kInt64);
    for (std::int64_t cell = 0; cell < cells.size(); ++cell)
      for (std::size_t g = 0; g < ids[cell].size(); ++g)
        tokens.ids_BG[cell][static_cast<std::int64_t>(g)] = ids[cell][g];
    return tokens;
  }
  GeneEmbeddings encode(const GeneTokens& tokens) const {
    return {at::embedding(table_->value, tokens.ids_BG), tokens.lengths};
  }
  std::int64_t width() const { return settings_.width; }
  void save(const std::filesystem::path&) const {}

 private:
  Settings settings_;
  Parameter* table_;
};

static_assert(Source<ToySource>);
static_assert(Encoder<ToyEncoder>);

inline SourceHandle toy_source(const std::vector<std::int64_t>& expressed,
                               const std::vector<std::string>& columns = {}, std::int64_t all_genes = 41) {
  Value table;
  Value::Array genes, labels;
  for (const std::int64_t n : expressed) genes.push_back(number(n));
  for (const std::string& column : columns) labels.push_back(text(column));
  table.set("expressed", {std::move(genes), {}});
  table.set("columns", {std::move(labels), {}});
  table.set("genes", number(all_genes));
  const Context context;
  return SourceHandle(
      Held<kinds::source>(nullptr, descriptor_of<kinds::source, ToySource>("toy", ""), table, {&context, nullptr, {}}));
}

/// A part of a linked-in class.
template <class Kind, class P>
Held<Kind> toy_part(const Value& table, Parameters& parameters, AdapterShape shape = {}) {
  const Context context;
  ModelContext model_context(context, parameters, torch::kCPU);
  return Held<Kind>(nullptr, descriptor_of<Kind, P>("toy", ""), table, {&context, &model_context, shape});
}

}  // namespace cell2text::test
