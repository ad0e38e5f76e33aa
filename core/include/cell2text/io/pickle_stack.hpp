// The values that a pickle builds, its stack, its marks and its memo, and the limits on what may come of them.
// Values live in one arena and refer to each other by index, so that no nesting can exhaust the program's stack.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cell2text/io/pickle_reader.hpp"
#include "cell2text/io/pickle_value.hpp"

namespace cell2text::pickle_detail {

inline constexpr int max_depth = 200;

using Index = std::uint32_t;
inline constexpr Index nothing = ~Index{0};

struct ListNode {
  std::vector<Index> items;
};
struct TupleNode {
  std::vector<Index> items;
};
struct DictNode {
  std::vector<Index> items;  // key, value, key, value, ...
};
/// The few globals that are understood; none is ever called.
enum class Global {
  numpy_scalar,
  numpy_dtype,
  codecs_encode,
  bytes_type,
  torch_tensor,  // this and the rest: in files of torch.save only (io/torch_file.hpp)
  torch_parameter,
  ordered_dict
};
struct StorageTypeNode {
  std::size_t number = 0;
};
struct StorageNode {
  std::shared_ptr<const PickleTensor> all;  // without a shape
};
struct TensorNode {
  std::shared_ptr<const PickleTensor> tensor;
};
struct DtypeNode {
  char kind = 'f';
  int bytes = 8;
};
using Node = std::variant<std::monostate, bool, std::int64_t, double, std::string, PickleValue::Bytes, ListNode,
                          TupleNode, DictNode, Global, DtypeNode, StorageTypeNode, StorageNode, TensorNode>;

class Stack : protected Reader {
 protected:
  static constexpr Index none = 0, no = 1, yes = 2;

  Stack(std::string_view bytes, const std::string& where)
      : Reader(bytes, where), nodes_{std::monostate{}, false, true} {}

  /// All that put a value on the stack return true, for the opcodes' sake.
  bool push(Index node) {
    stack_.push_back(node);
    return true;
  }
  bool push_new(Node node) {
    if (nodes_.size() >= max_values()) refuse("it holds far more values than a dictionary of its size");
    nodes_.push_back(std::move(node));
    return push(static_cast<Index>(nodes_.size() - 1));
  }
  Index pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("it takes a value that was never put there");
    const Index top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Index top() {
    const Index node = pop();
    push(node);
    return node;
  }
  void mark() { marks_.push_back(stack_.size()); }
  std::vector<Index> pop_to_mark() {
    if (marks_.empty()) refuse("it ends a group that never began");
    std::vector<Index> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  bool remember(std::uint64_t key) {
    if (key > size()) refuse("it keeps value " + std::to_string(key) + ", more than it has bytes");
    if (key >= memo_.size()) memo_.resize(key + 1, nothing);
    if (memo_[key] == nothing) ++remembered_;
    memo_[key] = top();
    return true;
  }
  bool remember_next() { return remember(remembered_); }
  bool recall(std::uint64_t key) {
    if (key >= memo_.size() || memo_[key] == nothing)
      refuse("it refers to value " + std::to_string(key) + ", which it never kept");
    return push(memo_[key]);
  }

  template <class T>
  T* get_if(Index index) {
    return std::get_if<T>(&nodes_[index]);
  }
  /// The element of a tuple, or null where there is none of that type.
  template <class T>
  T* element(Index tuple, std::size_t position) {
    const auto* elements = get_if<TupleNode>(tuple);
    return elements && position < elements->items.size() ? get_if<T>(elements->items[position]) : nullptr;
  }

  /// The value on top, copied out of the arena. A small file may refer to one value very often, or to a value from
  /// within itself; what a real dictionary needs is far below these limits.
  PickleValue result() {
    items_left_ = max_values();
    bytes_left_ = (std::size_t{16} << 20) + 2 * size();
    return value_of(pop(), 0);
  }

 private:
  /// A value takes 40 bytes of memory and may take one of the file: without a limit, 64 MiB would ask for gigabytes.
  /// A key and its number take 15 or more.
  std::size_t max_values() const { return 20'000 + size() / 4; }

  PickleValue value_of(Index index, int depth) {
    if (depth > max_depth)
      refuse("values nested deeper than " + std::to_string(max_depth) + " levels, or in themselves");
    if (items_left_-- == 0) refuse("it unfolds to far more values than it has bytes");
    return std::visit(
        [&]<class T>(const T& node) -> PickleValue {
          if constexpr (std::is_same_v<T, ListNode>) {
            return {PickleValue::List{values_of(node.items, depth)}};
          } else if constexpr (std::is_same_v<T, TupleNode>) {
            return {PickleValue::Tuple{values_of(node.items, depth)}};
          } else if constexpr (std::is_same_v<T, DictNode>) {
            return {PickleValue::Dict{pairs_of(node.items, depth)}};
          } else if constexpr (std::is_same_v<T, TensorNode>) {
            return {node.tensor};
          } else if constexpr (std::is_same_v<T, Global> || std::is_same_v<T, DtypeNode> ||
                               std::is_same_v<T, StorageTypeNode> || std::is_same_v<T, StorageNode>) {
            refuse("a function or a type stands where a value is expected");
          } else {
            if constexpr (std::is_same_v<T, std::string>) count_bytes(node.size());
            if constexpr (std::is_same_v<T, PickleValue::Bytes>) count_bytes(node.data.size());
            return {node};
          }
        },
        nodes_[index]);
  }
  std::vector<PickleValue> values_of(const std::vector<Index>& items, int depth) {
    std::vector<PickleValue> values;
    for (const Index item : items) values.push_back(value_of(item, depth + 1));
    return values;
  }
  std::vector<std::pair<PickleValue, PickleValue>> pairs_of(const std::vector<Index>& items, int depth) {
    std::vector<std::pair<PickleValue, PickleValue>> pairs;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      auto key = value_of(items[i], depth + 1);
      pairs.emplace_back(std::move(key), value_of(items[i + 1], depth + 1));
    }
    return pairs;
  }
  void count_bytes(std::size_t bytes) {
    if (bytes > bytes_left_) refuse("it unfolds to far more text than it has bytes");
    bytes_left_ -= bytes;
  }

  std::vector<Node> nodes_;
  std::vector<Index> stack_, memo_;
  std::vector<std::size_t> marks_;
  std::size_t items_left_ = 0, bytes_left_ = 0, remembered_ = 0;
};

}  // namespace cell2text::pickle_detail
