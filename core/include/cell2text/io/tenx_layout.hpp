// What the matrices of 10x Genomics' Cell Ranger look like from outside. Reading them is the source tenx's business.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cell2text/io/hdf5.hpp"

namespace cell2text::tenx {

/// Whether a folder holds matrix.mtx or matrix.mtx.gz.
inline bool is_matrix_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path / "matrix.mtx", ignored) ||
         std::filesystem::exists(path / "matrix.mtx.gz", ignored);
}

/// Of a folder without matrix.mtx: a folder in it that has one, or a file in it that is one under another name
/// ("sample1_matrix.mtx.gz"); nothing where there is neither.
inline std::optional<std::filesystem::path> matrix_nearby(const std::filesystem::path& folder) {
  std::optional<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool below = entry.is_directory(ignored) && is_matrix_folder(entry.path());
    if (!below && !name.ends_with("matrix.mtx") && !name.ends_with("matrix.mtx.gz")) continue;
    if (!found || entry.path() < *found) found = entry.path();
  }
  return found;
}

/// The groups of an HDF5 file that hold a matrix: "matrix" (since Cell Ranger 3), or one per genome; none where the
/// file is another's. Loom and AnnData files have none.
inline std::vector<std::string> matrix_groups(const hdf5::Group& root) {
  if (root.has("obs")) return {};
  if (root.has("matrix/barcodes")) return {"matrix"};
  std::vector<std::string> genomes;
  for (const std::string& name : root.names())
    if (root.has(name + "/barcodes") && root.has(name + "/indptr")) genomes.push_back(name);
  return genomes;
}

}  // namespace cell2text::tenx
