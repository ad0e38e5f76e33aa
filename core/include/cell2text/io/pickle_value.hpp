// What a pickle of plain values holds, as a tree. Reading is done by io/pickle.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cell2text {

/// A tensor of a file of torch.save: which storage, and which of its elements (io/torch_file.hpp).
struct PickleTensor {
  std::size_t type = 0;  ///< of the storage's elements, a row of torch_file_detail::storages
  std::string key;       ///< the storage's name in the file
  std::int64_t elements = 0, offset = 0;
  std::vector<std::int64_t> shape, strides;
};

/// A Python value: None, bool, int, float, str (UTF-8), bytes, list, tuple or dict (in order of insertion; a key
/// that a pickle sets twice is there twice). numpy scalars are int or float. Tensors occur in files of torch.save only.
struct PickleValue {
  struct Bytes {
    std::string data;
    bool operator==(const Bytes&) const = default;
  };
  struct List {
    std::vector<PickleValue> items;
  };
  struct Tuple {
    std::vector<PickleValue> items;
  };
  struct Dict {
    std::vector<std::pair<PickleValue, PickleValue>> items;
  };

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes, List, Tuple, Dict,
               std::shared_ptr<const PickleTensor>>
      data;

  /// "a text", "a dict", ...: how messages call the type of this value.
  const char* type_name() const {
    static constexpr const char* names[] = {"None",  "a bool", "a whole number", "a number", "a text",
                                            "bytes", "a list", "a tuple",        "a dict",   "a tensor"};
    return names[data.index()];
  }
};

namespace pickle_detail {

/// The scalars of a JSON file as the same type; a list or an object becomes an empty list or dict.
inline PickleValue from_json(const nlohmann::json& value) {
  if (value.is_boolean()) return {value.get<bool>()};
  if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>()))
    return {value.get<double>()};
  if (value.is_number_integer()) return {value.get<std::int64_t>()};
  if (value.is_number_float()) return {value.get<double>()};
  if (value.is_string()) return {value.get<std::string>()};
  if (value.is_array()) return {PickleValue::List{}};
  if (value.is_object()) return {PickleValue::Dict{}};
  return {};
}

}  // namespace pickle_detail
}  // namespace cell2text
