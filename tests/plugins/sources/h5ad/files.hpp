// Small .h5ad files made by hand, each fault put in where a test wants it.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "plugins/sources/h5ad/h5ad_source.hpp"
#include "support/hdf5_file.hpp"
#include "support/oracle.hpp"
#include "support/said.hpp"

namespace cell2text::test {

using h5ad::H5adSource;

inline hdf5::Group new_frame(const hdf5::Group& root, const std::string& name, const std::vector<std::string>& index,
                             const std::vector<std::string>& columns = {}) {
  const hdf5::Group frame = hdf5::write_group(root, name);
  hdf5::set_attribute(frame, "_index", std::string("_index"));
  hdf5::set_attribute(frame, "column-order", columns);
  hdf5::write_strings(frame, "_index", index);
  return root.group(name);
}

inline void set_shape(const hdf5::Group& group, std::vector<std::int64_t> shape) {
  hdf5::detail::write_attribute(group, "shape", H5T_NATIVE_INT64, {shape.size()}, shape.data());
}

/// A sparse matrix of three cells and four genes, or what a test makes of it.
struct Sparse {
  std::vector<std::int64_t> shape = {3, 4};
  std::string encoding = "csr_matrix";
  std::vector<double> data = {5, 1, 2, 40, 3};
  std::vector<std::int64_t> indices = {0, 2, 3, 1, 2};
  std::vector<std::int64_t> indptr = {0, 2, 3, 5};
};

inline void write_sparse(const hdf5::Group& parent, const std::string& name, const Sparse& sparse) {
  const hdf5::Group group = hdf5::write_group(parent, name);
  hdf5::set_attribute(group, "encoding-type", sparse.encoding);
  set_shape(group, sparse.shape);
  hdf5::write_numbers(group, "data", sparse.data);
  hdf5::write_numbers(group, "indices", sparse.indices);
  hdf5::write_numbers(group, "indptr", sparse.indptr);
}

inline void write_dense(const hdf5::Group& parent, const std::string& name, const std::vector<double>& values,
                        std::vector<hsize_t> shape = {3, 4}) {
  hdf5::detail::write_dataset(parent, name, H5T_NATIVE_DOUBLE, shape, values.data());
}

inline const std::vector<std::string> cell_names = {"a", "b", "c"};
inline const std::vector<std::string> gene_names = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003.4",
                                                    "ENSG00000000004"};

/// obs and var without columns; `more` adds the rest.
inline std::filesystem::path make_file(const TemporaryFolder& folder,
                                       const std::function<void(const hdf5::Group&)>& more,
                                       const std::string& name = "cells.h5ad") {
  const auto path = folder / name;
  const hdf5::Group root = new_file(path);
  new_frame(root, "obs", cell_names);
  new_frame(root, "var", gene_names);
  more(root);
  hdf5::flush(root);
  return path;
}

inline H5adSource::Settings settings_for(const std::filesystem::path& path) {
  H5adSource::Settings settings;
  settings.path = path.string();
  return settings;
}

inline std::string refusal_of(const std::filesystem::path& path) {
  return refusal([&] { H5adSource(settings_for(path), Context{}); });
}

}  // namespace cell2text::test
