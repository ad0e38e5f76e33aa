// Writes an .h5ad file again with more obs columns, matrices in obsm and entries in uns; all else stays byte for byte
// what it was, because the file is copied as a whole and only then added to.
// Makes no .h5ad from nothing, and changes no column unless told to.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/io/anndata.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/hdf5_write.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/io/obs_column.hpp"
#include "cell2text/text/words.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

/// A matrix to add to obsm, a row per cell: `rows(first, values)` fills the values of cells from `first` on, row by
/// row; it is asked for blocks, in order.
struct ObsmMatrix {
  std::string name;
  std::int64_t width = 0;
  std::function<void(std::int64_t first, std::span<float> values)> rows;
};

/// What a copy gets that its original does not have.
struct H5adAdditions {
  std::vector<ObsColumn> obs;
  std::vector<ObsmMatrix> obsm;
  std::vector<Entry>
      uns;  ///< tables become dicts; booleans, numbers, texts and lists of one of these stay what they are
  bool overwrite = false;     ///< replace columns and uns entries of the same name
  ObsBlocks obs_blocks = {};  ///< further columns, where they are many

  /// Names of all columns.
  std::vector<std::string> columns() const {
    std::vector<std::string> names;
    for (const auto* some : {&obs, &obs_blocks.columns})
      for (const ObsColumn& column : *some) names.push_back(column.name);
    return names;
  }
};

namespace h5ad_writer_detail {

inline void check_value(const Value& value, const std::string& where) {
  if (const auto* text = value.get_if<std::string>()) check_text(*text, where);
  if (const auto* list = value.get_if<Value::Array>()) {
    for (const Value& item : *list) {
      const bool plain = !item.is_table() && !item.get_if<Value::Array>();
      if (!plain || item.data.index() != list->front().data.index())
        throw InputError(where + ": a list in uns holds values of one plain type; this one mixes or nests them");
      check_value(item, where);
    }
  }
  if (const auto* table = value.get_if<Value::Table>()) {
    std::unordered_set<std::string> known;
    for (const Entry& entry : *table) {
      check_name(entry.key, where);
      if (!known.insert(entry.key).second) throw InputError(where + ": the key '" + entry.key + "' occurs twice");
      check_value(entry.value, where + "/" + entry.key);
    }
  }
}

template <class T, class As = T>
std::vector<As> items(const Value::Array& list) {
  std::vector<As> all;
  for (const Value& item : list) all.push_back(static_cast<As>(*item.get_if<T>()));
  return all;
}

inline void write_list(const hdf5::Group& group, const std::string& name, const Value::Array& list) {
  if (!list.empty() && list.front().get_if<std::string>())
    return set_encoding(hdf5::write_strings(group, name, items<std::string>(list)), "string-array", "0.2.0");
  if (!list.empty() && list.front().get_if<bool>())
    return set_encoding(hdf5::write_booleans(group, name, items<bool, std::int8_t>(list)), "array", "0.2.0");
  if (!list.empty() && list.front().get_if<std::int64_t>())
    return set_encoding(hdf5::write_numbers(group, name, items<std::int64_t>(list)), "array", "0.2.0");
  set_encoding(hdf5::write_numbers(group, name, items<double>(list)), "array", "0.2.0");
}

inline void write_value(const hdf5::Group& group, const std::string& name, const Value& value) {
  if (const auto* table = value.get_if<Value::Table>()) {
    const hdf5::Group made = hdf5::write_group(group, name);
    set_encoding(made, "dict", "0.1.0");
    for (const Entry& entry : *table) write_value(made, entry.key, entry.value);
  } else if (const auto* list = value.get_if<Value::Array>()) {
    write_list(group, name, *list);
  } else if (const auto* text = value.get_if<std::string>()) {
    set_encoding(hdf5::write_string(group, name, *text), "string", "0.2.0");
  } else if (const auto* truth = value.get_if<bool>()) {
    set_encoding(hdf5::write_boolean(group, name, *truth), "numeric-scalar", "0.2.0");
  } else if (const auto* whole = value.get_if<std::int64_t>()) {
    set_encoding(hdf5::write_number(group, name, *whole), "numeric-scalar", "0.2.0");
  } else {
    set_encoding(hdf5::write_number(group, name, *value.get_if<double>()), "numeric-scalar", "0.2.0");
  }
}

/// At least the bytes that HDF5 will take for the additions: values, 48 bytes around each text, and its own tables.
inline std::uint64_t room_for(const H5adAdditions& additions, std::int64_t cells) {
  std::uint64_t bytes = (1 << 20) + (64 << 10) * additions.uns.size();
  for (const ObsmMatrix& matrix : additions.obsm)
    bytes += sizeof(float) * static_cast<std::uint64_t>(matrix.width) * static_cast<std::uint64_t>(cells);
  const auto texts = [&](const std::vector<std::string>& all) {
    for (const std::string& text : all) bytes += text.size() + 48;
  };
  const auto add = [&](const ObsColumn& column) {
    bytes += (64 << 10) + 8 * static_cast<std::uint64_t>(cells);
    if (const auto* labels = std::get_if<LabelColumn>(&column.values)) texts(labels->values);
    if (const auto* all = std::get_if<std::vector<std::string>>(&column.values)) texts(*all);
  };
  std::ranges::for_each(additions.obs, add);
  std::ranges::for_each(additions.obs_blocks.columns, add);
  for (const ObsColumn& column : additions.obs_blocks.columns)
    if (std::holds_alternative<std::vector<std::string>>(column.values))
      bytes += 48 * static_cast<std::uint64_t>(cells);
  return bytes + additions.obs_blocks.text_bytes;
}

[[noreturn]] inline void fail_for_room(const std::filesystem::path& output, int reason, std::uint64_t bytes) {
  throw EnvironmentError("cannot write " + output.string() + ": " + std::generic_category().message(reason) + "; " +
                         std::to_string((bytes >> 20) + 1) + " MiB are needed in its folder");
}

/// Asks for all of the disk that a file will take: HDF5 1.10 does not survive a disk that fills up while it writes.
inline void take_room(int file, std::uint64_t bytes, const std::filesystem::path& output) {
  if (::fallocate(file, 0, 0, static_cast<off_t>(bytes)) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
    fail_for_room(output, errno, bytes);
}
inline void take_room(const std::filesystem::path& file, std::uint64_t bytes, const std::filesystem::path& output) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail_for_room(output, errno, bytes);
  const std::shared_ptr<const void> closed(nullptr, [descriptor](const void*) { ::close(descriptor); });
  take_room(descriptor, bytes, output);
}

/// Copies `from` to the new file `to`, which will be `output` and `room` bytes larger.
inline void copy_bytes(const std::filesystem::path& from, const std::filesystem::path& to, std::uint64_t room,
                       const std::filesystem::path& output) {
  const InputFile in(from);
  const int out = ::open(to.c_str(), O_WRONLY | O_CLOEXEC);
  if (out < 0) fail_for_room(output, errno, in.size() + room);
  const std::shared_ptr<const void> closed(nullptr, [out](const void*) { ::close(out); });
  take_room(out, in.size() + room, output);
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::uint64_t at = 0;;) {
    const std::size_t got = in.read_at(at, buffer);
    if (got == 0) break;
    for (std::size_t done = 0; done < got;) {
      const ssize_t written = ::write(out, buffer.data() + done, got - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail_for_room(output, written < 0 ? errno : ENOSPC, in.size() + room);
      done += static_cast<std::size_t>(written);
    }
    at += got;
  }
}

/// InputError where a column is unfit, of another length, or given twice.
inline void check_columns(const H5adAdditions& additions, const anndata::DataFrame& obs, const std::string& file) {
  for (const ObsColumn& column : additions.obs) check_column(column, column.size(), obs, file);
  for (const ObsColumn& column : additions.obs_blocks.columns) check_column(column, obs.size(), obs, file);
  std::unordered_set<std::string> known;
  for (const std::string& name : additions.columns())
    if (!known.insert(name).second) throw InputError(file + ": new obs column '" + name + "' is given twice");
}

inline void add_to_obs(const hdf5::Group& root, const H5adAdditions& additions, const std::string& file) {
  const std::vector<std::string> names = additions.columns();
  if (names.empty()) return;
  const anndata::DataFrame obs(root, "obs");
  std::vector<std::string> order = obs.columns();
  for (const std::string& name : names) {
    if (obs.group().has_link(name)) hdf5::remove(obs.group(), name);
    const std::string old_categories = "__categories/" + name;  // of anndata 0.7
    if (obs.group().has(old_categories)) hdf5::remove(obs.group(), old_categories);
    if (std::ranges::find(order, name) == order.end()) order.push_back(name);
  }
  for (const ObsColumn& column : additions.obs) write_column(obs.group(), column);
  if (!additions.obs_blocks.columns.empty()) write_blocks(obs.group(), additions.obs_blocks, obs.size(), file);
  hdf5::set_attribute(obs.group(), "column-order", order);
}

inline void add_to_obsm(const hdf5::Group& root, const std::vector<ObsmMatrix>& matrices, std::int64_t cells) {
  if (matrices.empty()) return;
  if (!root.has_group("obsm")) set_encoding(hdf5::write_group(root, "obsm"), "dict", "0.1.0");
  const hdf5::Group obsm = root.group("obsm");
  for (const ObsmMatrix& matrix : matrices) {
    if (obsm.has_link(matrix.name)) hdf5::remove(obsm, matrix.name);
    set_encoding(
        hdf5::write_matrix<float>(
            obsm, matrix.name, static_cast<hsize_t>(cells), static_cast<hsize_t>(matrix.width),
            [&](hsize_t first, std::span<float> values) { matrix.rows(static_cast<std::int64_t>(first), values); }),
        "array", "0.2.0");
  }
}

inline void add_to_uns(const hdf5::Group& root, const std::vector<Entry>& entries) {
  if (entries.empty()) return;
  if (!root.has_group("uns")) set_encoding(hdf5::write_group(root, "uns"), "dict", "0.1.0");
  const hdf5::Group uns = root.group("uns");
  for (const Entry& entry : entries) {
    if (uns.has_link(entry.key)) hdf5::remove(uns, entry.key);
    write_value(uns, entry.key, entry.value);
  }
}

}  // namespace h5ad_writer_detail

/// Names of additions.
struct H5adNames {
  std::vector<std::string> obs, obsm, uns;
};

/// InputError, naming every obs column, obsm matrix and uns entry of these names that `input` already has. To be called
/// before hours of work whose result could not be written.
inline void expect_new_in_h5ad(const std::filesystem::path& input, const H5adNames& names) {
  const hdf5::Group root = hdf5::Group::open_file(input);
  const anndata::DataFrame obs(root, "obs");
  std::string taken;
  for (const std::string& column : names.obs)
    if (obs.has(column) || obs.group().has_link(column))
      taken += (taken.empty() ? "" : ", ") + ("obs column '" + column + "'");
  for (const std::string& matrix : names.obsm)
    if (root.has_link("obsm") && root.has_link("obsm/" + matrix))
      taken += (taken.empty() ? "" : ", ") + ("obsm matrix '" + matrix + "'");
  for (const std::string& key : names.uns)
    if (root.has_link("uns") && root.has_link("uns/" + key))
      taken += (taken.empty() ? "" : ", ") + ("uns entry '" + key + "'");
  if (!taken.empty())
    throw InputError(input.string() + ": already has " + taken +
                     "; nothing was written. Replace with --overwrite, or take "
                     "them out of the file first");
}

/// Copies `input` to `output` with the additions; `output` may be `input`. Written under a temporary name and
/// renamed. Same input and additions, same bytes. InputError: a name that is taken (without `overwrite`) or
/// unfit, a wrong length, text that is no UTF-8, an input that is damaged. EnvironmentError: disk, permission.
inline void write_h5ad_copy(const std::filesystem::path& input, const std::filesystem::path& output,
                            const H5adAdditions& additions) {
  namespace detail = h5ad_writer_detail;
  H5adNames names;
  std::int64_t cells = 0;
  {
    const hdf5::Group root = hdf5::Group::open_file(input);
    const anndata::DataFrame obs(root, "obs");
    cells = obs.size();
    detail::check_columns(additions, obs, output.string());
    names.obs = additions.columns();
    for (const ObsmMatrix& matrix : additions.obsm) {
      detail::check_name(matrix.name, output.string() + ": new obsm matrix '" + matrix.name + "'");
      names.obsm.push_back(matrix.name);
    }
    for (const Entry& entry : additions.uns) names.uns.push_back(entry.key);
    detail::check_value({additions.uns, {}}, output.string() + ": uns");
  }
  if (!additions.overwrite) expect_new_in_h5ad(input, names);

  AtomicFile file(output);
  detail::copy_bytes(input, file.temporary_path(), detail::room_for(additions, cells), output);
  try {
    const hdf5::Group root = hdf5::Group::open_file(file.temporary_path(), true);
    detail::add_to_obs(root, additions, output.string());
    detail::add_to_obsm(root, additions.obsm, cells);
    detail::add_to_uns(root, additions.uns);
    hdf5::flush(root);
  } catch (const EnvironmentError& error) {
    throw EnvironmentError("cannot write " + output.string() + ": " + error.what());
  }
  file.commit();
}

}  // namespace cell2text
