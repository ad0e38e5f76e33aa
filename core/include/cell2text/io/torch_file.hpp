// The tensors of a file that torch.save wrote (pytorch_model.bin): where each lies in the file. Nothing that the file
// asks for is run: its pickle is read by a machine that knows tensors in a dict, and refuses the rest. Bytes only, no
// tensors (io/tensors.hpp makes those). Form of the file: a zip archive with NAME/data.pkl and NAME/data/KEY for each
// storage; https://docs.pytorch.org/docs/stable/notes/serialization.html
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/pickle_machine.hpp"
#include "cell2text/io/safetensors.hpp"
#include "cell2text/io/zip_entries.hpp"

namespace cell2text {

/// A tensor of a file of torch.save. `entry.offset` is its first element's. Strides count elements, as torch's do; none
/// where it is row-major.
struct TorchEntry {
  SafetensorsEntry entry;
  std::vector<std::int64_t> strides;
};

namespace torch_file_detail {

inline constexpr std::array<std::pair<std::string_view, SafetensorsDtype>, 10> storages = {
    {{"DoubleStorage", SafetensorsDtype::F64},
     {"FloatStorage", SafetensorsDtype::F32},
     {"HalfStorage", SafetensorsDtype::F16},
     {"BFloat16Storage", SafetensorsDtype::BF16},
     {"LongStorage", SafetensorsDtype::I64},
     {"IntStorage", SafetensorsDtype::I32},
     {"ShortStorage", SafetensorsDtype::I16},
     {"CharStorage", SafetensorsDtype::I8},
     {"ByteStorage", SafetensorsDtype::U8},
     {"BoolStorage", SafetensorsDtype::BOOL}}};

/// Understands, beside plain values, what torch.save writes for tensors: storages by persistent id, and the calls that
/// make a tensor or a parameter of one, which are never made.
class TorchMachine : public pickle_detail::Machine {
 public:
  using Machine::Machine;

 private:
  using Index = pickle_detail::Index;
  using Global = pickle_detail::Global;

  bool push_global(const std::string& module, const std::string& name) override {
    if (module == "torch._utils" && name == "_rebuild_tensor_v2") return push_new(Global::torch_tensor);
    if (module == "torch._utils" && name == "_rebuild_parameter") return push_new(Global::torch_parameter);
    if (module == "collections" && name == "OrderedDict") return push_new(Global::ordered_dict);
    if (module == "torch")
      for (std::size_t i = 0; i < storages.size(); ++i)
        if (name == storages[i].first) return push_new(pickle_detail::StorageTypeNode{i});
    refuse("it asks for " + module.substr(0, 60) + "." + name.substr(0, 60) +
           ", which is not read: a pickle can run any program. Tensors in a dict are expected, as "
           "torch.save(model.state_dict(), path) writes them");
  }

  bool reduce(Index function, Index arguments) override {
    const auto* global = get_if<Global>(function);
    if (!global) refuse("it calls something that is not a function");
    if (*global == Global::torch_tensor) return make_tensor(arguments);
    if (*global == Global::torch_parameter) {
      const auto* elements = get_if<pickle_detail::TupleNode>(arguments);
      if (!elements || elements->items.empty() || !get_if<pickle_detail::TensorNode>(elements->items[0]))
        refuse("a parameter without a tensor");
      return push(elements->items[0]);
    }
    const auto* elements = get_if<pickle_detail::TupleNode>(arguments);
    if (!elements || !elements->items.empty()) refuse("an OrderedDict that is made of something");
    return push_new(pickle_detail::DictNode{});
  }

  /// What a state dict carries beside its tensors (`_metadata`: versions of modules) is not needed.
  bool build(Index) override {
    if (!get_if<pickle_detail::DictNode>(top())) refuse("it sets the inside of something that is not a dict");
    return true;
  }

  bool persistent(Index id) override {
    const auto* kind = element<std::string>(id, 0);
    const auto* type = element<pickle_detail::StorageTypeNode>(id, 1);
    const auto* key = element<std::string>(id, 2);
    const auto* elements = element<std::int64_t>(id, 4);
    if (!kind || *kind != "storage" || !type || !key || !elements || *elements < 0)
      refuse("it refers to something outside of itself that is not a storage of numbers");
    auto storage = std::make_shared<PickleTensor>();
    storage->type = type->number, storage->key = *key, storage->elements = *elements;
    return push_new(pickle_detail::StorageNode{std::move(storage)});
  }

  bool make_tensor(Index arguments) {
    const auto* storage = element<pickle_detail::StorageNode>(arguments, 0);
    const auto* offset = element<std::int64_t>(arguments, 1);
    const auto* elements = get_if<pickle_detail::TupleNode>(arguments);
    if (!storage || !offset || *offset < 0 || elements->items.size() < 4) refuse("a tensor without storage and shape");
    auto tensor = std::make_shared<PickleTensor>(*storage->all);
    tensor->offset = *offset;
    tensor->shape = numbers(elements->items[2]), tensor->strides = numbers(elements->items[3]);
    if (tensor->shape.size() != tensor->strides.size()) refuse("a tensor with shape and strides of unequal lengths");
    return push_new(pickle_detail::TensorNode{std::move(tensor)});
  }

  std::vector<std::int64_t> numbers(Index tuple) {
    const auto* elements = get_if<pickle_detail::TupleNode>(tuple);
    if (!elements || elements->items.size() > 64) refuse("a tensor whose shape is not a tuple of numbers");
    std::vector<std::int64_t> values;
    for (const Index item : elements->items) {
      const auto* value = get_if<std::int64_t>(item);
      if (!value || *value < 0) refuse("a tensor whose shape or strides are not whole numbers from 0");
      values.push_back(*value);
    }
    return values;
  }
};

/// How many elements from the first to the last, both included; nothing where that exceeds 64 bits.
inline std::optional<std::int64_t> extent(const PickleTensor& tensor) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t step;
    if (tensor.shape[i] == 0) return 0;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last))
      return {};
  }
  return last < std::numeric_limits<std::int64_t>::max() ? std::optional(last + 1) : std::nullopt;
}

inline bool row_major(const PickleTensor& tensor) {
  if (std::ranges::find(tensor.shape, 0) != tensor.shape.end()) return true;
  std::int64_t step = 1;
  for (std::size_t i = tensor.shape.size(); i > 0; --i) {
    if (tensor.shape[i - 1] > 1 && tensor.strides[i - 1] != step) return false;
    step *= tensor.shape[i - 1];
  }
  return true;
}

inline TorchEntry place(const std::string& name, const PickleTensor& tensor, const ZipEntry* storage,
                        const std::string& where) {
  const std::string quoted = where + ": tensor '" + name + "'";
  if (!storage) throw InputError(quoted + " lies in the storage '" + tensor.key + "', which the file does not hold");
  const SafetensorsDtype dtype = storages[tensor.type].second;
  const auto width = static_cast<std::int64_t>(dtype_bytes(dtype));
  std::int64_t bytes, end;
  if (__builtin_mul_overflow(tensor.elements, width, &bytes) || static_cast<std::uint64_t>(bytes) != storage->bytes)
    throw InputError(quoted + ": its storage has " + std::to_string(storage->bytes) + " bytes, " +
                     std::to_string(tensor.elements) + " numbers of " + std::to_string(width) +
                     " bytes are expected there");
  const auto spanned = extent(tensor);
  const auto size = safetensors_detail::bytes_of(dtype, tensor.shape);
  if (!spanned || !size || __builtin_add_overflow(tensor.offset, *spanned, &end) || end > tensor.elements ||
      *size > storage->bytes)
    throw InputError(quoted + " reaches beyond its storage of " + std::to_string(tensor.elements) + " numbers");
  return {{name, dtype, tensor.shape, storage->offset + static_cast<std::uint64_t>(tensor.offset * width), *size},
          row_major(tensor) ? std::vector<std::int64_t>{} : tensor.strides};
}

}  // namespace torch_file_detail

/// Whether `file` begins as files of torch.save do since torch 1.6.
inline bool is_torch_file(std::span<const std::byte> file) {
  return std::string_view(reinterpret_cast<const char*>(file.data()), file.size()).starts_with("PK\x03\x04");
}

/// The tensors of `file`, the bytes of a whole file that is called `where` in errors: a dict of names to tensors, as
/// torch.save(model.state_dict(), path) writes it. Sorted by name; several may share bytes. InputError: damaged, of
/// another form, written on a machine of another byte order, or with anything but tensors in the dict.
inline std::vector<TorchEntry> torch_entries(std::span<const std::byte> file, const std::string& where) {
  const auto entries = zip_entries(file, where);
  std::map<std::string_view, const ZipEntry*> by_name;
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& entry : entries) {
    by_name.emplace(entry.name, &entry);
    if (const auto slash = entry.name.find('/');
        slash != std::string::npos && std::string_view(entry.name).substr(slash) == "/data.pkl") {
      if (pickle) throw InputError(where + " holds two pickles, '" + pickle->name + "' and '" + entry.name + "'");
      pickle = &entry;
    }
  }
  if (!pickle)
    throw InputError(where + " is a zip archive without a data.pkl; a file that torch.save wrote is expected");
  const std::string root = pickle->name.substr(0, pickle->name.find('/') + 1);
  const auto bytes_of = [&](const ZipEntry& entry) { return file.subspan(entry.offset, entry.bytes); };
  if (const auto order = by_name.find(root + "byteorder"); order != by_name.end()) {
    const auto text = bytes_of(*order->second);
    if (std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) != "little")
      throw InputError(where + " was written on a machine that puts the highest byte first; save it again on another");
  }
  const PickleValue value = torch_file_detail::TorchMachine(bytes_of(*pickle), where + " (" + pickle->name + ")").run();
  const auto* dict = std::get_if<PickleValue::Dict>(&value.data);
  if (!dict)
    throw InputError(where + " holds " + value.type_name() +
                     "; a dict of names to tensors is expected, as "
                     "torch.save(model.state_dict(), path) writes it");
  std::map<std::string, TorchEntry> tensors;
  for (const auto& [key, item] : dict->items) {
    const auto* name = std::get_if<std::string>(&key.data);
    if (!name) throw InputError(where + ": a key is " + key.type_name() + ", expected a text");
    const auto* tensor = std::get_if<std::shared_ptr<const PickleTensor>>(&item.data);
    if (!tensor)
      throw InputError(where + ": '" + *name + "' is " + item.type_name() +
                       ", expected a tensor; save the state dict alone: torch.save(model.state_dict(), path)");
    const auto storage = by_name.find(root + "data/" + (*tensor)->key);
    auto placed =
        torch_file_detail::place(*name, **tensor, storage == by_name.end() ? nullptr : storage->second, where);
    if (!tensors.emplace(*name, std::move(placed)).second)
      throw InputError(where + ": tensor '" + *name + "' is there twice");
  }
  std::vector<TorchEntry> sorted;
  for (auto& [name, entry] : tensors) sorted.push_back(std::move(entry));
  return sorted;
}

}  // namespace cell2text
