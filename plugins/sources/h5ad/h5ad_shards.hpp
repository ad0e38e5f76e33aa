// The source "h5ad": one AnnData file, or the shards of a built dataset, row after row in the order of their names.
// Memory is that of the files it is made of; of decompressed chunks, shards together keep little more than one file.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/finding.hpp"
#include "cell2text/dataset/shard_files.hpp"
#include "h5ad_source.hpp"

namespace cell2text::h5ad {

namespace detail {

/// InputError, naming both, where two shards cannot be one source.
inline void expect_same_genes(const H5adSource& first, const H5adSource& other) {
  const GeneTable &wanted = *first.genes(), &found = *other.genes();
  if (found.ids == wanted.ids && found.symbols == wanted.symbols) return;
  const auto refuse = [&](const std::string& what, const std::string& instead) {
    throw InputError(other.file() + ": " + what + "; " + first.file() + " " + instead +
                     ". The shards of a dataset have the same genes in the same order; build it again");
  };
  if (found.size() != wanted.size())
    refuse("has " + std::to_string(found.size()) + " genes", "has " + std::to_string(wanted.size()));
  if (found.symbols.empty() != wanted.symbols.empty())
    refuse(found.symbols.empty() ? "has no gene symbols" : "has gene symbols",
           found.symbols.empty() ? "has them" : "has none");
  const bool symbols = found.ids == wanted.ids;
  const auto &ours = symbols ? found.symbols : found.ids, &theirs = symbols ? wanted.symbols : wanted.ids;
  const auto at = std::ranges::mismatch(ours, theirs).in1 - ours.begin();
  refuse("gene " + std::to_string(at) + " is '" + ours[at] + "'", "has '" + theirs[at] + "' there");
}

inline void expect_same_columns(const H5adSource& first, const H5adSource& other) {
  const std::vector<ColumnInfo> wanted = first.columns(), found = other.columns();
  const auto type_in = [](const std::vector<ColumnInfo>& columns, const std::string& name) {
    const auto at = std::ranges::find(columns, name, &ColumnInfo::name);
    return at == columns.end() ? std::optional<ColumnInfo::Type>() : at->type;
  };
  for (const auto* columns : {&wanted, &found})
    for (const auto& [name, type] : *columns) {
      const auto here = type_in(found, name), there = type_in(wanted, name);
      if (here == there) continue;
      const std::string fault = !here    ? "is not there, or cannot be read"
                                : !there ? "is one too many"
                                         : "is of another type";
      throw InputError(other.file() + ": obs column '" + name + "' " + fault + "; the columns of " + first.file() +
                       " were expected. Build the dataset again");
    }
}

inline void expect_same_matrix(const H5adSource& first, const H5adSource& other) {
  if (other.counts_name() != first.counts_name())
    throw InputError(other.file() + ": counts are taken from " + other.counts_name() + "; in " + first.file() +
                     " from " + first.counts_name() + ". Name one matrix for all with the key 'counts'");
}

}  // namespace detail

/// Methods may be called from any thread; one runs at a time. Errors name the shard.
class H5adShards {
 public:
  using Settings = H5adSource::Settings;

  H5adShards(const Settings& settings, const Context& context) : path_(settings.path), log_(context.log) {
    if (is_dataset_folder(path_))
      open_folder(settings, context);
    else
      shards_.push_back(std::make_unique<H5adSource>(settings, context));
    for (const auto& shard : shards_) first_rows_.push_back(first_rows_.back() + shard->size());
    if (shards_.size() > 1)
      context.log.info("h5ad: " + path_ + ": " + std::to_string(shards_.size()) + " shards with " +
                       with_commas(size()) + " cells");
  }

  std::int64_t size() const { return first_rows_.back(); }
  std::shared_ptr<const GeneTable> genes() const { return shards_.front()->genes(); }
  std::vector<ColumnInfo> columns() const { return shards_.front()->columns(); }

  /// Of each matrix the judgement that is furthest from counts.
  std::vector<MatrixInfo> matrices() const {
    const std::scoped_lock lock(mutex_);
    std::vector<MatrixInfo> all = shards_.front()->matrices();
    for (std::size_t i = 1; i < shards_.size(); ++i)
      for (MatrixInfo& one : shards_[i]->matrices()) {
        const auto known = std::ranges::find(all, one.name, &MatrixInfo::name);
        if (known != all.end() && known->values.kind < one.values.kind) known->values = std::move(one.values);
      }
    return all;
  }

  /// Values in the order of the first shard, then what others have more.
  LabelColumn labels(const std::string& column) {
    const std::scoped_lock lock(mutex_);
    LabelColumn all = shards_.front()->labels(column);
    if (shards_.size() == 1) return all;
    all.codes.reserve(size());
    std::unordered_map<std::string, std::int32_t> codes;
    for (const std::string& value : all.values) codes.emplace(value, static_cast<std::int32_t>(codes.size()));
    for (std::size_t i = 1; i < shards_.size(); ++i) {
      const LabelColumn part = shards_[i]->labels(column);
      std::vector<std::int32_t> code_of;
      for (const std::string& value : part.values) {
        const auto [known, is_new] = codes.try_emplace(value, static_cast<std::int32_t>(codes.size()));
        if (is_new) all.values.push_back(value);
        code_of.push_back(known->second);
      }
      for (const std::int32_t code : part.codes) all.codes.push_back(code < 0 ? -1 : code_of[code]);
    }
    return all;
  }

  /// Cells in the order asked for; a row may be named more than once. Memory is that of the cells asked for, and
  /// three times that where rows do not ascend.
  CellBatch read(std::span<const std::int64_t> rows) {
    CellBatch batch;
    read(rows, batch);
    return batch;
  }
  /// The same in the place of what `into` holds, in its memory where rows ascend.
  void read(std::span<const std::int64_t> rows, CellBatch& into) {
    const std::scoped_lock lock(mutex_);
    if (shards_.size() == 1) return shards_.front()->read(rows, into);
    std::vector<std::vector<std::int64_t>> rows_in(shards_.size());
    for (const std::int64_t row : rows) {
      const std::size_t shard = shard_of(row);
      rows_in[shard].push_back(row - first_rows_[shard]);
    }
    if (H5adSource::ascend(rows))
      append(rows, rows_in, into);
    else
      into = joined(rows, rows_in);
  }

 private:
  void open_folder(const Settings& settings, const Context& context) {
    const auto files = shard_files(path_);
    Context quiet = context;  // what is said of the first shard holds for all
    quiet.log.self = &log_;
    quiet.log.write = [](void* self, Log::Level level, const char* text) {
      const Log& log = *static_cast<const Log*>(self);
      level == Log::Level::warning ? log.warning(text) : log.debug(text);
    };
    const std::size_t cache = std::max<std::size_t>(Matrix::cache_bytes / files.size(), 1 << 20);
    for (const auto& file : files) {
      Settings one = settings;
      one.path = file.string();
      shards_.push_back(std::make_unique<H5adSource>(one, shards_.empty() ? context : quiet, cache));
      const H5adSource& first = *shards_.front();
      detail::expect_same_genes(first, *shards_.back());
      detail::expect_same_columns(first, *shards_.back());
      detail::expect_same_matrix(first, *shards_.back());
      shards_.back()->share_genes(first.genes());
    }
    choose_totals_of_all();
  }

  /// One rule holds for every cell.
  void choose_totals_of_all() {
    const auto column = [](const auto& shard) { return shard->totals_column(); };
    const std::string wanted = column(shards_.front());
    const auto other = std::ranges::find_if(shards_, [&](const auto& shard) { return column(shard) != wanted; });
    if (other == shards_.end()) return;
    const auto text = [](const std::string& name) { return name.empty() ? "sums" : "obs column '" + name + "'"; };
    log_.info("h5ad: totals are the sums of the rows: those of " + shards_.front()->file() + " would be " +
              text(wanted) + ", those of " + (*other)->file() + " " + text(column(*other)));
    for (const auto& shard : shards_) shard->add_up_totals();
  }

  std::size_t shard_of(std::int64_t row) const {
    if (row < 0 || row >= size())
      throw InputError(path_ + ": row " + std::to_string(row) + " was asked for; rows are 0 to " +
                       std::to_string(size() - 1));
    return std::ranges::upper_bound(first_rows_, row) - first_rows_.begin() - 1;
  }

  /// The cells of ascending rows, shard after shard. `rows_in`: of each shard those that are asked for.
  void append(std::span<const std::int64_t> rows, const std::vector<std::vector<std::int64_t>>& rows_in,
              CellBatch& into) const {
    std::int64_t values = 0;
    for (std::size_t i = 0; i < rows_in.size(); ++i) values += shards_[i]->stored(rows_in[i]);
    H5adSource::begin(rows, genes(), values, into);
    for (std::size_t i = 0; i < rows_in.size(); ++i) shards_[i]->append(rows_in[i], into);
  }

  /// The cells of rows in any order.
  CellBatch joined(std::span<const std::int64_t> rows, const std::vector<std::vector<std::int64_t>>& rows_in) const {
    CellBatch all{genes(), {rows.begin(), rows.end()}, {}, {0}, {}, {}, {}};
    std::vector<CellBatch> parts;
    for (std::size_t i = 0; i < rows_in.size(); ++i) parts.push_back(shards_[i]->read(rows_in[i]));
    std::vector<std::int64_t> next(parts.size(), 0);
    for (const std::int64_t row : rows) {
      const std::size_t shard = shard_of(row);
      CellBatch& part = parts[shard];
      const std::int64_t cell = next[shard]++;
      const auto columns = part.columns_of(cell);
      const auto counts = part.counts_of(cell);
      all.columns.insert(all.columns.end(), columns.begin(), columns.end());
      all.counts.insert(all.counts.end(), counts.begin(), counts.end());
      all.row_starts.push_back(static_cast<std::int64_t>(all.columns.size()));
      all.names.push_back(std::move(part.names[cell]));
      all.totals.push_back(part.totals[cell]);
    }
    return all;
  }

  std::string path_;
  Log log_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<H5adSource>> shards_;
  std::vector<std::int64_t> first_rows_ = {0};  ///< [shards+1] of all rows
};

}  // namespace cell2text::h5ad
