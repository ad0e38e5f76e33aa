// HDF5 files for reading: groups, datasets, shapes, reads of a part. Errors name file and object; what
// a damaged file claims is checked before memory is taken. Knows nothing of AnnData, holds no tensors.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/io/hdf5_filters.hpp"
#include "cell2text/io/hdf5_object.hpp"
#include "cell2text/io/hdf5_plain.hpp"
#include "cell2text/io/row_range.hpp"

namespace cell2text::hdf5 {

/// A part of an array's first axis.
using Range = RowRange;

/// An array in a file. Reads take a range of the first axis; a range is checked against the shape.
class Dataset : public Object {
 public:
  enum class Type { integer, real, boolean, text, reference, other };

  Dataset() = default;
  explicit Dataset(Object object) : Object(std::move(object)) {
    type_handle_ = Handle(attempt([&] { return H5Dget_type(id()); }, "reading the type"));
    const Handle space(attempt([&] { return H5Dget_space(id()); }, "reading the shape"));
    const int axes = attempt([&] { return H5Sget_simple_extent_ndims(space.id()); }, "reading the shape");
    std::vector<hsize_t> extents(axes);
    if (axes > 0)
      attempt([&] { return H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr); }, "reading the shape");
    is_null_ = H5Sget_simple_extent_type(space.id()) == H5S_NULL;
    const Handle plan(attempt([&] { return H5Dget_create_plist(id()); }, "reading the layout"));
    check_layout(plan.id(), extents);
    shape_.assign(extents.begin(), extents.end());
    if (is_number() && axes > 0 && !is_null_)
      plain_ = PlainBytes::find(id(), plan.id(), shape_[0], row_values() * H5Tget_size(type_id()), axes);
  }

  const std::vector<std::int64_t>& shape() const { return shape_; }
  /// The number of values on the first axis; 1 for a scalar, 0 for an empty space.
  std::int64_t length() const { return is_null_ ? 0 : shape_.empty() ? 1 : shape_[0]; }
  hid_t type_id() const { return type_handle_.id(); }

  Type type() const {
    switch (H5Tget_class(type_id())) {
      case H5T_INTEGER:
        return Type::integer;
      case H5T_FLOAT:
        return Type::real;
      case H5T_STRING:
        return Type::text;
      case H5T_ENUM:
        return Type::boolean;  // h5py writes booleans as an enumeration of FALSE and TRUE
      case H5T_REFERENCE:
        return Type::reference;
      default:
        return Type::other;
    }
  }
  bool is_number() const { return type() == Type::integer || type() == Type::real || type() == Type::boolean; }
  /// Width of one value in the file in bytes.
  std::int64_t value_bytes() const { return static_cast<std::int64_t>(H5Tget_size(type_id())); }

  /// Fails unless the dataset has one axis.
  const Dataset& expect_vector() const {
    if (shape_.size() != 1 || is_null_) fail("has " + std::to_string(shape_.size()) + " axes; expected 1");
    return *this;
  }

  /// Values first .. first+count-1 of the first axis with all of the other axes, row by row, converted to T.
  template <class T>
  std::vector<T> read(std::int64_t first, std::int64_t count) const {
    std::vector<T> values;
    read_onto(first, count, values);
    return values;
  }
  /// The same, behind what `values` holds.
  template <class T>
  void read_onto(std::int64_t first, std::int64_t count, std::vector<T>& values) const {
    if (!is_number()) fail("holds no numbers");
    expect_usual_bits();
    const std::size_t before = values.size(), more = static_cast<std::size_t>(count) * row_values();
    values.resize(before + more);
    const Range range{first, count};
    read_into(std::span(&range, 1), native_type<T>(), values.data() + before, more);
  }
  template <class T>
  std::vector<T> read_all() const {
    return read<T>(0, length());
  }
  std::vector<std::string> read_strings(std::int64_t first, std::int64_t count) const {
    const Range range{first, count};
    return read_strings(std::span(&range, 1));
  }
  /// The texts of several ranges, ascending and apart, one after the other: a call for each costs more than the texts.
  std::vector<std::string> read_strings(std::span<const Range> ranges) const {
    if (type() != Type::text) fail("holds no text");
    std::size_t values = 0;
    for (const Range& range : ranges) values += static_cast<std::size_t>(range.count) * row_values();
    detail::StringBuffer buffer(type_id(), values);
    read_into(ranges, type_id(), buffer.data(), values);
    return buffer.texts();
  }

 private:
  std::size_t row_values() const {
    std::size_t values = 1;
    for (std::size_t axis = 1; axis < shape_.size(); ++axis) values *= static_cast<std::size_t>(shape_[axis]);
    return values;
  }

  /// HDF5 converts numbers of any width from any bit on, in a buffer that holds 64 bits.
  void expect_usual_bits() const {
    if (type() == Type::real) return;
    const std::size_t bits = H5Tget_precision(type_id()), bytes = H5Tget_size(type_id());
    const int offset = H5Tget_offset(type_id());
    if (bytes > 8 || offset != 0 || bits != 8 * bytes)
      fail("holds whole numbers of " + std::to_string(bits) + " bits, from bit " + std::to_string(offset) + ", in " +
           std::to_string(bytes) + " bytes; expected all bits of 1 to 8 bytes. The file is damaged");
  }

  void read_into(std::span<const Range> ranges, hid_t type, void* out, std::size_t values) const {
    std::int64_t rows = 0;
    for (const auto& [first, count] : ranges) {
      if (first < 0 || count < 0 || first > length() - count)
        fail("values " + std::to_string(first) + " to " + std::to_string(first + count) + " were asked for; it has " +
             std::to_string(length()) + ". The file is damaged; write it again");
      rows += count;
    }
    if (values == 0) return;
    if (plain_ && ranges.size() == 1 && H5Tequal(type_id(), type) > 0) {
      const PlainBytes::Outcome outcome = plain_->read(ranges[0].first, ranges[0].count, out);
      if (outcome == PlainBytes::Outcome::done) return;
      if (outcome == PlainBytes::Outcome::cut_short)
        fail("reading (is the file whole?) failed: the file ends before these values do. Copy it again");
    }
    const Handle space(attempt([&] { return H5Dget_space(id()); }, "reading"));
    Handle memory;
    if (!shape_.empty()) {
      std::vector<hsize_t> start(shape_.size(), 0), extent(shape_.begin(), shape_.end());
      H5S_seloper_t selection = H5S_SELECT_SET;
      for (const Range& range : ranges) {
        if (range.count == 0) continue;
        start[0] = static_cast<hsize_t>(range.first), extent[0] = static_cast<hsize_t>(range.count);
        attempt(
            [&] { return H5Sselect_hyperslab(space.id(), selection, start.data(), nullptr, extent.data(), nullptr); },
            "selecting");
        selection = H5S_SELECT_OR;
      }
      extent[0] = static_cast<hsize_t>(rows);
      memory = Handle(attempt([&] { return H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr); },
                              "selecting"));
    }
    const hid_t memory_id = shape_.empty() ? H5S_ALL : memory.id(), space_id = shape_.empty() ? H5S_ALL : space.id();
    attempt([&] { return H5Dread(id(), type, memory_id, space_id, H5P_DEFAULT, out); }, "reading (is the file whole?)");
  }

  /// Refuses filters that this HDF5 lacks, and shapes that the file's size cannot hold, before anything is allocated.
  void check_layout(hid_t plan, const std::vector<hsize_t>& extents) const {
    const int filters = std::max(0, H5Pget_nfilters(plan));
    double expansion = 1;  // how many bytes one stored byte may stand for
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t parameters = 0;
      const auto filter =
          attempt([&] { return H5Pget_filter2(plan, i, &flags, &parameters, nullptr, 0, nullptr, &config); },
                  "reading the layout");
      if (filter == lzf_filter_id) register_lzf();
      if (H5Zfilter_avail(filter) <= 0)
        fail("is compressed with the HDF5 filter " + filter_name(filter) +
             ", which is not installed here. Write the file again in Python: import hdf5plugin, anndata; "
             "anndata.read_h5ad('" +
             file() +
             "').write_h5ad('cells.h5ad', compression='gzip'). Or bring the filter: pip install hdf5plugin, and set "
             "HDF5_PLUGIN_PATH to what python -c 'import hdf5plugin; print(hdf5plugin.PLUGIN_PATH)' prints");
      if (filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32) continue;
      expansion = std::max(expansion, filter == H5Z_FILTER_DEFLATE ? 1100. : filter == lzf_filter_id ? 100. : 1e5);
    }
    double bytes = static_cast<double>(H5Tget_size(type_handle_.id()));
    for (const hsize_t extent : extents) bytes *= static_cast<double>(extent);
    std::error_code unknown;
    const auto file_bytes = static_cast<double>(std::filesystem::file_size(file(), unknown));
    if (!unknown && bytes > (64 << 20) && bytes > file_bytes * expansion)
      fail("claims " + std::to_string(static_cast<std::int64_t>(std::min(bytes, 9e18))) +
           " bytes, more than a file of " + std::to_string(static_cast<std::int64_t>(file_bytes)) +
           " bytes can hold. The file is damaged; copy it again");
  }

  Handle type_handle_;
  std::vector<std::int64_t> shape_;
  bool is_null_ = false;
  std::optional<PlainBytes> plain_;  ///< where the values of a number array can be read without HDF5
};

/// A folder in a file.
class Group : public Object {
 public:
  Group() = default;
  explicit Group(Object object) : Object(std::move(object)) {}

  /// Opens a file for reading and returns its root. Locks are not taken: shared disks often refuse them.
  static Group open_file(const std::filesystem::path& path, bool writable = false) {
    H5dont_atexit();  // a file that could not be written to its end would end the process there; all is closed before
    auto name = std::make_shared<const std::string>(path.string());
    const auto where = [&] { return *name; };
    const Handle access(checked([&] { return H5Pcreate(H5P_FILE_ACCESS); }, where, "opening"));
    checked([&] { return H5Pset_file_locking(access.id(), false, true); }, where, "opening");
    checked([&] { return H5Pset_fclose_degree(access.id(), H5F_CLOSE_SEMI); }, where, "opening");
    // Reads of less than this are made as large, and copied once more: by default those of a few cells.
    checked([&] { return H5Pset_sieve_buf_size(access.id(), 4096); }, where, "opening");
    Handle file(checked([&] { return H5Fopen(name->c_str(), writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access.id()); },
                        where, "opening as HDF5 (is the file whole?)"));
    return Group(Object(std::move(file), std::move(name), ""));
  }

  /// The names of the members, in ascending order of their bytes.
  std::vector<std::string> names() const {
    H5G_info_t info{};
    attempt([&] { return H5Gget_info(id(), &info); }, "listing");
    std::vector<std::string> all;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      const auto get = [&](char* out, std::size_t size) {
        return attempt(
            [&] { return H5Lget_name_by_idx(id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, out, size, H5P_DEFAULT); },
            "listing");
      };
      std::string name(static_cast<std::size_t>(get(nullptr, 0)) + 1, '\0');
      get(name.data(), name.size());
      name.pop_back();
      all.push_back(std::move(name));
    }
    return all;
  }

  /// What stands under `name`: a group, a dataset, or nothing (also for a dangling link).
  bool has_group(const std::string& name) const { return kind(name) == H5I_GROUP; }
  bool has_dataset(const std::string& name) const { return kind(name) == H5I_DATASET; }
  bool has(const std::string& name) const { return kind(name) != H5I_BADID; }
  /// Whether the name is taken, also by a link that leads nowhere.
  bool has_link(const std::string& name) const {
    silence();
    return H5Lexists(id(), name.c_str(), H5P_DEFAULT) > 0;
  }

  Group group(const std::string& name) const {
    if (!has_group(name)) fail("has no group '" + name + "'");
    return Group(Object(Handle(attempt([&] { return H5Gopen2(id(), name.c_str(), H5P_DEFAULT); }, "opening a group")),
                        file_pointer(), child(name)));
  }
  /// Whether an array is compressed, or otherwise stored as something else. Closed again: HDF5 gives an array that is
  /// open the cache that it has.
  bool is_filtered(const std::string& name) const {
    const Handle array(attempt([&] { return H5Dopen2(id(), name.c_str(), H5P_DEFAULT); }, "opening a dataset"));
    const Handle plan(attempt([&] { return H5Dget_create_plist(array.id()); }, "reading the layout"));
    return H5Pget_nfilters(plan.id()) > 0;
  }
  /// `cache_bytes`: how much of decompressed chunks is kept between reads (0: HDF5's own megabyte).
  Dataset dataset(const std::string& name, std::size_t cache_bytes = 0) const {
    if (!has_dataset(name)) fail("has no dataset '" + name + "'");
    const Handle access(attempt([&] { return H5Pcreate(H5P_DATASET_ACCESS); }, "opening a dataset"));
    if (cache_bytes > 0) {
      // Chunks that are stored as they are need no cache: parts of them are read where they lie. With a preemption of 1
      // in place of the usual 0.75, HDF5 1.10 kept all of 370 such chunks, far beyond the limit, as blocks of rows were
      // read.
      const std::size_t kept = is_filtered(name) ? cache_bytes : 0;
      attempt([&] { return H5Pset_chunk_cache(access.id(), 10007, kept, 0.75); }, "opening a dataset");
    }
    return Dataset(
        Object(Handle(attempt([&] { return H5Dopen2(id(), name.c_str(), access.id()); }, "opening a dataset")),
               file_pointer(), child(name)));
  }
  /// The dataset that an object reference, stored as attribute `name` of `owner`, points to.
  Dataset dereference(const Object& owner, const char* name) const {
    const Handle attribute(
        owner.attempt([&] { return H5Aopen(owner.id(), name, H5P_DEFAULT); }, "opening an attribute"));
    const Handle type(owner.attempt([&] { return H5Aget_type(attribute.id()); }, "reading an attribute"));
    if (H5Tequal(type.id(), H5T_STD_REF_OBJ) <= 0) owner.fail(std::string("attribute '") + name + "' is no reference");
    hobj_ref_t reference{};
    owner.attempt([&] { return H5Aread(attribute.id(), H5T_STD_REF_OBJ, &reference); }, "reading a reference");
    Handle target(owner.attempt([&] { return H5Rdereference2(owner.id(), H5P_DEFAULT, H5R_OBJECT, &reference); },
                                "following a reference"));
    if (H5Iget_type(target.id()) != H5I_DATASET)
      owner.fail(std::string("attribute '") + name + "' points to no dataset");
    return Dataset(Object(std::move(target), file_pointer(), owner.path() + "@" + name));
  }

 private:
  H5I_type_t kind(const std::string& name) const {
    silence();
    std::string part;
    for (std::size_t at = 0;
         at != std::string::npos;) {  // every step of a path must exist before the whole is asked for
      at = name.find('/', at + 1);
      part = name.substr(0, at);
      if (H5Lexists(id(), part.c_str(), H5P_DEFAULT) <= 0 || H5Oexists_by_name(id(), part.c_str(), H5P_DEFAULT) <= 0)
        return H5I_BADID;
    }
    const Handle object(H5Oopen(id(), name.c_str(), H5P_DEFAULT));
    return object.id() < 0 ? H5I_BADID : H5Iget_type(object.id());
  }
};

}  // namespace cell2text::hdf5
