// Saving a checkpoint in files of a limited size with an index, as Hugging Face's folders hold it. io/tensors.hpp reads
// them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/tensors.hpp"

namespace cell2text {

/// Writes model.safetensors into `folder`, which exists; or, where the tensors have more than `shard_bytes`,
/// model-00001-of-0000N.safetensors and so on, filled in the order given, with model.safetensors.index.json. A tensor
/// is never cut: one that is larger by itself has a shard of its own. Errors as save_tensors.
inline void save_sharded(const std::filesystem::path& folder,
                         const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                         std::uint64_t shard_bytes = 5'000'000'000) {
  std::vector<std::vector<std::pair<std::string, at::Tensor>>> shards(1);
  std::uint64_t total = 0, in_shard = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
    if (!shards.back().empty() && in_shard + bytes > shard_bytes) shards.emplace_back(), in_shard = 0;
    shards.back().emplace_back(name, tensor);
    in_shard += bytes, total += bytes;
  }
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (shards.size() == 1) return save_tensors(folder / "model.safetensors", shards.front(), metadata);
  nlohmann::json index = {{"metadata", {{"total_size", total}}}, {"weight_map", nlohmann::json::object()}};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    save_tensors(folder / name, shards[i], metadata);
    for (const auto& [tensor, unused] : shards[i]) index["weight_map"][tensor] = name;
  }
  write_atomically(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace cell2text
