// The safetensors format: where each tensor lies in a file, and a writer. Bytes only, no tensors
// (io/tensors.hpp makes those). Form of the file: https://huggingface.co/docs/safetensors
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/mapped_file.hpp"

namespace cell2text {

enum class SafetensorsDtype { F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL };

namespace safetensors_detail {

struct DtypeRow {
  SafetensorsDtype dtype;
  std::string_view name;
  std::size_t bytes;
};
inline constexpr std::array<DtypeRow, 10> dtypes = {{{SafetensorsDtype::F64, "F64", 8},
                                                     {SafetensorsDtype::F32, "F32", 4},
                                                     {SafetensorsDtype::F16, "F16", 2},
                                                     {SafetensorsDtype::BF16, "BF16", 2},
                                                     {SafetensorsDtype::I64, "I64", 8},
                                                     {SafetensorsDtype::I32, "I32", 4},
                                                     {SafetensorsDtype::I16, "I16", 2},
                                                     {SafetensorsDtype::I8, "I8", 1},
                                                     {SafetensorsDtype::U8, "U8", 1},
                                                     {SafetensorsDtype::BOOL, "BOOL", 1}}};

/// dtype bytes times the dimensions, or nullopt where that exceeds a signed 64-bit number.
inline std::optional<std::uint64_t> bytes_of(SafetensorsDtype dtype, std::span<const std::int64_t> shape) {
  std::int64_t bytes = static_cast<std::int64_t>(dtypes[static_cast<std::size_t>(dtype)].bytes);
  for (const std::int64_t dim : shape)
    if (dim < 0 || __builtin_mul_overflow(bytes, dim, &bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace safetensors_detail

/// "F32" and the like, as written in the file.
inline std::string_view dtype_name(SafetensorsDtype dtype) {
  return safetensors_detail::dtypes[static_cast<std::size_t>(dtype)].name;
}
/// Bytes of one element.
inline std::size_t dtype_bytes(SafetensorsDtype dtype) {
  return safetensors_detail::dtypes[static_cast<std::size_t>(dtype)].bytes;
}

/// Where one tensor lies: `bytes` bytes from `offset`, counted from the beginning of the file; row-major.
struct SafetensorsEntry {
  std::string name;
  SafetensorsDtype dtype = SafetensorsDtype::F32;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// What a safetensors file holds. Everything was checked: the entries fill the file without gap or overlap,
/// each has the bytes that its dtype and shape ask for, and no name occurs twice.
struct SafetensorsLayout {
  std::vector<SafetensorsEntry> entries;  // by name
  std::map<std::string, std::string> metadata;

  /// The entry of that name, or null.
  const SafetensorsEntry* find(std::string_view name) const {
    const auto at = std::lower_bound(entries.begin(), entries.end(), name,
                                     [](const SafetensorsEntry& entry, std::string_view n) { return entry.name < n; });
    return at != entries.end() && at->name == name ? &*at : nullptr;
  }

  /// Reads the header of `file`, the bytes of a whole file that is called `where` in errors.
  /// InputError for anything that is not a sound safetensors file.
  static SafetensorsLayout parse(std::span<const std::byte> file, const std::string& where);
  static SafetensorsLayout parse(const MappedFile& file) { return parse(file.data(), file.path().string()); }
};

namespace safetensors_detail {

/// Takes the header's events as they are parsed: it sees names that occur twice, which a tree of JSON values
/// would hide, and takes a million tensors in about a second.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsLayout layout;
  std::string error;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_float(double, const std::string& text) override { return unexpected("the number " + text); }
  bool number_integer(std::int64_t value) override {
    return unexpected("the negative number " + std::to_string(value));
  }
  bool binary(nlohmann::json::binary_t&) override { return unexpected("bytes"); }

  bool number_unsigned(std::uint64_t value) override {
    if (state_ != State::shape && state_ != State::offsets) return unexpected("the number " + std::to_string(value));
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return unexpected("the too large number " + std::to_string(value));
    if (state_ == State::shape) {
      layout.entries.back().shape.push_back(static_cast<std::int64_t>(value));
    } else {
      offsets_.push_back(value);
    }
    return true;
  }

  bool string(std::string& text) override {
    if (state_ == State::metadata && has_key_) {
      has_key_ = false;
      if (!layout.metadata.emplace(key_, text).second) return stop("'__metadata__' holds '" + key_ + "' twice");
      return true;
    }
    if (state_ != State::entry || key_ != "dtype") return unexpected("the text '" + text.substr(0, 40) + "'");
    for (const DtypeRow& row : dtypes)
      if (row.name == text) {
        layout.entries.back().dtype = row.dtype;
        return true;
      }
    return stop("tensor '" + name_ + "' has the dtype '" + text.substr(0, 40) +
                "', expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL; convert the file");
  }

  bool start_object(std::size_t) override {
    if (state_ == State::outside) {
      state_ = State::top;
    } else if (state_ == State::top && key_ == "__metadata__") {
      if (std::exchange(has_metadata_, true)) return stop("it holds '__metadata__' twice");
      state_ = State::metadata;
    } else if (state_ == State::top) {
      state_ = State::entry;
      name_ = key_;
      seen_ = {};
      layout.entries.push_back({name_, {}, {}, 0, 0});
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::entry) {
      if (!seen_[0] || !seen_[1] || !seen_[2])
        return stop("tensor '" + name_ + "' lacks one of dtype, shape, data_offsets");
      state_ = State::top;
    } else {
      state_ = state_ == State::metadata ? State::top : State::done;
    }
    return true;
  }

  bool key(std::string& key) override {
    key_ = key;
    has_key_ = true;
    if (state_ != State::entry) return true;
    static constexpr std::array<std::string_view, 3> known = {"dtype", "shape", "data_offsets"};
    for (std::size_t i = 0; i < known.size(); ++i)
      if (known[i] == key) {
        if (std::exchange(seen_[i], true)) return stop("tensor '" + name_ + "' holds '" + key + "' twice");
        return true;
      }
    return stop("tensor '" + name_ + "' holds the unknown key '" + key.substr(0, 40) + "'");
  }

  bool start_array(std::size_t) override {
    if (state_ != State::entry || key_ == "dtype") return unexpected("a list");
    state_ = key_ == "shape" ? State::shape : State::offsets;
    offsets_.clear();
    return true;
  }

  bool end_array() override {
    if (state_ == State::offsets) {
      if (offsets_.size() != 2 || offsets_[0] > offsets_[1])
        return stop("tensor '" + name_ + "': data_offsets is not a begin and an end at or after it");
      layout.entries.back().offset = offsets_[0];
      layout.entries.back().bytes = offsets_[1] - offsets_[0];
    }
    state_ = State::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return stop("its header is not valid JSON at byte " + std::to_string(position));
  }

 private:
  enum class State { outside, top, metadata, entry, shape, offsets, done };

  bool stop(std::string what) {
    error = std::move(what);
    return false;
  }
  bool unexpected(const std::string& what) {
    if (state_ == State::outside) return stop("its header is " + what + ", expected an object");
    const bool in_tensor = state_ == State::entry || state_ == State::shape || state_ == State::offsets;
    return stop(in_tensor ? "tensor '" + name_ + "': '" + key_ + "' holds " + what
                          : (state_ == State::metadata ? "'__metadata__': '" : "'") + key_ + "' holds " + what);
  }

  State state_ = State::outside;
  bool has_metadata_ = false, has_key_ = false;
  std::string key_, name_;
  std::array<bool, 3> seen_ = {};
  std::vector<std::uint64_t> offsets_;
};

/// Checks one entry, which should begin at byte `begin` of the `data_bytes` after the header.
inline void check_entry(const SafetensorsEntry& entry, std::uint64_t begin, std::uint64_t data_bytes,
                        const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw InputError(where + ": tensor '" + entry.name + "' " + what);
  };
  if (entry.offset > data_bytes || entry.bytes > data_bytes - entry.offset)
    refuse("ends at byte " + std::to_string(entry.offset + entry.bytes) + " of the data, which has " +
           std::to_string(data_bytes) + " bytes; the file is truncated or damaged");
  const auto expected = bytes_of(entry.dtype, entry.shape);
  if (!expected || *expected != entry.bytes)
    refuse("has " + std::to_string(entry.bytes) + " bytes, but its dtype " + std::string(dtype_name(entry.dtype)) +
           " and shape ask for " + (expected ? std::to_string(*expected) : "more than a file can hold"));
  if (entry.offset != begin)
    refuse("begins at byte " + std::to_string(entry.offset) + " of the data, expected " + std::to_string(begin) +
           ": tensors overlap or leave a gap; the file is damaged");
}

/// Checks sizes, order and names of parsed entries against the `data_bytes` after the header; sorts by name.
inline void check_entries(SafetensorsLayout& layout, std::uint64_t data_bytes, const std::string& where) {
  auto& entries = layout.entries;
  struct Place {
    std::uint64_t offset, bytes;
    std::size_t entry;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;  // sorted in place of the entries, which are large
  places.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) places.push_back({entry.offset, entry.bytes, places.size()});
  std::ranges::stable_sort(places);  // quick for files that are written in order, or nearly
  std::uint64_t begin = 0;
  for (const Place& place : places) {
    check_entry(entries[place.entry], begin, data_bytes, where);
    begin += place.bytes;
  }
  if (begin != data_bytes)
    throw InputError(where + ": the tensors end at byte " + std::to_string(begin) + " of the data, which has " +
                     std::to_string(data_bytes) + " bytes; the file is damaged");
  std::ranges::sort(entries, {}, &SafetensorsEntry::name);
  const auto twice = std::ranges::adjacent_find(entries, {}, &SafetensorsEntry::name);
  if (twice != entries.end()) throw InputError(where + ": tensor '" + twice->name + "' occurs twice");
}

}  // namespace safetensors_detail

inline SafetensorsLayout SafetensorsLayout::parse(std::span<const std::byte> file, const std::string& where) {
  std::uint64_t header_bytes = 0;
  if (file.size() < sizeof header_bytes)
    throw InputError(where + " has " + std::to_string(file.size()) + " bytes; a safetensors file has at least 8");
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);  // little-endian, as this machine
  const auto rest = file.subspan(sizeof header_bytes);
  if (header_bytes > rest.size())
    throw InputError(where + ": the header should have " + std::to_string(header_bytes) + " bytes, " +
                     std::to_string(rest.size()) + " are in the file; it is truncated, or not a safetensors file");
  const std::string_view text(reinterpret_cast<const char*>(rest.data()), header_bytes);
  // The parser would skip a byte-order mark and stop at a zero byte without a word.
  if (!text.starts_with('{') || text.find('\0') != std::string_view::npos)
    throw InputError(where + ": the header is not a JSON object; this is not a safetensors file");
  safetensors_detail::HeaderHandler handler;
  bool parsed = false;
  try {
    parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &handler);
  } catch (const nlohmann::json::exception& error) {  // thrown where a list claims an impossible size
    handler.error = error.what();
  }
  if (!parsed) throw InputError(where + ": " + handler.error + "; this is not a sound safetensors file");
  safetensors_detail::check_entries(handler.layout, rest.size() - header_bytes, where);
  for (SafetensorsEntry& entry : handler.layout.entries) entry.offset += sizeof header_bytes + header_bytes;
  return std::move(handler.layout);
}

}  // namespace cell2text
