// A checkpoint's tensors by name, mapped from safetensors files or files of torch.save, and saving them. Knows no
// model.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/safetensors.hpp"
#include "cell2text/io/safetensors_writer.hpp"
#include "cell2text/io/torch_file.hpp"

namespace cell2text {
namespace tensors_detail {

inline constexpr std::array<std::pair<SafetensorsDtype, at::ScalarType>, 10> dtypes = {{
    {SafetensorsDtype::F64, at::kDouble},
    {SafetensorsDtype::F32, at::kFloat},
    {SafetensorsDtype::F16, at::kHalf},
    {SafetensorsDtype::BF16, at::kBFloat16},
    {SafetensorsDtype::I64, at::kLong},
    {SafetensorsDtype::I32, at::kInt},
    {SafetensorsDtype::I16, at::kShort},
    {SafetensorsDtype::I8, at::kChar},
    {SafetensorsDtype::U8, at::kByte},
    {SafetensorsDtype::BOOL, at::kBool},
}};

inline at::ScalarType scalar_type(SafetensorsDtype dtype) {
  return dtypes[static_cast<std::size_t>(dtype)].second;
}

inline SafetensorsDtype safetensors_dtype(at::ScalarType type, const std::string& name) {
  for (const auto& [dtype, scalar] : dtypes)
    if (scalar == type) return dtype;
  throw InputError("tensor '" + name + "' has the dtype " + std::string(c10::toString(type)) +
                   ", which cannot be saved; convert it to float32 first");
}

/// How to make a safetensors file out of what torch.save wrote.
inline std::string how_to_convert(const std::filesystem::path& from, const std::filesystem::path& to) {
  return "convert it with: python -c \"import torch; from safetensors.torch import save_file; "
         "state = torch.load('" +
         from.string() +
         "', map_location='cpu', weights_only=True); "
         "save_file({k: v.clone().contiguous() for k, v in state.items()}, '" +
         to.string() + "')\"";
}

}  // namespace tensors_detail

/// The tensors of one .safetensors file or file of torch.save, or of a Hugging Face folder: `STEM.safetensors`, else
/// `STEM.safetensors.index.json` and its shards, else the same with `.bin` (there "model" is called "pytorch_model"),
/// else scGPT's `best_model.pt`. Opening reads headers only; the mappings live as long as this object or any tensor
/// taken from it. Copies share the mappings.
class TensorFiles {
 public:
  /// `stem`: "model", or "adapter_model" in a PEFT folder. InputError: no such file; a damaged one; a shard that is
  /// missing, or lacks a name that the index places there; a file of torch.save in the form before torch 1.6.
  static TensorFiles open(const std::filesystem::path& path, const std::string& stem = "model") {
    TensorFiles files;
    files.path_ = path;
    if (!std::filesystem::is_directory(path)) {
      files.add_all(files.add_file(path));
      return files;
    }
    const std::string safe = stem + ".safetensors", pickled = (stem == "model" ? "pytorch_model" : stem) + ".bin";
    for (const std::string& name : {safe, pickled}) {
      if (std::filesystem::exists(path / name)) {
        files.add_all(files.add_file(path / name));
        return files;
      }
      if (const auto index = path / (name + ".index.json"); std::filesystem::exists(index)) {
        files.add_shards(index);
        return files;
      }
    }
    if (const auto best = path / "best_model.pt"; stem == "model" && std::filesystem::exists(best)) {
      files.add_all(files.add_file(best));
      return files;
    }
    throw InputError(path.string() + " holds no weights: neither " + safe + " nor " + pickled +
                     ", nor one of them with " + ".index.json, is there; check the folder, or download it again");
  }

  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    all.reserve(places_.size());
    for (const auto& [name, place] : places_) all.push_back(name);
    return all;
  }
  bool contains(const std::string& name) const { return places_.contains(name); }

  /// Shape and dtype without touching the data. InputError naming the tensor where there is none.
  const std::vector<std::int64_t>& shape(const std::string& name) const { return entry(name).entry.shape; }
  at::ScalarType dtype(const std::string& name) const { return tensors_detail::scalar_type(entry(name).entry.dtype); }

  /// The tensor, on CPU: a view of the mapping, read-only (writing into it ends the process; clone first), or a copy
  /// where it is not row-major in the file, or the file's alignment does not suit its dtype. It keeps the mapping
  /// alive. Errors as `shape`.
  at::Tensor tensor(const std::string& name) const {
    const auto& [found, strides] = entry(name);
    const auto& mapping = files_[places_.at(name).file].mapping;
    const auto options = at::TensorOptions().dtype(tensors_detail::scalar_type(found.dtype));
    const std::byte* data = mapping->data().data() + found.offset;
    if (found.bytes == 0) return at::empty(found.shape, options);
    if (reinterpret_cast<std::uintptr_t>(data) % dtype_bytes(found.dtype) != 0) {
      std::int64_t elements = 1;  // from the first to the last
      for (std::size_t i = 0; i < strides.size(); ++i) elements += (found.shape[i] - 1) * strides[i];
      const at::Tensor copy = strides.empty() ? at::empty(found.shape, options) : at::empty({elements}, options);
      std::memcpy(copy.mutable_data_ptr(), data, copy.nbytes());
      return strides.empty() ? copy : copy.as_strided(found.shape, strides).contiguous();
    }
    auto* values = const_cast<std::byte*>(data);
    const auto keep = [mapping](void*) {};
    return strides.empty() ? at::from_blob(values, found.shape, keep, options)
                           : at::from_blob(values, found.shape, strides, keep, options).contiguous();
  }

  /// The same tensors under other names: `name_of` gives each its new name, or nothing to leave it out. InputError
  /// where two get one name.
  TensorFiles renamed(const std::function<std::optional<std::string>(const std::string&)>& name_of) const {
    TensorFiles files = *this;
    files.places_.clear();
    for (const auto& [name, place] : places_) {
      const auto new_name = name_of(name);
      if (new_name && !files.places_.emplace(*new_name, place).second)
        throw InputError(path_.string() + ": tensor '" + name + "' and another one both stand for '" + *new_name +
                         "'; one of them is expected");
    }
    return files;
  }

  /// The `__metadata__` of all files, the first file's value where two have one key.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The file or folder that was opened, for messages.
  const std::filesystem::path& path() const { return path_; }
  /// The files behind it, for instance to hash them.
  std::vector<std::filesystem::path> file_paths() const {
    std::vector<std::filesystem::path> paths;
    for (const File& file : files_) paths.push_back(file.mapping->path());
    return paths;
  }

 private:
  struct File {
    std::shared_ptr<const MappedFile> mapping;
    std::shared_ptr<const std::vector<TorchEntry>> entries;  // by name; without strides: row-major
  };
  struct Place {
    std::size_t file;
    const TorchEntry* entry;
  };

  std::size_t add_file(const std::filesystem::path& path) {
    auto mapping = MappedFile::open(path);
    std::vector<TorchEntry> entries;
    const auto ending = path.extension();
    if (is_torch_file(mapping->data())) {
      entries = torch_entries(mapping->data(), path.string());
    } else if (ending == ".bin" || ending == ".pt" || ending == ".pth") {
      throw InputError(
          path.string() + " is no archive as torch.save writes it since torch 1.6; " +
          tensors_detail::how_to_convert(path, std::filesystem::path(path).replace_extension(".safetensors")));
    } else {
      auto layout = SafetensorsLayout::parse(*mapping);
      metadata_.insert(layout.metadata.begin(), layout.metadata.end());
      for (SafetensorsEntry& entry : layout.entries) entries.push_back({std::move(entry), {}});
    }
    files_.push_back({std::move(mapping), std::make_shared<const std::vector<TorchEntry>>(std::move(entries))});
    return files_.size() - 1;
  }

  void add_all(std::size_t file) {
    for (const TorchEntry& entry : *files_[file].entries) places_.emplace(entry.entry.name, Place{file, &entry});
  }

  void add_shards(const std::filesystem::path& index) {
    const std::string where = index.string();
    const auto map = required<nlohmann::json>(read_json(index), "weight_map", where);
    if (!map.is_object() || map.empty())
      throw InputError(where + ": 'weight_map' is not an object that gives a file for each tensor");
    std::map<std::string, std::size_t> shards;
    for (const auto& [name, unused] : map.items()) {
      const auto shard = required<std::string>(map, name, where + ": weight_map");
      auto known = shards.find(shard);
      if (known == shards.end()) known = shards.emplace(shard, add_shard(index, shard, name)).first;
      const auto& entries = *files_[known->second].entries;
      const auto entry = std::ranges::lower_bound(entries, name, {}, [](const TorchEntry& e) { return e.entry.name; });
      if (entry == entries.end() || entry->entry.name != name)
        throw InputError(where + " places tensor '" + name + "' in " + shard +
                         ", which does not hold it; index and shards do not belong together, download both again");
      places_.emplace(name, Place{known->second, &*entry});
    }
    // What the index forgets is offered as well, so that a model can report it as unknown instead of never seeing it.
    for (std::size_t file = 0; file < files_.size(); ++file)
      for (const TorchEntry& entry : *files_[file].entries) {
        const auto [place, is_new] = places_.emplace(entry.entry.name, Place{file, &entry});
        if (!is_new && place->second.file != file)
          throw InputError(where + ": tensor '" + entry.entry.name + "' is in two shards, " +
                           files_[place->second.file].mapping->path().filename().string() + " and " +
                           files_[file].mapping->path().filename().string());
      }
  }

  std::size_t add_shard(const std::filesystem::path& index, const std::string& shard, const std::string& name) {
    const std::filesystem::path relative(shard);
    if (relative.empty() || relative != relative.filename() || shard == "." || shard == "..")
      throw InputError(index.string() + " places tensor '" + name + "' in '" + shard +
                       "', expected the plain name of a file in the same folder");
    const auto path = index.parent_path() / relative;
    if (!std::filesystem::exists(path))
      throw InputError("the shard " + path.string() + " is missing; " + index.filename().string() + " places tensor '" +
                       name + "' there; download the folder again");
    return add_file(path);
  }

  const TorchEntry& entry(const std::string& name) const {
    const auto place = places_.find(name);
    if (place == places_.end())
      throw InputError(path_.string() + " holds no tensor '" + name + "' (" + std::to_string(places_.size()) +
                       " tensors are there" +
                       (places_.empty() ? "" : ", the first is '" + places_.begin()->first + "'") +
                       "); is it a checkpoint of this kind of model?");
    return *place->second.entry;
  }

  std::filesystem::path path_;
  std::vector<File> files_;
  std::map<std::string, Place> places_;
  std::map<std::string, std::string> metadata_;
};

/// Saves tensors of any device, strides and dtype of the format as one safetensors file, by way of a temporary one.
/// One contiguous CPU copy lives at a time. Errors as SafetensorsWriter; InputError for a dtype outside the format.
inline void save_tensors(const std::filesystem::path& path,
                         const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                         const std::map<std::string, std::string>& metadata = {}) {
  std::vector<SafetensorsItem> items;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw BugError("save_tensors: tensor '" + name + "' is undefined");
    items.push_back({name, tensors_detail::safetensors_dtype(tensor.scalar_type(), name), tensor.sizes().vec()});
  }
  SafetensorsWriter writer(path, std::move(items), metadata);
  for (const std::size_t index : writer.order()) {
    const at::Tensor flat = tensors[index].second.detach().to(at::kCPU).contiguous();
    const auto* data = static_cast<const std::byte*>(flat.numel() > 0 ? flat.const_data_ptr() : nullptr);
    writer.write({data, static_cast<std::size_t>(flat.numel()) * flat.element_size()});
  }
  writer.commit();
}

}  // namespace cell2text
