// Several sources as one: cells numbered on from source to source, genes in common columns.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/gene_names.hpp"
#include "cell2text/dataset/merged_rows.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::dataset {

/// A source with the name that messages and the dataset's settings have for it.
struct NamedSource {
  std::string name;  ///< usually the file's path
  SourceHandle source;
};

/// Sources one after the other. Genes are those of any source, in the order in which they are first met; a gene is
/// known by its Ensembl id without version, or by its symbol, without a genome's prefix. Columns of one source that are
/// the same gene then are added up.
class Sources {
 public:
  /// InputError: no source, or Ensembl ids in one and symbols in another.
  explicit Sources(std::vector<NamedSource> sources) : sources_(std::move(sources)) {
    if (sources_.empty()) throw InputError("there is no source to read cells from");
    auto merged = std::make_shared<GeneTable>();
    std::unordered_map<std::string, std::int32_t> known;
    merged->kind = sources_.front().source.genes()->kind;
    for (const NamedSource& one : sources_) {
      starts_.push_back(size_);
      size_ += one.source.size();
      add_genes(one, *merged, known);
    }
    if (std::ranges::all_of(merged->symbols, &std::string::empty)) merged->symbols.clear();
    genes_ = std::move(merged);
    for (GeneColumns& columns : columns_) columns.close();
  }

  std::int64_t size() const { return size_; }
  std::int64_t count() const { return std::ssize(sources_); }
  std::shared_ptr<const GeneTable> genes() const { return genes_; }

  /// The source of a cell, its name, and where its cells begin.
  std::int64_t source_of(std::int64_t cell) const {
    return std::ranges::upper_bound(starts_, cell) - starts_.begin() - 1;
  }
  const std::string& name(std::int64_t source) const { return sources_[source].name; }
  std::int64_t start(std::int64_t source) const { return starts_[source]; }
  std::int64_t end(std::int64_t source) const { return source + 1 < count() ? starts_[source + 1] : size_; }

  bool has_column(const std::string& column) const {
    return std::ranges::any_of(sources_, [&](const NamedSource& one) { return one.source.has_column(column); });
  }
  std::vector<std::string> column_names() const {
    std::set<std::string> names;
    for (const NamedSource& one : sources_)
      for (const ColumnInfo& column : one.source.columns()) names.insert(column.name);
    return {names.begin(), names.end()};
  }

  /// An obs column of all cells; missing where a source does not have it.
  LabelColumn labels(const std::string& column) const {
    LabelColumn all{column, {}, {}};
    all.codes.reserve(static_cast<std::size_t>(size_));
    std::unordered_map<std::string, std::int32_t> known;
    for (const NamedSource& one : sources_) {
      if (!one.source.has_column(column)) {
        all.codes.resize(all.codes.size() + static_cast<std::size_t>(one.source.size()), -1);
        continue;
      }
      const LabelColumn own = one.source.labels(column);
      std::vector<std::int32_t> codes;
      for (const std::string& value : own.values) {
        const auto [entry, is_new] = known.try_emplace(value, static_cast<std::int32_t>(all.values.size()));
        if (is_new) all.values.push_back(value);
        codes.push_back(entry->second);
      }
      for (const std::int32_t code : own.codes) all.codes.push_back(code < 0 ? -1 : codes[code]);
    }
    return all;
  }

  /// Cells of one source (ascending, numbered over all), over the common genes, without stored zeros. Errors name the
  /// source's file.
  CellBatch read(std::span<const std::int64_t> cells) const {
    const std::int64_t source = source_of(cells.front());
    if (source_of(cells.back()) != source) throw BugError("Sources::read: cells of two sources");
    std::vector<std::int64_t> rows(cells.begin(), cells.end());
    for (std::int64_t& row : rows) row -= starts_[source];
    CellBatch batch = sources_[source].source.read(rows);
    columns_[source].apply(batch);
    batch.genes = genes_;
    batch.rows.assign(cells.begin(), cells.end());
    return batch;
  }

 private:
  void add_genes(const NamedSource& one, GeneTable& merged, std::unordered_map<std::string, std::int32_t>& known) {
    const auto own = one.source.genes();
    if (own->kind != merged.kind)
      throw InputError(one.name + " names its genes by " + kind_name(own->kind) + ", " + sources_.front().name +
                       " by " + kind_name(merged.kind) +
                       "; write both with the same (Ensembl ids where you can) into var, or name the column with the "
                       "source's key gene_ids");
    GeneColumns columns;
    for (std::int64_t i = 0; i < own->size(); ++i) {
      const std::string id(parse_gene_name(own->ids[i]).name);
      const auto [entry, is_new] = known.try_emplace(id, static_cast<std::int32_t>(merged.ids.size()));
      const std::string symbol =
          own->symbols.empty() ? std::string() : std::string(parse_gene_name(own->symbols[i]).name);
      if (is_new) merged.ids.push_back(id), merged.symbols.push_back(symbol);
      if (merged.symbols[entry->second].empty()) merged.symbols[entry->second] = symbol;
      columns.add(entry->second);
    }
    columns_.push_back(std::move(columns));
  }
  static const char* kind_name(GeneTable::Kind kind) {
    return kind == GeneTable::Kind::ensembl ? "Ensembl ids" : "symbols";
  }

  std::vector<NamedSource> sources_;
  std::vector<std::int64_t> starts_;
  std::vector<GeneColumns> columns_;
  std::shared_ptr<const GeneTable> genes_;
  std::int64_t size_ = 0;
};

}  // namespace cell2text::dataset
