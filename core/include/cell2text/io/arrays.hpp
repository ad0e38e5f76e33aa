// Arrays under names that one part of the program leaves for another: safetensors files, which numpy opens too.
#pragma once

#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/safetensors.hpp"
#include "cell2text/io/safetensors_writer.hpp"

namespace cell2text {

namespace arrays_detail {

template <class T>
constexpr SafetensorsDtype dtype_of() {
  if constexpr (std::is_same_v<T, std::int64_t>) return SafetensorsDtype::I64;
  if constexpr (std::is_same_v<T, std::int32_t>) return SafetensorsDtype::I32;
  if constexpr (std::is_same_v<T, std::int8_t>) return SafetensorsDtype::I8;
  if constexpr (std::is_same_v<T, std::uint8_t>) return SafetensorsDtype::U8;
  if constexpr (std::is_same_v<T, float>) return SafetensorsDtype::F32;
  if constexpr (std::is_same_v<T, double>) return SafetensorsDtype::F64;
}

}  // namespace arrays_detail

/// An array of one axis under a name, to be written; `values` must live until then.
template <class T>
SafetensorsItem array_item(std::string name, const std::vector<T>& values) {
  return {std::move(name), arrays_detail::dtype_of<T>(), {std::ssize(values)}, std::as_bytes(std::span(values))};
}

/// A safetensors file whose arrays are looked at where they lie.
class ArrayFile {
 public:
  /// Errors as MappedFile and SafetensorsLayout.
  explicit ArrayFile(const std::filesystem::path& path)
      : file_(MappedFile::open(path)), layout_(SafetensorsLayout::parse(*file_)) {}

  /// All values of an array of any shape, row by row. InputError: absent, or of another type.
  template <class T>
  std::span<const T> of(const std::string& name) const {
    const SafetensorsEntry* entry = layout_.find(name);
    if (!entry || entry->dtype != arrays_detail::dtype_of<T>())
      throw InputError(file_->path().string() + ": holds no array '" + name +
                       "' of the type expected: it is damaged, or of another version. Remove the folder that it is in, "
                       "and make it again");
    return {reinterpret_cast<const T*>(file_->data().data() + entry->offset), entry->bytes / sizeof(T)};
  }
  template <class T>
  std::vector<T> copy(const std::string& name) const {
    const auto values = of<T>(name);
    return {values.begin(), values.end()};
  }

 private:
  std::shared_ptr<const MappedFile> file_;
  SafetensorsLayout layout_;
};

}  // namespace cell2text
