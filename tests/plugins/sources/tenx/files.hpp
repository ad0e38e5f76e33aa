// Small 10x matrices made by hand, each fault put in where a test wants it.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "plugins/sources/tenx/tenx_source.hpp"
#include "support/hdf5_file.hpp"
#include "support/oracle.hpp"
#include "support/said.hpp"

namespace cell2text::test {

using tenx::TenxSource;

inline std::string packed(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Three barcodes, four features of which the third is an antibody; or what a test makes of it.
struct TenxParts {
  std::vector<std::string> barcodes = {"AAAC-1", "AAAG-1", "AAAT-1"};
  std::vector<std::string> ids = {"ENSG00000000001", "ENSG00000000002", "AB1", "ENSG00000000004"};
  std::vector<std::string> names = {"G1", "G2", "CD3", "G4"};
  std::vector<std::string> types = {"Gene Expression", "Gene Expression", "Antibody Capture", "Gene Expression"};
  std::vector<std::string> genomes = {"GRCh38", "GRCh38", "", "GRCh38"};
  std::vector<std::int64_t> shape = {4, 3};
  std::vector<double> data = {5, 7, 1, 2, 40, 3};
  std::vector<std::int64_t> indices = {0, 2, 3, 1, 0, 3};
  std::vector<std::int64_t> indptr = {0, 3, 4, 6};
};

inline void write_tenx_matrix(const hdf5::Group& group, const TenxParts& parts) {
  hdf5::write_strings(group, "barcodes", parts.barcodes);
  hdf5::write_numbers(group, "data", parts.data);
  hdf5::write_numbers(group, "indices", parts.indices);
  hdf5::write_numbers(group, "indptr", parts.indptr);
  hdf5::write_numbers(group, "shape", parts.shape);
}

/// As Cell Ranger writes since version 3.
inline std::filesystem::path make_v3(const TemporaryFolder& folder, const TenxParts& parts = {},
                                     const std::function<void(const hdf5::Group&)>& change = {}) {
  const auto path = folder / "v3.h5";
  const hdf5::Group root = new_file(path), matrix = hdf5::write_group(root, "matrix");
  write_tenx_matrix(matrix, parts);
  const hdf5::Group features = hdf5::write_group(matrix, "features");
  hdf5::write_strings(features, "id", parts.ids);
  hdf5::write_strings(features, "name", parts.names);
  hdf5::write_strings(features, "feature_type", parts.types);
  hdf5::write_strings(features, "genome", parts.genomes);
  if (change) change(matrix);
  hdf5::flush(root);
  return path;
}

/// As Cell Ranger wrote before, a group for each genome.
inline std::filesystem::path make_v2(const TemporaryFolder& folder, const std::vector<std::string>& genomes,
                                     const TenxParts& parts = {}) {
  const auto path = folder / "v2.h5";
  const hdf5::Group root = new_file(path);
  for (const std::string& genome : genomes) {
    const hdf5::Group group = hdf5::write_group(root, genome);
    write_tenx_matrix(group, parts);
    hdf5::write_strings(group, "genes", parts.ids);
    hdf5::write_strings(group, "gene_names", parts.names);
  }
  hdf5::flush(root);
  return path;
}

/// The texts of a folder; an empty one is not written.
struct FolderParts {
  std::string matrix =
      "%%MatrixMarket matrix coordinate integer general\n%metadata_json: {}\n4 3 6\n1 1 5\n3 1 7\n4 1 1\n2 2 2\n1 3 "
      "40\n4 3 3\n";
  std::string barcodes = "AAAC-1\nAAAG-1\nAAAT-1\n";
  std::string features =
      "ENSG00000000001\tG1\tGene Expression\nENSG00000000002\tG2\tGene Expression\nAB1\tCD3\tAntibody Capture\n"
      "ENSG00000000004\tG4\tGene Expression\n";
};

inline std::filesystem::path make_folder(const TemporaryFolder& folder, const FolderParts& parts = {},
                                         bool gzip = true) {
  const auto path = folder / "matrix";
  std::filesystem::remove_all(path);
  std::filesystem::create_directory(path);
  const auto write = [&](const std::string& name, const std::string& text) {
    if (!text.empty()) write_file(path / (gzip ? name + ".gz" : name), gzip ? packed(text) : text);
  };
  write("matrix.mtx", parts.matrix), write("barcodes.tsv", parts.barcodes), write("features.tsv", parts.features);
  return path;
}

inline TenxSource::Settings tenx_settings(const std::filesystem::path& path) {
  TenxSource::Settings settings;
  settings.path = path.string();
  return settings;
}

/// The message with which opening, or reading every row, is refused.
inline std::string tenx_refusal(const TenxSource::Settings& settings) {
  return refusal([&] {
    TenxSource source(settings, Context{});
    for (std::int64_t row = 0; row < source.size(); ++row) source.read(std::vector<std::int64_t>{row});
  });
}
inline std::string tenx_refusal(const std::filesystem::path& path) {
  return tenx_refusal(tenx_settings(path));
}

}  // namespace cell2text::test
