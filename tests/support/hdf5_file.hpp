// An empty HDF5 file, open for writing.
#pragma once

#include <filesystem>

#include "cell2text/io/hdf5_write.hpp"

namespace cell2text::test {

inline hdf5::Group new_file(const std::filesystem::path& path) {
  hdf5::Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  return hdf5::Group::open_file(path, true);
}

}  // namespace cell2text::test
