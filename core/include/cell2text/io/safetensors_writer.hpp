// Writes safetensors files one tensor after the other. Bytes only, no tensors (io/tensors.hpp takes those).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/safetensors.hpp"

namespace cell2text {

/// One tensor to write: row-major little-endian `data`, as many bytes as dtype and shape ask for.
struct SafetensorsItem {
  std::string name;
  SafetensorsDtype dtype = SafetensorsDtype::F32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data = {};
};

/// A streaming writer: the names, dtypes and shapes first (their `data` is not looked at), then the bytes of
/// each in the order of `order()`, then `commit()`. The old file stays until then. Memory: one tensor at a time.
class SafetensorsWriter {
 public:
  /// InputError: a name twice, one that is no UTF-8 or "__metadata__", a negative or impossible shape;
  /// errors of AtomicFile for the path.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<SafetensorsItem> items,
                    const std::map<std::string, std::string>& metadata = {})
      : file_(path), items_(std::move(items)), order_(items_.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    // Wide elements first, so that every tensor is aligned for its dtype; then by name.
    std::sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
      const std::size_t width_a = dtype_bytes(items_[a].dtype), width_b = dtype_bytes(items_[b].dtype);
      return width_a != width_b ? width_a > width_b : items_[a].name < items_[b].name;
    });
    std::string header = header_text(metadata);
    header.append((8 - header.size() % 8) % 8, ' ');
    const std::uint64_t header_bytes = header.size();
    file_.write(std::as_bytes(std::span(&header_bytes, 1)));
    file_.write(header);
  }

  /// Indices into the items given, in the order in which their bytes are to be written.
  const std::vector<std::size_t>& order() const { return order_; }

  /// All bytes of the next tensor in `order()`. BugError where their number is not what the header says.
  void write(std::span<const std::byte> bytes) {
    const SafetensorsItem& item = next();
    const std::uint64_t expected = *safetensors_detail::bytes_of(item.dtype, item.shape);
    if (part_ > 0 || bytes.size() != expected)
      throw BugError("SafetensorsWriter: tensor '" + item.name + "' has " + std::to_string(part_ + bytes.size()) +
                     " bytes, its dtype and shape ask for " + std::to_string(expected));
    file_.write(bytes);
    ++next_;
  }

  /// The next bytes of the next tensor, for those that are larger than memory; the part that completes it ends it.
  /// BugError where there are more than the header says.
  void write_part(std::span<const std::byte> bytes) {
    const SafetensorsItem& item = next();
    const std::uint64_t expected = *safetensors_detail::bytes_of(item.dtype, item.shape);
    part_ += bytes.size();
    if (part_ > expected)
      throw BugError("SafetensorsWriter: tensor '" + item.name + "' has more bytes than the " +
                     std::to_string(expected) + " that its dtype and shape ask for");
    file_.write(bytes);
    if (part_ == expected) ++next_, part_ = 0;
  }

  /// Puts the file in its place. BugError where a tensor was not written.
  void commit() {
    if (next_ != order_.size())
      throw BugError("SafetensorsWriter: " + std::to_string(next_) + " of " + std::to_string(order_.size()) +
                     " tensors were written");
    file_.commit();
  }

 private:
  const SafetensorsItem& next() const {
    if (next_ == order_.size()) throw BugError("SafetensorsWriter: more tensors than were announced");
    return items_[order_[next_]];
  }

  std::string header_text(const std::map<std::string, std::string>& metadata) const {
    const std::string where = "cannot write " + file_.path().string();
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    auto& pairs = header.get_ref<nlohmann::ordered_json::object_t&>();  // appended to: a look-up per name is slow
    if (!metadata.empty()) pairs.emplace_back("__metadata__", metadata);
    std::uint64_t offset = 0;
    for (const std::size_t index : order_) {
      const SafetensorsItem& item = items_[index];
      const auto bytes = safetensors_detail::bytes_of(item.dtype, item.shape);
      if (!bytes || offset + *bytes < offset)
        throw InputError(where + ": tensor '" + item.name + "' has a negative dimension or is too large");
      if (item.name == "__metadata__") throw InputError(where + ": a tensor cannot be called '__metadata__'");
      pairs.emplace_back(item.name, nlohmann::ordered_json{{"dtype", dtype_name(item.dtype)},
                                                           {"shape", item.shape},
                                                           {"data_offsets", {offset, offset + *bytes}}});
      offset += *bytes;
    }
    check_names(where);
    try {
      return header.dump();
    } catch (const nlohmann::json::exception& error) {
      throw InputError(where + ": a name or the metadata is not valid UTF-8: " + error.what());
    }
  }

  void check_names(const std::string& where) const {
    std::vector<std::string_view> names;
    for (const SafetensorsItem& item : items_) names.push_back(item.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) throw InputError(where + ": two tensors are called '" + std::string(*twice) + "'");
  }

  AtomicFile file_;
  std::vector<SafetensorsItem> items_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  std::uint64_t part_ = 0;  // of the next tensor, bytes that are written
};

/// Writes a whole safetensors file from data in memory. Errors as SafetensorsWriter.
inline void write_safetensors(const std::filesystem::path& path, const std::vector<SafetensorsItem>& items,
                              const std::map<std::string, std::string>& metadata = {}) {
  SafetensorsWriter writer(path, items, metadata);
  for (const std::size_t index : writer.order()) writer.write(items[index].data);
  writer.commit();
}

}  // namespace cell2text
