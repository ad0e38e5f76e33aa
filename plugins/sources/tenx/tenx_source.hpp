// The source "tenx": cells of a 10x Genomics matrix as raw counts, with labels from a table beside it.
// Bounded memory: 8 bytes per barcode, the barcodes of a folder, and 4 bytes per cell and column of labels.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
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
#include "cell2text/cells/value_kind.hpp"
#include "cell2text/context.hpp"
#include "cell2text/settings.hpp"
#include "choose_cells.hpp"
#include "choose_genes.hpp"
#include "h5_file.hpp"
#include "labels.hpp"
#include "market_folder.hpp"

namespace cell2text::tenx {

/// Reads Cell Ranger's .h5, or a folder with matrix.mtx. Methods may be called from any thread; one runs at a time.
/// InputError, with file and line or row, where a file is damaged or holds no counts.
class TenxSource {
 public:
  struct Settings {
    std::string path;
    std::optional<std::string> labels;
    std::int64_t min_counts = 0;
    std::optional<std::string> genome;
    bool any_values = false;

    static void describe(auto& s) {
      s.field(
          "path", &Settings::path,
          {.help = "Cell Ranger's .h5, or the folder with matrix.mtx, features.tsv (or genes.tsv) and barcodes.tsv, "
                   "each plain or with .gz. Features of gene expression are read, others left out",
           .required = true});
      s.field(
          "labels", &Settings::labels,
          {.help = "a .csv whose first column (or the one named barcode or cell) holds barcodes as the matrix writes "
                   "them; its other columns become obs columns. Empty, NA and NaN are missing"});
      s.field("min_counts", &Settings::min_counts,
              {.help = "barcodes with fewer counts of genes are left out. 0 = none; of an unfiltered matrix, most of "
                       "which is empty droplets, 500 leaves the cells or nearly so",
               .unit = "counts",
               .min = 0});
      s.field("genome", &Settings::genome,
              {.help = "the genes of one genome alone, as the .h5 names it (\"GRCh38\"). A file of Cell Ranger 2 with "
                       "several needs it; unset: all"});
      s.field("any_values", &Settings::any_values,
              {.help = "true takes a matrix that does not look like counts, with a warning (as --force does)"});
    }
  };

  TenxSource(const Settings& settings, const Context& context)
      : file_(open_checked(settings)),
        genes_(choose_genes(*file_, settings.genome, context)),
        values_(judge_values(*file_, genes_)) {
    expect_counts(*file_, values_, settings.any_values, context);
    if (settings.min_counts > 0)
      rows_ = choose_cells(*file_, genes_, settings.min_counts, context);
    else
      warn_of_unfiltered(*file_, genes_, context);
    const auto names = [this](std::int64_t first, std::int64_t count) { return names_of(first, count); };
    warn_of_same_names(size(), names, context.log, "tenx");
    if (settings.labels) labels_ = read_labels(*settings.labels, size(), names, file_->where(), context);
  }

  std::int64_t size() const { return rows_ ? std::ssize(*rows_) : file_->size(); }
  std::shared_ptr<const GeneTable> genes() const { return genes_.table; }
  /// Those of the table of labels.
  std::vector<ColumnInfo> columns() const { return labels_.infos; }

  std::vector<MatrixInfo> matrices() const { return {{file_->matrix_name(), genes_.table->size(), values_, true}}; }

  /// Values as text in order of appearance.
  LabelColumn labels(const std::string& column) const {
    std::string all;
    for (const LabelColumn& one : labels_.columns) {
      if (one.name == column) return one;
      all += (all.empty() ? "" : ", ") + one.name;
    }
    throw InputError(file_->where() + ": no column '" + column + "'; " +
                     (all.empty() ? "a matrix of 10x Genomics has no labels: give a table of them with the key 'labels'"
                                  : "the table of labels has: " + all));
  }

  /// Cells in the order asked for; a row may be named more than once. Memory is that of the cells asked for.
  CellBatch read(std::span<const std::int64_t> rows) const {
    const std::scoped_lock lock(mutex_);
    expect_rows(rows, size(), file_->where());
    std::vector<std::int64_t> in_file(rows.begin(), rows.end());
    if (rows_)
      for (std::int64_t& row : in_file) row = (*rows_)[row];
    CellBatch batch = read_rows(
        in_file, [this](std::int64_t first, std::int64_t count) { return read_genes(*file_, genes_, first, count); });
    batch.names =
        read_names(in_file, [this](std::int64_t first, std::int64_t count) { return file_->barcodes(first, count); });
    batch.genes = genes_.table;
    batch.rows.assign(rows.begin(), rows.end());
    return batch;
  }

 private:
  /// Lets a child process do the same first where HDF5 reads: what would end this process ends the child.
  static std::unique_ptr<CellFile> open_checked(const Settings& settings) {
    const std::filesystem::path path = settings.path;
    std::error_code ignored;
    std::unique_ptr<CellFile> file;
    if (std::filesystem::is_directory(path, ignored)) {
      file = std::make_unique<MarketFolder>(path);
    } else {
      expect_hdf5(path);
      hdf5::rehearse(path, [&] {
        hdf5::rehearse_part([&] { H5File(path, settings.genome); });
        mallopt(M_PERTURB, 0xA5);  // memory that HDF5 should not look at then leads it astray, and that shows
        hdf5::rehearse_part([&] { rehearse_reading(H5File(path, settings.genome)); });
      });
      file = std::make_unique<H5File>(path, settings.genome);
    }
    if (file->size() == 0) throw InputError(file->where() + ": holds no barcodes");
    return file;
  }

  std::vector<std::string> names_of(std::int64_t first, std::int64_t count) const {
    if (!rows_) return file_->barcodes(first, count);
    return read_names(std::span(*rows_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                      [this](std::int64_t begin, std::int64_t n) { return file_->barcodes(begin, n); });
  }

  mutable std::mutex mutex_;
  std::unique_ptr<CellFile> file_;
  ChosenGenes genes_;
  ValueJudgement values_;
  std::optional<std::vector<std::int64_t>> rows_;  ///< of the file, where some are left out
  ObsTable labels_;
};

}  // namespace cell2text::tenx
