// Opens a path as AnnData. What it is instead, where it is something else, is other_formats.hpp's to say.
#pragma once

#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "cell2text/io/hdf5.hpp"
#include "cell2text/io/input_file.hpp"
#include "other_formats.hpp"

namespace cell2text::h5ad {

namespace detail {

/// HDF5's own switch: with FALSE (or 0) no program that uses the library asks for locks.
inline bool locks_are_off() {
  const char* value = std::getenv("HDF5_USE_FILE_LOCKING");
  return value && (std::string_view(value) == "FALSE" || std::string_view(value) == "0");
}

/// InputError where a program has the file open for writing: what stands in it now may be half of something.
/// A disk that knows no locks cannot tell, and is believed.
inline void refuse_locked(const InputFile& file) {
  if (locks_are_off()) return;
  if (::flock(file.descriptor(), LOCK_SH | LOCK_NB) == 0) {
    ::flock(file.descriptor(), LOCK_UN);
  } else if (errno == EWOULDBLOCK) {
    throw InputError(file.path().string() +
                     ": another program has it open for writing (a notebook, perhaps), so that it may be half "
                     "written. Close it there (in Python: adata.file.close()) and run again; "
                     "HDF5_USE_FILE_LOCKING=FALSE in the environment reads it as it stands");
  }
}

/// Opens; says what to do where the file carries HDF5's mark of a writer.
inline hdf5::Group open_unmarked(const std::filesystem::path& path) {
  try {
    return hdf5::Group::open_file(path);
  } catch (const InputError& error) {
    if (std::string_view(error.what()).find("already open for") == std::string_view::npos) throw;
    throw InputError(path.string() +
                     ": is marked as open for writing: a program is writing to it, or ended before it was done. Close "
                     "it there; where no program has it open, take the mark off with h5clear -s '" +
                     path.string() + "' (from the HDF5 tools), or copy the file again");
  }
}

}  // namespace detail

/// InputError where `path` is no HDF5 file, saying what it is and how it becomes an .h5ad, or where a program is
/// writing to it; EnvironmentError where it may not be read. Looks at the first bytes only.
inline void expect_hdf5(const std::filesystem::path& path) {
  detail::refuse_folder(path);
  const InputFile file(path);
  std::string head(1 << 20, '\0');
  head.resize(file.read_at(0, std::as_writable_bytes(std::span(head))));
  detail::refuse_other_format(path, head);
  detail::refuse_locked(file);
}

/// Opens an .h5ad file for reading and returns its root. InputError as above, and for other kinds of HDF5 file.
inline hdf5::Group open_file(const std::filesystem::path& path) {
  expect_hdf5(path);
  hdf5::Group root = detail::open_unmarked(path);
  detail::refuse_other_hdf5(root);
  return root;
}

}  // namespace cell2text::h5ad
