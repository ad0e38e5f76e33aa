// A checkpoint's tensors by name, mapped from safetensors files, and saving them. Knows no model.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/safetensors.hpp"
#include "cell2text/io/safetensors_writer.hpp"

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

/// The tensors of one .safetensors file, or of a Hugging Face folder (`STEM.safetensors`, or
/// `STEM.safetensors.index.json` and its shards). Opening reads headers only; the mappings live as long as this
/// object or any tensor taken from it. Copies share the mappings.
class TensorFiles {
 public:
  /// `stem`: "model", or "adapter_model" in a PEFT folder. InputError: no such file; a damaged one; a shard that is
  /// missing, or lacks a name that the index places there; only files of torch.save, which are not read here.
  static TensorFiles open(const std::filesystem::path& path, const std::string& stem = "model") {
    TensorFiles files;
    files.path_ = path;
    if (!std::filesystem::is_directory(path)) {
      refuse_pickled(path);
      files.add_all(files.add_file(path));
      return files;
    }
    const auto single = path / (stem + ".safetensors");
    const auto index = path / (stem + ".safetensors.index.json");
    if (std::filesystem::exists(single)) {
      files.add_all(files.add_file(single));
    } else if (std::filesystem::exists(index)) {
      files.add_shards(index);
    } else {
      for (const char* pickled : {"pytorch_model.bin", "adapter_model.bin", "best_model.pt"})
        if (std::filesystem::exists(path / pickled)) refuse_pickled(path / pickled, single);
      throw InputError(path.string() + " holds no weights: neither " + single.filename().string() + " nor " +
                       index.filename().string() + " is there; check the folder, or download it again");
    }
    return files;
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
  const std::vector<std::int64_t>& shape(const std::string& name) const { return entry(name).shape; }
  at::ScalarType dtype(const std::string& name) const { return tensors_detail::scalar_type(entry(name).dtype); }

  /// The tensor, on CPU: a view of the mapping, read-only (writing into it ends the process; clone first), or a copy
  /// where the file's alignment does not suit its dtype. It keeps the mapping alive. Errors as `shape`.
  at::Tensor tensor(const std::string& name) const {
    const SafetensorsEntry& found = entry(name);
    const auto& mapping = files_[places_.at(name).file].mapping;
    const auto options = at::TensorOptions().dtype(tensors_detail::scalar_type(found.dtype));
    const std::byte* data = mapping->data().data() + found.offset;
    if (found.bytes == 0) return at::empty(found.shape, options);
    if (reinterpret_cast<std::uintptr_t>(data) % dtype_bytes(found.dtype) != 0) {
      at::Tensor copy = at::empty(found.shape, options);
      std::memcpy(copy.mutable_data_ptr(), data, found.bytes);
      return copy;
    }
    return at::from_blob(
        const_cast<std::byte*>(data), found.shape, [mapping](void*) {}, options);
  }

  /// The `__metadata__` of all files, the first file's value where two have one key.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The file or folder that was opened, for messages.
  const std::filesystem::path& path() const { return path_; }
  /// The safetensors files behind it, for instance to hash them.
  std::vector<std::filesystem::path> file_paths() const {
    std::vector<std::filesystem::path> paths;
    for (const File& file : files_) paths.push_back(file.mapping->path());
    return paths;
  }

 private:
  struct File {
    std::shared_ptr<const MappedFile> mapping;
    std::shared_ptr<const SafetensorsLayout> layout;
  };
  struct Place {
    std::size_t file;
    const SafetensorsEntry* entry;
  };

  [[noreturn]] static void throw_pickled(const std::filesystem::path& path, const std::filesystem::path& wanted) {
    throw InputError(path.string() + " was written by torch.save, and only safetensors files are read; " +
                     tensors_detail::how_to_convert(path, wanted));
  }
  static void refuse_pickled(const std::filesystem::path& path, const std::filesystem::path& wanted = {}) {
    const auto ending = path.extension();
    if (ending != ".bin" && ending != ".pt" && ending != ".pth") return;
    throw_pickled(path, wanted.empty() ? std::filesystem::path(path).replace_extension(".safetensors") : wanted);
  }

  std::size_t add_file(const std::filesystem::path& path) {
    auto mapping = MappedFile::open(path);
    auto layout = std::make_shared<const SafetensorsLayout>(SafetensorsLayout::parse(*mapping));
    metadata_.insert(layout->metadata.begin(), layout->metadata.end());
    files_.push_back({std::move(mapping), std::move(layout)});
    return files_.size() - 1;
  }

  void add_all(std::size_t file) {
    for (const SafetensorsEntry& entry : files_[file].layout->entries) places_.emplace(entry.name, Place{file, &entry});
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
      const SafetensorsEntry* entry = files_[known->second].layout->find(name);
      if (!entry)
        throw InputError(where + " places tensor '" + name + "' in " + shard +
                         ", which does not hold it; index and shards do not belong together, download both again");
      places_.emplace(name, Place{known->second, entry});
    }
    // What the index forgets is offered as well, so that a model can report it as unknown instead of never seeing it.
    for (std::size_t file = 0; file < files_.size(); ++file)
      for (const SafetensorsEntry& entry : files_[file].layout->entries) {
        const auto [place, is_new] = places_.emplace(entry.name, Place{file, &entry});
        if (!is_new && place->second.file != file)
          throw InputError(where + ": tensor '" + entry.name + "' is in two shards, " +
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

  const SafetensorsEntry& entry(const std::string& name) const {
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
