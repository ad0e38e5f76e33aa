// Cell Ranger's .h5: one group per genome (before version 3), or the group "matrix" with a table of features.
// Layout: https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-h5-matrices
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/compressed_matrix.hpp"
#include "cell2text/io/hdf5_open.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "cell2text/io/tenx_layout.hpp"
#include "cell_file.hpp"

namespace cell2text::tenx {

/// InputError where a file is no HDF5 file, or a program is writing to it.
inline void expect_hdf5(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string head = hdf5::head_of(file), name = path.filename().string();
  refuse_git_lfs_pointer(head, path);
  if (hdf5::has_signature(head)) return hdf5::refuse_locked(file);
  if (name.ends_with(".mtx") || name.ends_with(".mtx.gz") || head.starts_with("%%MatrixMarket"))
    throw InputError(path.string() +
                     ": is a Matrix Market file; give the folder that it is in, with the genes and "
                     "barcodes beside it");
  throw InputError(path.string() +
                   ": is no HDF5 file (it does not start with HDF5's signature); Cell Ranger's .h5 is "
                   "needed, or a folder with matrix.mtx. If it should be one, copy or download it again");
}

/// Reads the file piece by piece; keeps 8 bytes per barcode, and the features. InputError, naming file and object,
/// where it is no such file, or damaged.
class H5File : public CellFile {
 public:
  /// `genome`: the group to take; it must be given where there are several. In a file with one table of features the
  /// table names the genomes, and who reads it chooses.
  H5File(const std::filesystem::path& path, const std::optional<std::string>& genome)
      : group_(choose_group(open(path), genome)),
        where_(group_.where()),
        name_(group_.path()),
        features_(read_features(group_)),
        barcodes_(group_.dataset("barcodes")) {
    expect_shape();
    matrix_ = hdf5::CompressedMatrix(group_, barcodes_.length(), features_.size(), "row");
  }

  const std::string& where() const override { return where_; }
  const std::string& matrix_name() const override { return name_; }
  const FeatureTable& features() const override { return features_; }
  const std::vector<std::int64_t>& starts() const override { return matrix_.starts(); }
  RowBlock read(std::int64_t first, std::int64_t count) const override { return matrix_.read(first, count); }
  std::vector<std::string> barcodes(std::int64_t first, std::int64_t count) const override {
    return barcodes_.read_strings(first, count);
  }

 private:
  static hdf5::Group open(const std::filesystem::path& path) {
    hdf5::Group root = hdf5::open_unmarked(path);
    if (!matrix_groups(root).empty()) return root;
    if (root.has("obs"))
      throw InputError(path.string() +
                       ": is an AnnData file, no matrix of 10x Genomics. The source h5ad opens it: "
                       "source = \"h5ad\" in an experiment file, --source-plugin h5ad on the command line");
    throw InputError(path.string() +
                     ": holds no matrix of 10x Genomics: neither 'matrix' nor a genome with 'barcodes' "
                     "and 'indptr'. A file like Cell Ranger's filtered_feature_bc_matrix.h5 is expected");
  }

  static hdf5::Group choose_group(const hdf5::Group& root, const std::optional<std::string>& genome) {
    const std::vector<std::string> groups = matrix_groups(root);
    if (groups.front() == "matrix") return root.group("matrix");
    std::string list;
    for (const std::string& name : groups) list += (list.empty() ? "" : ", ") + name;
    if (!genome && groups.size() > 1)
      throw InputError(root.file() + ": holds a matrix for each of the genomes " + list + "; choose one: genome = \"" +
                       groups.front() + "\" (on the command line: --source genome=" + groups.front() + ")");
    if (genome && std::ranges::find(groups, *genome) == groups.end())
      throw InputError(root.file() + ": holds no matrix for the genome '" + *genome +
                       "' (key 'genome'); it has: " + list);
    return root.group(genome.value_or(groups.front()));
  }

  static std::vector<std::string> texts(const hdf5::Group& group, const std::string& name) {
    const hdf5::Dataset data = group.dataset(name);
    return data.read_strings(0, data.expect_vector().length());
  }

  static FeatureTable read_features(const hdf5::Group& group) {
    FeatureTable all;
    if (!group.has_group("features")) {
      all.ids = texts(group, "genes"), all.names = texts(group, "gene_names");
      all.genomes.assign(all.ids.size(), group.path());
    } else {
      const hdf5::Group table = group.group("features");
      // A matrix of probes has an id for each probe, and that of its gene beside it.
      all.ids = texts(table, table.has_dataset("gene_id") ? "gene_id" : "id");
      all.names = texts(table, "name");
      if (table.has_dataset("feature_type")) all.types = texts(table, "feature_type");
      if (table.has_dataset("genome")) all.genomes = texts(table, "genome");
    }
    const auto expect = [&](const std::vector<std::string>& column, const char* name) {
      if (!column.empty() && column.size() != all.ids.size())
        group.fail(std::string("has ") + std::to_string(column.size()) + " " + name + "; the ids are " +
                   std::to_string(all.ids.size()) + ". The file is damaged");
    };
    expect(all.names, "names"), expect(all.types, "feature types"), expect(all.genomes, "genomes");
    if (all.names.empty()) all.names = all.ids;
    return all;
  }

  void expect_shape() const {
    if (barcodes_.expect_vector().type() != hdf5::Dataset::Type::text) barcodes_.fail("holds no text");
    const hdf5::Dataset data = group_.dataset("shape");
    if (data.expect_vector().length() != 2)
      data.fail("has " + std::to_string(data.length()) + " values; expected 2: features and barcodes");
    const std::vector<std::int64_t> shape = data.read_all<std::int64_t>();
    if (shape[0] == features_.size() && shape[1] == barcodes_.length()) return;
    data.fail("is " + std::to_string(shape[0]) + " x " + std::to_string(shape[1]) + "; there are " +
              std::to_string(features_.size()) + " features and " + std::to_string(barcodes_.length()) +
              " barcodes. The file is damaged");
  }

  hdf5::Group group_;
  std::string where_, name_;
  FeatureTable features_;
  hdf5::Dataset barcodes_;
  hdf5::CompressedMatrix matrix_;
};

/// To be run in a child process: reads names and counts (of a large matrix the first), so that a file that makes HDF5
/// crash ends only the child.
inline void rehearse_reading(const H5File& file) {
  constexpr std::int64_t step = 1 << 16, values = std::int64_t{1} << 20, most = std::int64_t{16} << 20;
  for (std::int64_t first = 0; first < file.size(); first += step)
    hdf5::rehearse_part([&] { file.barcodes(first, std::min(step, file.size() - first)); });
  for (std::int64_t first = 0; first < file.size() && file.starts()[first] < most;) {
    const std::int64_t count = rows_within(file.starts(), first, values);
    hdf5::rehearse_part([&] { file.read(first, count); });
    first += count;
  }
}

}  // namespace cell2text::tenx
