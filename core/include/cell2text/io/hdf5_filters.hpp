// Compression of HDF5 datasets: names the filters that are missing, and brings LZF, which h5py
// (and so anndata) offers beside gzip but the C library does not.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace cell2text::hdf5 {

inline constexpr H5Z_filter_t lzf_filter_id = 32000;

/// The name of a registered HDF5 filter that AnnData files are met with, or "number N".
inline std::string filter_name(H5Z_filter_t id) {
  switch (id) {
    case H5Z_FILTER_DEFLATE:
      return "gzip";
    case H5Z_FILTER_SZIP:
      return "szip";
    case 307:
      return "bzip2";
    case lzf_filter_id:
      return "lzf";
    case 32001:
      return "blosc";
    case 32004:
      return "lz4";
    case 32008:
      return "bitshuffle";
    case 32013:
      return "zfp";
    case 32015:
      return "zstd";
    case 32026:
      return "blosc2";
    default:
      return "number " + std::to_string(id);
  }
}

/// Decodes LZF (Marc Lehmann's format: literal runs and back references). Returns the number of
/// bytes written, -1 where the input is damaged, -2 where the output does not fit `capacity`.
inline std::int64_t lzf_decode(const std::uint8_t* in, std::size_t in_size, std::uint8_t* out, std::size_t capacity) {
  std::size_t at = 0, written = 0;
  while (at < in_size) {
    const std::size_t control = in[at++];
    if (control < 32) {  // control + 1 literal bytes
      const std::size_t count = control + 1;
      if (count > in_size - at) return -1;
      if (count > capacity - written) return -2;
      for (std::size_t i = 0; i < count; ++i) out[written++] = in[at++];
      continue;
    }
    std::size_t count = control >> 5;
    if (count == 7) {  // the length goes on in the next byte
      if (at >= in_size) return -1;
      count += in[at++];
    }
    count += 2;
    if (at >= in_size) return -1;
    const std::size_t distance = ((control & 31) << 8 | in[at++]) + 1;
    if (distance > written) return -1;
    if (count > capacity - written) return -2;
    for (std::size_t i = 0; i < count; ++i, ++written) out[written] = out[written - distance];
  }
  return static_cast<std::int64_t>(written);
}

namespace detail {

/// The decoder as HDF5 calls it. h5py stores the size of a decoded chunk as the third parameter, but half
/// of it where the values are texts; so the room grows until the output fits, as far as LZF can expand.
inline std::size_t lzf_filter(unsigned flags, std::size_t parameter_count, const unsigned parameters[],
                              std::size_t size, std::size_t* buffer_size, void** buffer) {
  if (flags & H5Z_FLAG_REVERSE) {  // nothing is ever written with it
    std::size_t capacity = parameter_count >= 3 && parameters[2] > 0 ? parameters[2] : size;
    for (; capacity / 200 <= size; capacity *= 2) {
      void* out = H5allocate_memory(capacity, false);
      if (!out) return 0;
      const auto written =
          lzf_decode(static_cast<const std::uint8_t*>(*buffer), size, static_cast<std::uint8_t*>(out), capacity);
      if (written > 0) {
        H5free_memory(*buffer);
        *buffer = out;
        *buffer_size = capacity;
        return static_cast<std::size_t>(written);
      }
      H5free_memory(out);
      if (written != -2) return 0;
    }
  }
  return 0;
}

}  // namespace detail

/// Makes LZF readable in this process. Called again it only replaces the entry by this library's
/// own function, so that no entry outlives the library it points into while a file is being read.
inline bool register_lzf() {
  static constexpr H5Z_class2_t filter = {H5Z_CLASS_T_VERS, lzf_filter_id,     0, 1, "lzf", nullptr,
                                          nullptr,          detail::lzf_filter};
  return H5Zregister(&filter) >= 0;
}

}  // namespace cell2text::hdf5
