// Parts of an array that its file holds byte for byte as memory does: nothing done to them, in one piece or in chunks.
// They are read from where they lie, so that no call of HDF5 stands between a few cells and the page cache. Knows
// nothing of types; which arrays may be read so, hdf5.hpp decides.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cell2text/io/hdf5_object.hpp"

namespace cell2text::hdf5 {

/// Finds the bytes of an open array by HDF5's own description of it, and reads them through HDF5's own file descriptor.
/// The array must outlive it, and be read by one thread at a time, as HDF5 asks.
class PlainBytes {
 public:
  /// Nothing where HDF5 must be asked for the values: with a filter, in another file, in a file that is open for
  /// writing (what was written may not be there yet) or begins with a user block; or in so many chunks that finding
  /// them, for which HDF5 1.10 goes through all of them each time, would take longer than it saves. `plan` is the
  /// array's property list of creation, `rows` its length and `row_bytes` the bytes of all values of one place on the
  /// first axis.
  static std::optional<PlainBytes> find(hid_t array, hid_t plan, std::int64_t rows, std::size_t row_bytes, int axes) {
    silence();
    PlainBytes found(array, row_bytes);
    if (rows <= 0 || row_bytes == 0 || H5Pget_nfilters(plan) != 0 || H5Pget_external_count(plan) != 0) return {};
    const H5D_layout_t layout = H5Pget_layout(plan);
    if (layout == H5D_CONTIGUOUS) {
      found.chunk_rows_ = rows;
      found.places_ = {H5Dget_offset(array)};
      if (found.places_.front() == HADDR_UNDEF) return {};
    } else if (layout == H5D_CHUNKED && axes == 1) {
      hsize_t chunk = 0;
      if (H5Pget_chunk(plan, 1, &chunk) != 1 || chunk == 0 || chunk > static_cast<hsize_t>(rows)) return {};
      found.chunk_rows_ = static_cast<std::int64_t>(chunk);
      const std::int64_t chunks = (rows - 1) / found.chunk_rows_ + 1;
      if (chunks > found.chunk_rows_ / 8) return {};
      found.places_.assign(static_cast<std::size_t>(chunks), not_asked);
    } else {
      return {};
    }
    found.descriptor_ = descriptor_of(array);
    if (found.descriptor_ < 0) return {};
    return found;
  }

  enum class Outcome {
    done,
    ask_hdf5,  ///< a chunk that was never written, a damaged index, a disk that fails: it knows what to give or to say
    cut_short  ///< the file has been cut since it was opened, of which HDF5 1.10 makes zeros
  };

  /// Rows first .. first+count-1, which the array has. Where they are not there, `out` may have changed all the same.
  Outcome read(std::int64_t first, std::int64_t count, void* out) const {
    auto* to = static_cast<std::byte*>(out);
    for (const std::int64_t end = first + count; first < end;) {
      const std::int64_t within = first % chunk_rows_, rows = std::min(chunk_rows_ - within, end - first);
      const haddr_t chunk = place_of(first / chunk_rows_);
      const std::size_t bytes = static_cast<std::size_t>(rows) * row_bytes_;
      if (chunk == HADDR_UNDEF) return Outcome::ask_hdf5;
      const Outcome outcome = read_at(chunk + static_cast<haddr_t>(within) * row_bytes_, bytes, to);
      if (outcome != Outcome::done) return outcome;
      first += rows, to += bytes;
    }
    return Outcome::done;
  }

 private:
  static constexpr haddr_t not_asked = HADDR_UNDEF - 1;

  PlainBytes(hid_t array, std::size_t row_bytes) : array_(array), row_bytes_(row_bytes) {}

  static int descriptor_of(hid_t array) {
    const Handle file(H5Iget_file_id(array));
    unsigned intent = H5F_ACC_RDWR;
    if (file.id() < 0 || H5Fget_intent(file.id(), &intent) < 0 || (intent & H5F_ACC_RDWR) != 0) return -1;
    const Handle access(H5Fget_access_plist(file.id())), creation(H5Fget_create_plist(file.id()));
    hsize_t user_block = 1;
    if (access.id() < 0 || creation.id() < 0 || H5Pget_driver(access.id()) != H5FD_SEC2 ||
        H5Pget_userblock(creation.id(), &user_block) < 0 || user_block != 0)
      return -1;
    void* descriptor = nullptr;
    if (H5Fget_vfd_handle(file.id(), H5P_DEFAULT, &descriptor) < 0 || descriptor == nullptr) return -1;
    return *static_cast<const int*>(descriptor);
  }

  haddr_t place_of(std::int64_t chunk) const {
    haddr_t& place = places_[static_cast<std::size_t>(chunk)];
    if (place == not_asked) {
      silence();
      const auto first = static_cast<hsize_t>(chunk * chunk_rows_);
      unsigned left_out = 0;
      hsize_t bytes = 0;
      if (H5Dget_chunk_info_by_coord(array_, &first, &left_out, &place, &bytes) < 0) place = HADDR_UNDEF;
      if (bytes != static_cast<hsize_t>(chunk_rows_) * row_bytes_) place = HADDR_UNDEF;
    }
    return place;
  }

  Outcome read_at(haddr_t place, std::size_t bytes, std::byte* to) const {
    while (bytes > 0) {
      const ssize_t got = ::pread(descriptor_, to, bytes, static_cast<off_t>(place));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got == 0 ? Outcome::cut_short : Outcome::ask_hdf5;
      place += static_cast<haddr_t>(got), to += got, bytes -= static_cast<std::size_t>(got);
    }
    return Outcome::done;
  }

  hid_t array_;
  std::size_t row_bytes_;
  int descriptor_ = -1;
  std::int64_t chunk_rows_ = 1;
  mutable std::vector<haddr_t> places_;  ///< of the chunks; of those that were needed so far
};

}  // namespace cell2text::hdf5
