// Cells of one AnnData file as raw counts with gene names, totals and labels.
// Bounded memory: per cell it keeps 8 bytes of row starts and, with an obs total, 8 more; names up to a limit.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/read_rows.hpp"
#include "cell2text/cells/same_names.hpp"
#include "cell2text/context.hpp"
#include "cell2text/huge_pages.hpp"
#include "cell2text/io/anndata.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "cell2text/settings.hpp"
#include "choose_counts.hpp"
#include "choose_genes.hpp"
#include "kept_names.hpp"
#include "open_file.hpp"
#include "rehearsal.hpp"
#include "totals.hpp"
#include "transposed.hpp"
#include "uns_columns.hpp"

namespace cell2text::h5ad {

/// Reads an .h5ad file. Methods may be called from any thread; one runs at a time.
/// InputError, with file, object and row, where the file is damaged or holds no counts.
class H5adSource {
 public:
  struct Settings {
    std::string path;
    std::string counts = "auto";
    std::string gene_ids = "auto";
    std::string totals = "auto";
    bool any_values = false;
    std::int64_t transpose_memory_mib = 512;

    static void describe(auto& s) {
      s.field("path", &Settings::path,
              {.help = "the AnnData file (.h5ad) with the cells, or the folder of a dataset that 'cell2text dataset "
                       "build' made",
               .required = true});
      s.field("counts", &Settings::counts,
              {.help = "the matrix of raw counts: \"X\", \"raw/X\", \"layers/NAME\", or \"auto\": of "
                       "layers/counts, raw/X and X the one that looks like counts and has most genes. Log-normalised "
                       "values rank genes differently and are refused"});
      s.field(
          "gene_ids", &Settings::gene_ids,
          {.help = "where the genes' ids stand in var: \"index\", a column, or \"auto\": the index where it holds "
                   "Ensembl ids, else the first of gene_ids, feature_id, ensembl_id, gene_id that does, else symbols"});
      s.field(
          "totals", &Settings::totals,
          {.help = "the counts of a cell over all genes, also those absent from the file: an obs column, \"sum\" "
                   "(add up the row), or \"auto\": the first of n_counts, total_counts, nCount_RNA that is at least "
                   "the row's sum in every cell (the whole file is read once to know), else the row's sum"});
      s.field("any_values", &Settings::any_values,
              {.help = "true takes a matrix that does not look like counts, with a warning (as --force does)"});
      s.field("transpose_memory_mib", &Settings::transpose_memory_mib,
              {.help = "memory for turning a matrix that is stored by columns (CSC) into rows, which happens once at "
                       "opening, through a temporary file in TMPDIR",
               .unit = "MiB",
               .min = 1,
               .max = 1 << 20});
    }
  };

  /// `cache_bytes`: memory for decompressed chunks, of indices and of counts, and for names.
  H5adSource(const Settings& settings, const Context& context, std::size_t cache_bytes = Matrix::cache_bytes)
      : log_(context.log), opened_(open_checked(settings, context)), names_(cache_bytes) {
    if (cache_bytes < Matrix::cache_bytes) opened_.counts.limit_cache(opened_.root, opened_.counts_name, cache_bytes);
    for (std::size_t i = 0; i < opened_.obs.columns().size(); ++i)
      if (const std::string& fault = opened_.obs.fault(i); !fault.empty())
        context.log.warning("h5ad: obs column '" + opened_.obs.columns()[i] + "' cannot be read: " + fault);
    warn_of_same_names(
        size(),
        [this](std::int64_t first, std::int64_t count) {
          std::vector<std::string> names = opened_.obs.index(first, count);
          names_.add(first, names);
          return names;
        },
        context.log, "h5ad");
    if (opened_.counts.layout() == Matrix::Layout::csc) {
      context.log.info("h5ad: " + opened_.counts.where() +
                       " is stored by columns; turning it into rows in a temporary file");
      transposed_ = transpose(opened_.counts, settings.transpose_memory_mib << 20);
    }
    totals_ = choose_totals(
        opened_.obs, settings.totals, [this](std::int64_t first) { return next_block(first); }, context);
  }

  std::int64_t size() const { return opened_.obs.size(); }
  std::shared_ptr<const GeneTable> genes() const { return opened_.genes; }
  const std::string& file() const { return opened_.root.file(); }
  /// The matrix that counts are read from, as "layers/counts".
  const std::string& counts_name() const { return opened_.counts_name; }
  /// The obs column that totals are read from; empty where counts are added up.
  const std::string& totals_column() const { return totals_.column(); }

  /// For one of several files: totals are sums, whatever was chosen; and an equal table of genes that is held anyway.
  void add_up_totals() { totals_ = {}; }
  void share_genes(std::shared_ptr<const GeneTable> genes) { opened_.genes = std::move(genes); }

  /// The obs columns that can be read (the others were named in the log at opening), and what uns says of all cells.
  std::vector<ColumnInfo> columns() const {
    const std::scoped_lock lock(mutex_);
    const std::vector<std::string>& names = opened_.obs.columns();
    std::vector<ColumnInfo> all;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (opened_.obs.fault(i).empty()) all.push_back({names[i], opened_.obs.type(names[i])});
    for (const std::string& name : uns_columns(opened_.root, opened_.obs))
      all.push_back({name, ColumnInfo::Type::text});
    return all;
  }

  /// Every matrix of the file and what its values are, from a sample.
  std::vector<MatrixInfo> matrices() const {
    const std::scoped_lock lock(mutex_);
    return judge_matrices(opened_.root, opened_.counts_name, size(), log_);
  }

  /// Categories in their order in the file; other values as text in order of appearance.
  LabelColumn labels(const std::string& column) {
    const std::scoped_lock lock(mutex_);
    if (const auto value = uns_value(opened_.root, opened_.obs, column))
      return {column, {*value}, std::vector<std::int32_t>(static_cast<std::size_t>(size()), 0)};
    return opened_.obs.labels(column);
  }

  /// The obs names of `rows`.
  std::vector<std::string> names(std::span<const std::int64_t> rows) {
    const std::scoped_lock lock(mutex_);
    return read_names(rows, runs_of(rows));
  }

  /// Cells in the order asked for; a row may be named more than once. Memory is that of the cells asked for, and twice
  /// that where rows do not ascend.
  CellBatch read(std::span<const std::int64_t> rows) {
    CellBatch batch;
    read(rows, batch);
    return batch;
  }
  /// The same in the place of what `into` holds, in its memory where rows ascend.
  void read(std::span<const std::int64_t> rows, CellBatch& into) {
    const std::scoped_lock lock(mutex_);
    const std::vector<RowRange> runs = runs_of(rows);
    if (!ascend(rows)) {
      into = read_in_any_order(rows, runs);
      return;
    }
    begin(rows, opened_.genes, stored(rows), into);
    into.names = read_names(rows, runs);
    append_runs(runs, into);
  }

  /// The same for ascending rows, behind the cells that `batch` already holds; its `rows` are left to the caller.
  void append(std::span<const std::int64_t> rows, CellBatch& batch) {
    const std::scoped_lock lock(mutex_);
    const std::vector<RowRange> runs = runs_of(rows);
    std::vector<std::string> names = read_names(rows, runs);
    std::ranges::move(names, std::back_inserter(batch.names));
    append_runs(runs, batch);
  }

  /// Empties a batch for `rows` of so many values, in its memory. An eighth more is asked for than is needed, so that
  /// the next rows of about as many need no other: pages that nobody writes to cost nothing.
  static void begin(std::span<const std::int64_t> rows, std::shared_ptr<const GeneTable> genes, std::int64_t values,
                    CellBatch& batch) {
    batch.genes = std::move(genes);
    batch.rows.assign(rows.begin(), rows.end());
    batch.row_starts.assign(1, 0);
    batch.names.clear(), batch.totals.clear(), batch.columns.clear(), batch.counts.clear();
    if (values <= static_cast<std::int64_t>(std::min(batch.columns.capacity(), batch.counts.capacity()))) return;
    batch.columns.reserve(values + values / 8), batch.counts.reserve(values + values / 8);
    prefer_huge_pages(batch.columns.data(), batch.columns.capacity() * sizeof(batch.columns[0]));
    prefer_huge_pages(batch.counts.data(), batch.counts.capacity() * sizeof(batch.counts[0]));
  }

  /// Whether no row is named twice, and each after those before it in the file.
  static bool ascend(std::span<const std::int64_t> rows) {
    return std::ranges::adjacent_find(rows, std::ranges::greater_equal{}) == rows.end();
  }

  /// Stored values of rows that there are; of a dense matrix 0, since that is known only when it is read.
  std::int64_t stored(std::span<const std::int64_t> rows) const {
    std::int64_t values = 0;
    for (const std::int64_t row : rows)
      values += transposed_ ? transposed_->stored(row, 1) : opened_.counts.stored(row, 1);
    return values;
  }

 private:
  struct Opened {
    hdf5::Group root;
    anndata::DataFrame obs;
    std::string counts_name;
    Matrix counts;
    std::shared_ptr<const GeneTable> genes;
  };

  static Opened open(const Settings& settings, const Context& context) {
    hdf5::Group root = open_file(settings.path);
    anndata::DataFrame obs(root, "obs");
    if (obs.size() == 0) throw InputError(settings.path + ": holds no cells (obs is empty)");
    ChosenCounts chosen = choose_counts(root, settings.counts, obs.size(), context, settings.any_values);
    if (chosen.matrix.columns() == 0) throw InputError(chosen.matrix.where() + ": holds no genes");
    auto genes = choose_genes(anndata::DataFrame(root, var_group(chosen.name)), settings.gene_ids, context);
    return {std::move(root), std::move(obs), std::move(chosen.name), std::move(chosen.matrix), std::move(genes)};
  }

  /// Lets a child process do the same first: from the same state, what would end this process ends the child.
  static Opened open_checked(const Settings& settings, const Context& context) {
    expect_hdf5(settings.path);
    hdf5::rehearse(settings.path, [&] {
      hdf5::rehearse_part([&] { open(settings, Context{}); });
      mallopt(M_PERTURB, 0xA5);  // memory that HDF5 should not look at then leads it astray, and that shows
      hdf5::rehearse_part([&] { rehearse_reading(hdf5::Group::open_file(settings.path)); });
    });
    return open(settings, context);
  }

  /// Where the batch's arrays lie, in pieces that stay in the processor's cache while they are checked.
  void append_runs(const std::vector<RowRange>& runs, CellBatch& batch) const {
    constexpr std::int64_t piece_values = std::int64_t{1} << 17;
    RowBlock all{0, std::move(batch.row_starts), std::move(batch.columns), std::move(batch.counts)};
    for (const auto& [first, count] : runs)
      for (std::int64_t row = first, end; row < first + count; row = end) {
        end = std::min(row + rows_within(row, piece_values), first + count);
        std::int64_t at = all.rows();
        read_checked(row, end - row, all);
        for (; at < all.rows(); ++at) batch.totals.push_back(totals_.of(all.first_row + at, all.sum(at)));
      }
    batch.row_starts = std::move(all.starts);
    batch.columns = std::move(all.columns), batch.counts = std::move(all.values);
  }

  CellBatch read_in_any_order(std::span<const std::int64_t> rows, const std::vector<RowRange>& runs) const {
    CellBatch batch =
        read_rows(rows, [this](std::int64_t first, std::int64_t count) { return read_checked(first, count); });
    for (std::size_t i = 0; i < rows.size(); ++i) batch.totals[i] = totals_.of(rows[i], batch.totals[i]);
    batch.genes = opened_.genes;
    batch.names = read_names(rows, runs);
    return batch;
  }

  std::vector<RowRange> runs_of(std::span<const std::int64_t> rows) const {
    expect_rows(rows, size(), opened_.root.file());
    return row_ranges(rows);
  }

  std::vector<std::string> read_names(std::span<const std::int64_t> rows, const std::vector<RowRange>& runs) const {
    std::vector<std::string> all;
    all.reserve(rows.size());
    if (names_.size() == size()) {
      for (const std::int64_t row : rows) all.push_back(names_[row]);
      return all;
    }
    const std::vector<std::string> names = opened_.obs.index(runs);
    std::vector<std::int64_t> before = {0};  // names of the runs before each
    for (const auto& run : runs) before.push_back(before.back() + run.count);
    for (const std::int64_t row : rows) {
      const std::size_t run = range_of(runs, row);
      all.push_back(names[before[run] + row - runs[run].first]);
    }
    return all;
  }

  RowBlock read_checked(std::int64_t first, std::int64_t count) const {
    RowBlock block;
    read_checked(first, count, block);
    return block;
  }
  /// Behind the rows that `block` holds.
  void read_checked(std::int64_t first, std::int64_t count, RowBlock& block) const {
    const std::int64_t from = block.rows();
    transposed_ ? transposed_->read_onto(first, count, block) : opened_.counts.read_onto(first, count, block);
    sort_columns(block, opened_.counts.where(), "In Python: adata.X.sum_duplicates(), then write the file again", from);
    if (const auto bad = first_bad_value(block, from))
      throw InputError(
          opened_.counts.where() + ": " + text_of(*bad, opened_.root, opened_.counts_name) +
          "; counts are 0 or more and finite. Name the matrix that holds raw counts with the key 'counts'");
  }

  /// Rows from `first` on, as many as a few MiB hold.
  RowBlock next_block(std::int64_t first) const {
    return read_checked(first, rows_within(first, std::int64_t{1} << 20));
  }

  /// How many rows from `first` on hold so many values, one at least.
  std::int64_t rows_within(std::int64_t first, std::int64_t values) const {
    return transposed_ ? cell2text::rows_within(transposed_->starts(), first, values)
                       : opened_.counts.entries_within(first, values);
  }

  Log log_;
  mutable std::mutex mutex_;
  Opened opened_;
  KeptNames names_;                        ///< of all cells, or of none
  std::optional<SpilledRows> transposed_;  ///< where the counts are stored by columns
  Totals totals_;
};

}  // namespace cell2text::h5ad
