// Starts the parameters of a Q-Former from a BERT checkpoint: which tensor goes where. The layers are qformer.hpp's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/io/tensors.hpp"
#include "cell2text/nn/parameters.hpp"

namespace cell2text::qformer {

/// A tensor of a BERT checkpoint under the name it has in a bare model of today: without "bert.", and .weight and .bias
/// where older files call the parts of a normalisation .gamma and .beta.
inline std::string plain_bert_name(std::string name) {
  if (name.starts_with("bert.")) name.erase(0, 5);
  for (const auto& [old_end, end] : {std::pair{".gamma", ".weight"}, std::pair{".beta", ".bias"}})
    if (name.ends_with(old_end)) name.replace(name.size() - std::string_view(old_end).size(), std::string::npos, end);
  return name;
}

/// Parts of a Q-Former of `layers` layers, and of a BERT, that are the same; .weight and .bias each.
inline std::vector<std::pair<std::string, std::string>> parts_in_bert(std::int64_t layers) {
  std::vector<std::pair<std::string, std::string>> parts = {{"norm", "embeddings.LayerNorm"}};
  for (std::int64_t i = 0; i < layers; ++i)
    for (const auto& [own, its] : {std::pair{"attention.query", "attention.self.query"},
                                   {"attention.key", "attention.self.key"},
                                   {"attention.value", "attention.self.value"},
                                   {"attention.out", "attention.output.dense"},
                                   {"attention_norm", "attention.output.LayerNorm"},
                                   {"up", "intermediate.dense"},
                                   {"down", "output.dense"},
                                   {"norm", "output.LayerNorm"}})
      parts.emplace_back("layers." + std::to_string(i) + "." + own, "encoder.layer." + std::to_string(i) + "." + its);
  return parts;
}

/// Copies what `folder` has of the first `layers` layers. InputError naming a tensor that is missing, of another shape
/// than config.json says, or holds no floating-point numbers.
inline void start_from_bert(Parameters& parameters, const std::filesystem::path& folder, std::int64_t layers) {
  const TensorFiles files = TensorFiles::open(folder).renamed(
      [](const std::string& name) -> std::optional<std::string> { return plain_bert_name(name); });
  for (const auto& [own, its] : parts_in_bert(layers))
    for (const char* end : {".weight", ".bias"}) {
      Tensor& value = parameters.find(own + end)->value;
      const std::string name = its + end, where = folder.string() + ": tensor '" + name + "'";
      if (!files.contains(name))
        throw InputError(where +
                         " is missing, also with 'bert.' before it; the checkpoint is incomplete, or of "
                         "another family");
      if (files.shape(name) != value.sizes().vec())
        throw InputError(where + " has shape " + c10::str(at::IntArrayRef(files.shape(name))) +
                         "; config.json asks for " + c10::str(value.sizes()));
      if (!at::isFloatingType(files.dtype(name)))
        throw InputError(where + " holds " + c10::toString(files.dtype(name)) +
                         " values; floating-point weights are expected");
      value = files.tensor(name).to(value.options(), false, /*copy=*/true);
    }
}

}  // namespace cell2text::qformer
