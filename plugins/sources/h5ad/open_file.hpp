// Opens a path as AnnData, and says what it is instead where it is something else.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "cell2text/error.hpp"
#include "cell2text/io/hdf5.hpp"
#include "cell2text/io/input_file.hpp"

namespace cell2text::h5ad {

namespace detail {

inline std::string read_head(const std::filesystem::path& path, std::size_t size) {
  std::string head(size, '\0');
  head.resize(InputFile(path).read_at(0, std::as_writable_bytes(std::span(head))));
  return head;
}

inline void refuse_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return;
  const auto has = [&](const char* name) { return std::filesystem::exists(path / name, ignored); };
  if (path.extension() == ".zarr" || has(".zgroup") || has(".zattrs") || has("zarr.json"))
    throw InputError(path.string() +
                     ": is a Zarr store; an .h5ad file is needed. Convert it in Python: "
                     "import anndata; anndata.read_zarr('" +
                     path.string() + "').write_h5ad('cells.h5ad')");
  throw InputError(path.string() + ": is a folder; an .h5ad file is needed");
}

/// The signature stands at 0, or after a user block of 512, 1024, 2048, ... bytes.
inline bool has_signature(const std::string& head) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n", 8);
  for (std::size_t at = 0; at + signature.size() <= head.size(); at = at ? at * 2 : 512)
    if (std::string_view(head).substr(at, signature.size()) == signature) return true;
  return false;
}

inline void refuse_other_format(const std::filesystem::path& path, const std::string& head) {
  const std::string name = path.string(), extension = path.extension().string();
  if (head.empty()) throw InputError(name + ": is empty; an .h5ad file is needed. Copy or download it again");
  refuse_git_lfs_pointer(head, path);
  if (extension == ".rds" || extension == ".RDS" || extension == ".rda" || extension == ".RData" || extension == ".qs")
    throw InputError(
        name +
        ": is an R object; an .h5ad file is needed. Convert it in R: zellkonverter::writeH5AD(x, "
        "'cells.h5ad'), where x is a SingleCellExperiment (of a Seurat object: as.SingleCellExperiment(x))");
  if (has_signature(head)) return;
  if (head.starts_with("\x1f\x8b"))
    throw InputError(name + ": is compressed with gzip as a whole; an .h5ad file is needed. Unpack it first: gunzip '" +
                     name + "' (compression inside of the file is fine)");
  if (head.starts_with("PK")) throw InputError(name + ": is a zip archive; an .h5ad file is needed. Unpack it first");
  throw InputError(name +
                   ": is no HDF5 file (it does not start with HDF5's signature); an .h5ad file is needed. "
                   "If it should be one, copy or download it again");
}

inline void refuse_other_hdf5(const hdf5::Group& root) {
  const std::string& name = root.file();
  if (root.has_group("mod"))
    throw InputError(name +
                     ": is a MuData file (.h5mu) with several modalities; an .h5ad file is needed. Take one out in "
                     "Python: import mudata; mudata.read_h5mu('" +
                     name + "').mod['rna'].write_h5ad('cells.h5ad')");
  if (root.has("matrix") && root.has("row_attrs"))
    throw InputError(name +
                     ": is a Loom file; an .h5ad file is needed. Convert it in Python: import anndata; "
                     "anndata.io.read_loom('" +
                     name + "').write_h5ad('cells.h5ad')");
  if (root.has("matrix/barcodes"))
    throw InputError(name +
                     ": is a 10x Genomics matrix; an .h5ad file is needed. Convert it in Python: import scanpy; "
                     "scanpy.read_10x_h5('" +
                     name + "').write_h5ad('cells.h5ad')");
}

}  // namespace detail

/// InputError where `path` is no HDF5 file, saying what it is and how it becomes an .h5ad; EnvironmentError
/// where it may not be read. Looks at the first bytes only.
inline void expect_hdf5(const std::filesystem::path& path) {
  detail::refuse_folder(path);
  detail::refuse_other_format(path, detail::read_head(path, 1 << 20));
}

/// Opens an .h5ad file for reading and returns its root. InputError as above, and for other kinds of HDF5 file.
inline hdf5::Group open_file(const std::filesystem::path& path) {
  expect_hdf5(path);
  hdf5::Group root = hdf5::Group::open_file(path);
  detail::refuse_other_hdf5(root);
  return root;
}

}  // namespace cell2text::h5ad
