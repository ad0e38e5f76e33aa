// Adds groups, arrays, scalars and attributes to an HDF5 file that is open for writing. Objects keep no
// times, so that the same calls give the same bytes. Errors of the library are EnvironmentError: the
// disk is the usual cause.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <span>
#include <string>
#include <vector>

#include "cell2text/io/hdf5.hpp"

namespace cell2text::hdf5 {

namespace detail {

template <class Call>
std::invoke_result_t<const Call&> write_call(const Call& call, const Object& place, const std::string& name,
                                             const char* doing) {
  return checked<EnvironmentError>(
      call, [&] { return place.where() + "/" + name; }, doing);
}

inline Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}
/// As h5py writes booleans.
inline Handle boolean_type() {
  Handle type(H5Tenum_create(H5T_STD_I8LE));
  const std::array<std::int8_t, 2> values = {0, 1};
  H5Tenum_insert(type.id(), "FALSE", &values[0]);
  H5Tenum_insert(type.id(), "TRUE", &values[1]);
  return type;
}

/// A space of `count` values on one axis, or of a single value.
inline Handle space(const std::vector<hsize_t>& shape) {
  return Handle(shape.empty() ? H5Screate(H5S_SCALAR)
                              : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
}

inline void write_attribute(const Object& object, const std::string& name, hid_t type,
                            const std::vector<hsize_t>& shape, const void* data) {
  if (H5Aexists(object.id(), name.c_str()) > 0)
    write_call([&] { return H5Adelete(object.id(), name.c_str()); }, object, name, "replacing an attribute");
  const Handle extent = space(shape);
  const Handle attribute(
      write_call([&] { return H5Acreate2(object.id(), name.c_str(), type, extent.id(), H5P_DEFAULT, H5P_DEFAULT); },
                 object, name, "writing an attribute"));
  if (shape.empty() || shape[0] > 0)
    write_call([&] { return H5Awrite(attribute.id(), type, data); }, object, name, "writing an attribute");
}

/// A new dataset; the file keeps the type given, as memory holds it. Without `data` its values are left to be written.
/// `gzip` 1 to 9: in compressed chunks; 0: in one piece, of which any part is read as fast as it lies on the disk.
inline Dataset write_dataset(const Group& group, const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                             const void* data, unsigned gzip = 0) {
  const Handle extent = space(shape), plan(H5Pcreate(H5P_DATASET_CREATE));
  write_call([&] { return H5Pset_obj_track_times(plan.id(), false); }, group, name, "creating");
  if (gzip > 0 && shape.size() == 1 && shape[0] > 0) {
    const hsize_t chunk = std::min<hsize_t>(shape[0], hsize_t{1} << 16);
    write_call([&] { return H5Pset_chunk(plan.id(), 1, &chunk); }, group, name, "creating");
    write_call([&] { return H5Pset_shuffle(plan.id()); }, group, name, "creating");
    write_call([&] { return H5Pset_deflate(plan.id(), gzip); }, group, name, "creating");
  }
  const Handle dataset(write_call(
      [&] { return H5Dcreate2(group.id(), name.c_str(), type, extent.id(), H5P_DEFAULT, plan.id(), H5P_DEFAULT); },
      group, name, "creating"));
  if (data && (shape.empty() || shape[0] > 0))
    write_call([&] { return H5Dwrite(dataset.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data); }, group, name,
               "writing");
  return group.dataset(name);
}

/// Values of a dataset of one axis, from `first` on; `type` is that of `data`.
inline void write_part(const Dataset& dataset, hid_t type, hsize_t first, hsize_t count, const void* data) {
  if (count == 0) return;
  const Handle in_file(H5Dget_space(dataset.id())), in_memory(space({count}));
  H5Sselect_hyperslab(in_file.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr);
  checked<EnvironmentError>(
      [&] { return H5Dwrite(dataset.id(), type, in_memory.id(), in_file.id(), H5P_DEFAULT, data); },
      [&] { return dataset.where(); }, "writing");
}

inline std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  for (const std::string& text : texts) all.push_back(text.c_str());
  return all;
}

}  // namespace detail

inline void set_attribute(const Object& object, const std::string& name, const std::string& text) {
  const char* data = text.c_str();
  detail::write_attribute(object, name, detail::text_type().id(), {}, &data);
}
inline void set_attribute(const Object& object, const std::string& name, const std::vector<std::string>& texts) {
  const auto data = detail::pointers(texts);
  detail::write_attribute(object, name, detail::text_type().id(), {data.size()}, data.data());
}
inline void set_attribute(const Object& object, const std::string& name, const std::vector<std::int64_t>& numbers) {
  detail::write_attribute(object, name, native_type<std::int64_t>(), {numbers.size()}, numbers.data());
}
inline void set_attribute(const Object& object, const std::string& name, bool value) {
  const std::int8_t data = value;
  detail::write_attribute(object, name, detail::boolean_type().id(), {}, &data);
}

/// An empty HDF5 file of this name, in the place of what was there.
inline void create_file(const std::filesystem::path& path) {
  const auto where = [&] { return path.string(); };
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  checked<EnvironmentError>([&] { return H5Pset_file_locking(access.id(), false, true); }, where, "creating");
  const Handle file(checked<EnvironmentError>(
      [&] { return H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()); }, where, "creating"));
}

inline Group write_group(const Group& group, const std::string& name) {
  const Handle plan(H5Pcreate(H5P_GROUP_CREATE));
  detail::write_call([&] { return H5Pset_obj_track_times(plan.id(), false); }, group, name, "creating");
  const Handle made(
      detail::write_call([&] { return H5Gcreate2(group.id(), name.c_str(), H5P_DEFAULT, plan.id(), H5P_DEFAULT); },
                         group, name, "creating"));
  return group.group(name);
}

/// Texts must hold no byte 0: HDF5 ends them there.
inline Dataset write_strings(const Group& group, const std::string& name, const std::vector<std::string>& texts) {
  const auto data = detail::pointers(texts);
  return detail::write_dataset(group, name, detail::text_type().id(), {data.size()}, data.data());
}
inline Dataset write_string(const Group& group, const std::string& name, const std::string& text) {
  const char* data = text.c_str();
  return detail::write_dataset(group, name, detail::text_type().id(), {}, &data);
}

template <class T>
Dataset write_numbers(const Group& group, const std::string& name, const std::vector<T>& values) {
  return detail::write_dataset(group, name, native_type<T>(), {values.size()}, values.data());
}
inline Dataset write_booleans(const Group& group, const std::string& name, const std::vector<std::int8_t>& values) {
  return detail::write_dataset(group, name, detail::boolean_type().id(), {values.size()}, values.data());
}
inline Dataset write_boolean(const Group& group, const std::string& name, bool value) {
  const std::int8_t data = value;
  return detail::write_dataset(group, name, detail::boolean_type().id(), {}, &data);
}
template <class T>
Dataset write_number(const Group& group, const std::string& name, T value) {
  return detail::write_dataset(group, name, native_type<T>(), {}, &value);
}

/// Numbers that are written part by part, with `write_part`. `gzip` as in write_dataset.
template <class T>
Dataset announce_numbers(const Group& group, const std::string& name, hsize_t count, unsigned gzip = 0) {
  return detail::write_dataset(group, name, native_type<T>(), {count}, nullptr, gzip);
}
/// The same for texts and truth values, with `write_strings_part` and `write_booleans_part`.
inline Dataset announce_strings(const Group& group, const std::string& name, hsize_t count) {
  return detail::write_dataset(group, name, detail::text_type().id(), {count}, nullptr);
}
inline Dataset announce_booleans(const Group& group, const std::string& name, hsize_t count) {
  return detail::write_dataset(group, name, detail::boolean_type().id(), {count}, nullptr);
}

/// Values of a dataset of one axis, from `first` on.
template <class T>
void write_part(const Dataset& dataset, hsize_t first, std::span<const T> values) {
  detail::write_part(dataset, native_type<T>(), first, values.size(), values.data());
}
inline void write_strings_part(const Dataset& dataset, hsize_t first, const std::vector<std::string>& texts) {
  const auto data = detail::pointers(texts);
  detail::write_part(dataset, detail::text_type().id(), first, data.size(), data.data());
}
inline void write_booleans_part(const Dataset& dataset, hsize_t first, const std::vector<std::int8_t>& values) {
  detail::write_part(dataset, detail::boolean_type().id(), first, values.size(), values.data());
}

/// A matrix that never lies in memory whole: `rows(first, values)` fills the values of as many whole rows as there is
/// room for, block by block, in order. `width` is not 0.
template <class T, class Rows>
Dataset write_matrix(const Group& group, const std::string& name, hsize_t count, hsize_t width, const Rows& rows) {
  auto dataset = detail::write_dataset(group, name, native_type<T>(), {count, width}, nullptr);
  const hsize_t block = std::max<hsize_t>(1, (hsize_t{1} << 20) / width);
  std::vector<T> values;
  for (hsize_t first = 0; first < count; first += block) {
    const std::array<hsize_t, 2> start = {first, 0}, shape = {std::min(block, count - first), width};
    values.resize(shape[0] * width);
    rows(first, std::span<T>(values));
    const Handle in_file(H5Dget_space(dataset.id())), in_memory(detail::space({shape[0], width}));
    H5Sselect_hyperslab(in_file.id(), H5S_SELECT_SET, start.data(), nullptr, shape.data(), nullptr);
    detail::write_call(
        [&] {
          return H5Dwrite(dataset.id(), native_type<T>(), in_memory.id(), in_file.id(), H5P_DEFAULT, values.data());
        },
        group, name, "writing");
  }
  return dataset;
}

inline void remove(const Group& group, const std::string& name) {
  detail::write_call([&] { return H5Ldelete(group.id(), name.c_str(), H5P_DEFAULT); }, group, name, "removing");
}

/// Brings everything to the file, so that a full disk shows before the file is closed.
inline void flush(const Group& root) {
  detail::write_call([&] { return H5Fflush(root.id(), H5F_SCOPE_GLOBAL); }, root, "", "writing");
}

}  // namespace cell2text::hdf5
