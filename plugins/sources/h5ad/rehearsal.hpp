// What a child process reads before the source itself does, so that a damaged file ends only the child.
#pragma once

#include <algorithm>
#include <string>

#include "cell2text/io/anndata.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "choose_counts.hpp"

namespace cell2text::h5ad {

namespace detail {

inline void rehearse_frame(const hdf5::Group& root, const std::string& name) {
  hdf5::rehearse_part([&] {
    const anndata::DataFrame frame(root, name);
    constexpr std::int64_t step = 1 << 16;
    for (std::int64_t first = 0; first < frame.size(); first += step)
      hdf5::rehearse_part([&] { frame.index(first, std::min(step, frame.size() - first)); });
    for (const std::string& column : frame.columns()) {
      hdf5::rehearse_part([&] { frame.type(column); });
      hdf5::rehearse_part([&] { frame.labels(column); });
      hdf5::rehearse_part([&] { frame.numbers(column); });
    }
  });
}

inline void rehearse_matrix(const hdf5::Group& root, const std::string& name) {
  hdf5::rehearse_part([&] {
    const Matrix matrix = open_matrix(root, name, anndata::DataFrame(root, "obs").size());
    sample(matrix);
    constexpr std::int64_t read_whole = std::int64_t{16} << 20, step = std::int64_t{1} << 20;  // values
    if (matrix.stored() > read_whole) return;
    for (std::int64_t first = 0; first < matrix.major();) {
      const std::int64_t count = matrix.entries_within(first, step);
      hdf5::rehearse_part([&] { matrix.read(first, count); });
      first += count;
    }
  });
}

}  // namespace detail

/// To be run in a child process. Reads names, all of obs and var, and every matrix that may be chosen (large ones by a
/// sample).
inline void rehearse_reading(const hdf5::Group& root) {
  hdf5::rehearse_part([&] { detail::list_matrices(root); });
  for (const char* frame : {"obs", "var", "raw/var"})
    if (root.has_link("raw") || std::string(frame) != "raw/var") detail::rehearse_frame(root, frame);
  for (const char* matrix : {"raw/X", "X"}) detail::rehearse_matrix(root, matrix);
  hdf5::rehearse_part([&] {
    for (const std::string& layer : root.group("layers").names()) detail::rehearse_matrix(root, "layers/" + layer);
  });
}

}  // namespace cell2text::h5ad
