// Opening an HDF5 file that other programs may be writing to.
#pragma once

#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "cell2text/io/hdf5.hpp"
#include "cell2text/io/input_file.hpp"

namespace cell2text::hdf5 {

/// HDF5's own switch: with FALSE (or 0) no program that uses the library asks for locks.
inline bool locks_are_off() {
  const char* value = std::getenv("HDF5_USE_FILE_LOCKING");
  return value && (std::string_view(value) == "FALSE" || std::string_view(value) == "0");
}

/// Whether a program has the file open for writing. A disk that knows no locks cannot tell, and is believed.
inline bool is_open_for_writing(const InputFile& file) {
  if (locks_are_off()) return false;
  if (::flock(file.descriptor(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(file.descriptor(), LOCK_UN);
  return false;
}

/// InputError where a program has the file open for writing: what stands in it now may be half of something.
inline void refuse_locked(const InputFile& file) {
  if (is_open_for_writing(file))
    throw InputError(file.path().string() +
                     ": another program has it open for writing (a notebook, perhaps), so that it may be half "
                     "written. Close it there (in Python: adata.file.close()) and run again; "
                     "HDF5_USE_FILE_LOCKING=FALSE in the environment reads it as it stands");
}

/// InputError where `output`, which is to be replaced, is there and open for writing in another program.
inline void refuse_locked_output(const std::filesystem::path& output) {
  std::error_code unknown;
  if (std::filesystem::is_regular_file(output, unknown) && is_open_for_writing(InputFile(output)))
    throw InputError("cannot write " + output.string() +
                     ": another program has it open for writing (a notebook, perhaps). Close it there (in Python: "
                     "adata.file.close()) and run again, or choose another name");
}

/// Opens; says what to do where the file carries HDF5's mark of a writer.
inline Group open_unmarked(const std::filesystem::path& path) {
  try {
    return Group::open_file(path);
  } catch (const InputError& error) {
    if (std::string_view(error.what()).find("already open for") == std::string_view::npos) throw;
    throw InputError(path.string() +
                     ": is marked as open for writing: a program is writing to it, or ended before it was done. Close "
                     "it there; where no program has it open, take the mark off with h5clear -s '" +
                     path.string() + "' (from the HDF5 tools), or copy the file again");
  }
}

/// Whether HDF5's signature stands at 0, or after a user block of 512, 1024, 2048, ... bytes, of `head`, the first
/// bytes of a file.
inline bool has_signature(std::string_view head) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n", 8);
  for (std::size_t at = 0; at + signature.size() <= head.size(); at = at ? at * 2 : 512)
    if (head.substr(at, signature.size()) == signature) return true;
  return false;
}

/// The first bytes of a file, enough for its signature.
inline std::string head_of(const InputFile& file) {
  std::string head(1 << 20, '\0');
  head.resize(file.read_at(0, std::as_writable_bytes(std::span(head))));
  return head;
}

}  // namespace cell2text::hdf5
