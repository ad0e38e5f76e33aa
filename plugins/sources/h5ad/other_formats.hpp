// Knows the formats that people have cells in beside .h5ad, and says how each becomes one. Reads no cells.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/hdf5_open.hpp"
#include "cell2text/io/tenx_layout.hpp"

namespace cell2text::h5ad::detail {

/// "PATH: is WHAT; an .h5ad file is needed. HOW"
[[noreturn]] inline void refuse_as(const std::filesystem::path& path, const std::string& what, const std::string& how) {
  throw InputError(path.string() + ": is " + what + "; an .h5ad file is needed. " + how);
}

/// "Convert it in Python: import MODULE; CALL('PATH')MORE.write_h5ad('cells.h5ad')"
inline std::string python_line(const std::filesystem::path& path, const std::string& module, const std::string& call,
                               const std::string& more = "") {
  return "Convert it in Python: import " + module + "; " + call + "('" + path.string() + "')" + more +
         ".write_h5ad('cells.h5ad')";
}

/// Whether the file name ends in one of `endings`, in any case.
inline bool ends_in(const std::filesystem::path& path, const std::vector<std::string>& endings) {
  std::string name = path.filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::any_of(endings, [&](const std::string& ending) { return name.ends_with(ending); });
}

/// What to do with what the source tenx opens.
inline std::string by_tenx(const std::filesystem::path& path) {
  return "The source tenx opens it: source = \"tenx\", path = \"" + path.string() +
         "\" in an experiment file, --source-plugin tenx on the command line";
}

inline void refuse_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return;
  const auto has = [&](const char* name) { return std::filesystem::exists(path / name, ignored); };
  if (path.extension() == ".zarr" || has(".zgroup") || has(".zattrs") || has("zarr.json"))
    refuse_as(path, "a Zarr store", python_line(path, "anndata", "anndata.read_zarr"));
  if (tenx::is_matrix_folder(path)) refuse_as(path, "a folder with a 10x Genomics matrix", by_tenx(path));
  throw InputError(path.string() + ": is a folder; an .h5ad file is needed");
}

inline void refuse_matrix_market(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  refuse_as(path, "a Matrix Market file, the counts without the names of genes and cells",
            "Give its folder, with the genes and barcodes that stand beside the matrix. " + by_tenx(folder));
}

/// `head`: the first bytes of the file.
inline void refuse_other_format(const std::filesystem::path& path, const std::string& head) {
  const std::string name = path.string();
  if (head.empty()) refuse_as(path, "empty", "Copy or download it again");
  refuse_git_lfs_pointer(head, path);
  if (ends_in(path, {".rds", ".rda", ".rdata", ".qs"}) || head.starts_with("RDX") || head.starts_with("X\n"))
    refuse_as(path, "an R object",
              "Convert it in R: zellkonverter::writeH5AD(readRDS('" + name +
                  "'), 'cells.h5ad') for a SingleCellExperiment; a Seurat object first becomes one by "
                  "as.SingleCellExperiment()");
  if (hdf5::has_signature(head)) return;
  if (head.starts_with("%%MatrixMarket") || ends_in(path, {".mtx.gz"})) refuse_matrix_market(path);
  if (ends_in(path, {".csv", ".csv.gz"}))
    refuse_as(path, "a table of text",
              python_line(path, "scanpy", "scanpy.read_csv") + ", with .T before .write_h5ad where its rows are genes");
  if (ends_in(path, {".tsv", ".tsv.gz", ".txt", ".txt.gz", ".tab"}))
    refuse_as(
        path, "a table of text",
        python_line(path, "scanpy", "scanpy.read_text") + ", with .T before .write_h5ad where its rows are genes");
  if (head.starts_with("\x1f\x8b"))
    refuse_as(path, "compressed with gzip as a whole",
              "Unpack it first: gunzip '" + name +
                  "' (compression inside of the file is fine). What R's saveRDS "
                  "wrote looks the same: name it .rds to be told how to convert it");
  if (head.starts_with("PK")) refuse_as(path, "a zip archive", "Unpack it first");
  throw InputError(name +
                   ": is no HDF5 file (it does not start with HDF5's signature); an .h5ad file is needed. "
                   "If it should be one, copy or download it again");
}

/// The modalities of a MuData file, and the line that takes out the one that holds RNA by its usual names.
inline void refuse_mudata(const hdf5::Group& root) {
  const std::vector<std::string> names = root.group("mod").names();
  std::string chosen = names.empty() ? "rna" : names.front(), all;
  for (const std::string& name : names) {
    all += (all.empty() ? "" : ", ") + name;
    if (name == "rna" || name == "gex" || name == "RNA") chosen = name;
  }
  refuse_as(root.file(), "a MuData file (.h5mu) with the modalities " + (all.empty() ? "(none)" : all),
            "Take one out in Python: import mudata; mudata.read_h5mu('" + root.file() + "').mod['" + chosen +
                "'].write_h5ad('cells.h5ad')");
}

inline void refuse_other_hdf5(const hdf5::Group& root) {
  const std::string& name = root.file();
  if (root.has_group("mod")) refuse_mudata(root);
  if (root.has("matrix") && root.has("row_attrs"))
    refuse_as(name, "a Loom file", python_line(name, "anndata", "anndata.io.read_loom"));
  if (root.has("obs")) return;
  if (root.has("assays") && root.has("cell.names"))
    refuse_as(name, "a Seurat file (.h5seurat)",
              "Convert it in R: SeuratDisk::Convert('" + name +
                  "', dest = 'h5ad'), and name its counts with the key 'counts'");
  if (!tenx::matrix_groups(root).empty()) refuse_as(name, "a 10x Genomics matrix", by_tenx(name));
}

}  // namespace cell2text::h5ad::detail
