// A small BERT as a Hugging Face folder, for tests that start from one.
#pragma once

#include <nlohmann/json.hpp>

#include "cell2text/io/tensors.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

/// What the folder holds; tests change it before it is written.
struct BertFolder {
  TemporaryFolder folder;
  nlohmann::json config = {{"model_type", "bert"},         {"vocab_size", 11},         {"hidden_size", 16},
                           {"num_hidden_layers", 3},       {"num_attention_heads", 4}, {"intermediate_size", 24},
                           {"max_position_embeddings", 8}, {"hidden_act", "relu"},     {"layer_norm_eps", 1e-6}};
  std::vector<std::pair<std::string, torch::Tensor>> tensors;

  /// `prefix` before all names, `weight` and `bias` as the ends of a normalisation's.
  BertFolder(const std::string& prefix = "bert.", const std::string& weight = "weight",
             const std::string& bias = "bias") {
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, const std::string& end) {
      tensors.emplace_back(prefix + name + "." + end, torch::randn(shape));
    };
    add("embeddings.word_embeddings", {11, 16}, "weight");
    add("embeddings.LayerNorm", {16}, weight), add("embeddings.LayerNorm", {16}, bias);
    for (int i = 0; i < 3; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* part : {"attention.self.query", "attention.self.key", "attention.self.value",
                               "attention.output.dense", "intermediate.dense", "output.dense"}) {
        const bool up = std::string(part) == "intermediate.dense", down = std::string(part) == "output.dense";
        add(layer + part, {up ? 24 : 16, down ? 24 : 16}, "weight"), add(layer + part, {up ? 24 : 16}, "bias");
      }
      for (const char* part : {"attention.output.LayerNorm", "output.LayerNorm"})
        add(layer + part, {16}, weight), add(layer + part, {16}, bias);
    }
    add("pooler.dense", {16, 16}, "weight");
  }

  /// Writes it, and returns its path as a setting.
  std::string write() const {
    write_file(folder / "config.json", config.dump());
    save_tensors(folder / "model.safetensors", tensors);
    return folder.path().string();
  }
  torch::Tensor& operator[](const std::string& name) {
    for (auto& [key, tensor] : tensors)
      if (key == name) return tensor;
    FAIL("no tensor is called " << name);
    return tensors.front().second;
  }
  void remove(const std::string& name) {
    std::erase_if(tensors, [&](const auto& item) { return item.first == name; });
  }
};

}  // namespace cell2text::test
