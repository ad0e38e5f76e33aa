// Opens a path as AnnData. What it is instead, where it is something else, is other_formats.hpp's to say.
#pragma once

#include <filesystem>
#include <string>

#include "cell2text/io/hdf5_open.hpp"
#include "other_formats.hpp"

namespace cell2text::h5ad {

/// InputError where `path` is no HDF5 file, saying what it is and how it becomes an .h5ad, or where a program is
/// writing to it; EnvironmentError where it may not be read. Looks at the first bytes only.
inline void expect_hdf5(const std::filesystem::path& path) {
  detail::refuse_folder(path);
  const InputFile file(path);
  detail::refuse_other_format(path, hdf5::head_of(file));
  hdf5::refuse_locked(file);
}

/// Opens an .h5ad file for reading and returns its root. InputError as above, and for other kinds of HDF5 file.
inline hdf5::Group open_file(const std::filesystem::path& path) {
  expect_hdf5(path);
  hdf5::Group root = hdf5::open_unmarked(path);
  detail::refuse_other_hdf5(root);
  return root;
}

}  // namespace cell2text::h5ad
