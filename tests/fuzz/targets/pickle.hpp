// A pickle: what is read, spelled again as a pickle of protocol 4, is read as the same.
#pragma once

#include <bit>

#include "cell2text/io/pickle.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace pickle_target {

inline std::string number(std::uint64_t value, std::size_t bytes) {
  return {reinterpret_cast<const char*>(&value), bytes};
}

inline std::string spelled(const PickleValue& value) {
  return std::visit(
      []<class T>(const T& data) -> std::string {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return "N";
        } else if constexpr (std::is_same_v<T, bool>) {
          return data ? "\x88" : "\x89";
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          return "\x8a\x08" + number(static_cast<std::uint64_t>(data), 8);
        } else if constexpr (std::is_same_v<T, double>) {
          return "G" + number(__builtin_bswap64(std::bit_cast<std::uint64_t>(data)), 8);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return "\x8d" + number(data.size(), 8) + data;
        } else if constexpr (std::is_same_v<T, PickleValue::Bytes>) {
          return "\x8e" + number(data.data.size(), 8) + data.data;
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const PickleTensor>>) {
          require(false, "a pickle of plain values holds no tensor");
          return "";
        } else if constexpr (std::is_same_v<T, PickleValue::Dict>) {
          std::string all = "}(";
          for (const auto& [key, item] : data.items) all += spelled(key) + spelled(item);
          return all + "u";
        } else {
          std::string all = "(";
          for (const PickleValue& item : data.items) all += spelled(item);
          return all + (std::is_same_v<T, PickleValue::List> ? "l" : "t");
        }
      },
      value.data);
}

}  // namespace pickle_target

inline bool pickle(std::string_view input) {
  PickleValue value;
  if (!accepted([&] { value = read_pickle(bytes_of(input), "x.pkl"); })) return false;
  const std::string text = pickle_target::spelled(value) + ".";
  if (text.size() > 8 << 20) return true;  // much from little, within the reader's limits, which may refuse it here
  const PickleValue again = read_pickle(bytes_of(text), "again.pkl");
  require(pickle_target::spelled(again) + "." == text, "a pickle is written and read back");
  return true;
}

}  // namespace cell2text::fuzz
