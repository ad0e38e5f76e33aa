// Cells in LightGBM's own form, in which their features are binned, and what that is made from.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "library.hpp"

namespace cell2text::lightgbm {

/// What trees are trained on: rows of numbers, or where `columns` is set the same in CSR.
struct Features {
  std::int64_t rows = 0, columns = 0;
  std::span<const float> dense;              ///< [rows x columns], row-major; or empty
  std::span<const std::int64_t> row_starts;  ///< CSR; empty where dense
  std::span<const std::int32_t> indices;     ///< of columns
  std::vector<float> values;

  bool sparse() const { return !row_starts.empty(); }
};

/// The encoder's embeddings as they are, or log1p of counts per 10,000. The cells must outlive the result.
inline Features features_of(const BaselineCells& cells) {
  Features out;
  out.rows = cells.size;
  if (cells.embeddings_NE.defined()) {
    expect_shape(cells.embeddings_NE, {cells.size, -1}, "embeddings of a baseline");
    out.columns = cells.embeddings_NE.size(1);
    out.dense = {cells.embeddings_NE.const_data_ptr<float>(), static_cast<std::size_t>(cells.embeddings_NE.numel())};
    return out;
  }
  const CellBatch& batch = cells.counts;
  out.columns = batch.genes ? batch.genes->size() : 0;
  out.row_starts = batch.row_starts, out.indices = batch.columns;
  out.values.reserve(batch.counts.size());
  for (std::int64_t cell = 0; cell < cells.size; ++cell)
    for (const float count : batch.counts_of(cell))
      out.values.push_back(static_cast<float>(std::log1p(1e4 * count / batch.totals[cell])));
  return out;
}

/// LightGBM's form of some cells: one byte for most numbers, in memory of its own. The library must outlive it.
class Dataset {
 public:
  /// `parameters` are those that say how to bin. With `reference` the bins are that one's. EnvironmentError where
  /// LightGBM does not take the cells.
  Dataset(const Library& library, const Features& features, const std::string& parameters, const Dataset* reference)
      : library_(library) {
    const api::Dataset bins = reference ? reference->get() : nullptr;
    const int status = features.sparse()
                           ? library.dataset_create_from_csr(
                                 features.row_starts.data(), api::int64, features.indices.data(),
                                 features.values.data(), api::float32, std::ssize(features.row_starts),
                                 std::ssize(features.values), features.columns, parameters.c_str(), bins, &data_)
                           : library.dataset_create_from_mat(
                                 features.dense.data(), api::float32, static_cast<std::int32_t>(features.rows),
                                 static_cast<std::int32_t>(features.columns), 1, parameters.c_str(), bins, &data_);
    library.check(status, "take the cells");
  }
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;
  ~Dataset() {
    if (data_) library_.dataset_free(data_);
  }

  /// What is true of each row, for the boosters that are made from now on: a class, or 0 and 1.
  void set_truth(const std::vector<float>& truth) const {
    library_.check(
        library_.dataset_set_field(data_, "label", truth.data(), static_cast<int>(truth.size()), api::float32),
        "take the labels");
  }
  api::Dataset get() const { return data_; }

 private:
  const Library& library_;
  api::Dataset data_ = nullptr;
};

/// Training and validation cells in LightGBM's form, made once for all that is learned of the same cells: it keeps
/// those that were asked for last.
class BinnedCells {
 public:
  explicit BinnedCells(std::shared_ptr<const Library> library) : library_(std::move(library)) {}

  const Dataset& train(const std::shared_ptr<const BaselineCells>& cells, const std::string& parameters) {
    if (cells != train_.cells) {
      clear();
      keep(train_, cells, parameters, nullptr);
    }
    return *train_.data;
  }
  /// With the bins of the training cells, which must have been asked for before.
  const Dataset& validation(const std::shared_ptr<const BaselineCells>& cells, const std::string& parameters) {
    if (cells != validation_.cells) keep(validation_, cells, parameters, &*train_.data);
    return *validation_.data;
  }
  void clear() { validation_ = {}, train_ = {}; }

 private:
  struct Part {
    std::shared_ptr<const BaselineCells> cells;  // held, so that no others come to lie in their place
    std::unique_ptr<const Dataset> data;
  };

  void keep(Part& part, const std::shared_ptr<const BaselineCells>& cells, const std::string& parameters,
            const Dataset* reference) {
    part = {};
    part.data = std::make_unique<const Dataset>(*library_, features_of(*cells), parameters, reference);
    part.cells = cells;
  }

  std::shared_ptr<const Library> library_;
  Part train_, validation_;
};

}  // namespace cell2text::lightgbm
