// What every HDF5 object has: an owned identifier, a place for messages, attributes; and how calls to
// the C library become exceptions. Groups and datasets are in hdf5.hpp.
#pragma once

#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text::hdf5 {

/// Owns one HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  hid_t id() const { return id_; }

 private:
  hid_t id_ = -1;
};

/// The innermost cause on HDF5's error stack of this thread.
inline std::string last_cause() {
  char text[256] = "";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned n, const H5E_error2_t* entry, void* out) -> herr_t {
        if (n == 0 && entry->desc) std::snprintf(static_cast<char*>(out), 256, "%s", entry->desc);
        return 0;
      },
      text);
  H5Eclear2(H5E_DEFAULT);
  return text[0] ? text : "no cause given";
}

/// Stops HDF5's printing to stderr; a way of reporting that was set for this thread with data of its own stays.
inline void silence() {
  H5E_auto2_t report = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &report, &data);
  if (report && !data) H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

/// Runs an HDF5 call without its printing to stderr; throws `Error` where the result is negative.
/// `where` is called for the name of the object only then.
template <class Error = InputError, class Call, class Where>
std::invoke_result_t<const Call&> checked(const Call& call, const Where& where, const char* doing) {
  silence();
  const auto result = call();
  if (result < 0) throw Error(where() + ": " + doing + " failed: " + last_cause());
  return result;
}

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, float>)
    return H5T_NATIVE_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return H5T_NATIVE_DOUBLE;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return H5T_NATIVE_INT8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return H5T_NATIVE_INT16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return H5T_NATIVE_INT32;
  else {
    static_assert(std::is_same_v<T, std::int64_t>, "no HDF5 type for this C++ type");
    return H5T_NATIVE_INT64;
  }
}

namespace detail {

/// Strings of one read, freed by HDF5 where it allocated them.
class StringBuffer {
 public:
  StringBuffer(hid_t type, std::size_t count)
      : type_(type),
        variable_(H5Tis_variable_str(type) > 0),
        width_(H5Tget_size(type)),
        padding_(H5Tget_strpad(type)),
        bytes_(count * width_, '\0') {}
  StringBuffer(const StringBuffer&) = delete;
  ~StringBuffer() {
    if (!variable_ || bytes_.empty()) return;
    const hsize_t count = bytes_.size() / width_;
    const Handle space(H5Screate_simple(1, &count, nullptr));
    H5Dvlen_reclaim(type_, space.id(), H5P_DEFAULT, bytes_.data());
  }
  void* data() { return bytes_.data(); }

  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < bytes_.size(); at += width_) {
      if (variable_) {
        const char* text = nullptr;
        std::memcpy(&text, bytes_.data() + at, sizeof text);
        all.emplace_back(text ? text : "");
      } else {
        std::string text(bytes_.data() + at, width_);
        text.resize(std::min(text.find('\0'), text.size()));
        if (padding_ == H5T_STR_SPACEPAD) text.resize(text.find_last_not_of(' ') + 1);
        all.push_back(std::move(text));
      }
    }
    return all;
  }

 private:
  hid_t type_;
  bool variable_;
  std::size_t width_;
  H5T_str_t padding_;
  std::vector<char> bytes_;
};

}  // namespace detail

/// A file, group or dataset that is open, with its place for messages, and its attributes.
class Object {
 public:
  Object() = default;
  Object(Handle handle, std::shared_ptr<const std::string> file, std::string path)
      : handle_(std::move(handle)), file_(std::move(file)), path_(std::move(path)) {}

  hid_t id() const { return handle_.id(); }
  const std::string& path() const { return path_; }  ///< within the file, without a leading slash
  const std::string& file() const { return *file_; }
  std::string where() const { return *file_ + ": " + (path_.empty() ? "/" : path_); }
  [[noreturn]] void fail(const std::string& message) const { throw InputError(where() + ": " + message); }

  bool has_attribute(const char* name) const {
    return attempt([&] { return H5Aexists(id(), name); }, "looking for an attribute") > 0;
  }
  /// The strings of an attribute; an attribute of another type that holds nothing reads as none.
  std::vector<std::string> strings_attribute(const char* name) const {
    const auto [attribute, type, count] = open_attribute(name);
    if (count == 0) return {};
    if (H5Tget_class(type.id()) != H5T_STRING) fail(std::string("attribute '") + name + "' is no text");
    detail::StringBuffer buffer(type.id(), count);
    attempt([&] { return H5Aread(attribute.id(), type.id(), buffer.data()); }, "reading an attribute");
    return buffer.texts();
  }
  /// The text of an attribute, or "" where there is none of that name.
  std::string text_attribute(const char* name) const {
    if (!has_attribute(name)) return {};
    const auto all = strings_attribute(name);
    return all.empty() ? std::string() : all.front();
  }
  std::vector<std::int64_t> integers_attribute(const char* name) const {
    const auto [attribute, type, count] = open_attribute(name);
    std::vector<std::int64_t> values(count);
    if (count == 0) return values;
    attempt([&] { return H5Aread(attribute.id(), H5T_NATIVE_INT64, values.data()); }, "reading an attribute");
    return values;
  }

  template <class Call>
  std::invoke_result_t<const Call&> attempt(const Call& call, const char* doing) const {
    return checked(
        call, [this] { return where(); }, doing);
  }

 protected:
  std::string child(const std::string& name) const { return path_.empty() ? name : path_ + "/" + name; }
  const std::shared_ptr<const std::string>& file_pointer() const { return file_; }

 private:
  struct OpenAttribute {
    Handle attribute, type;
    std::size_t count;
  };
  OpenAttribute open_attribute(const char* name) const {
    Handle attribute(attempt([&] { return H5Aopen(id(), name, H5P_DEFAULT); }, "opening an attribute"));
    Handle type(attempt([&] { return H5Aget_type(attribute.id()); }, "reading an attribute"));
    const Handle space(attempt([&] { return H5Aget_space(attribute.id()); }, "reading an attribute"));
    const auto count = attempt([&] { return H5Sget_simple_extent_npoints(space.id()); }, "reading an attribute");
    if (count > 1'000'000) fail(std::string("attribute '") + name + "' claims " + std::to_string(count) + " values");
    return {std::move(attribute), std::move(type), static_cast<std::size_t>(count)};
  }

  Handle handle_;
  std::shared_ptr<const std::string> file_;
  std::string path_;
};

}  // namespace cell2text::hdf5
