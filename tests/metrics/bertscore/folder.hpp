// A small BERT or RoBERTa with a tokenizer, as a Hugging Face folder.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cell2text/nn/bert.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

/// At random weights of `seed`. Tests change files and write them again.
struct TextModelFolder {
  TemporaryFolder folder;
  nlohmann::json config;
  std::vector<std::pair<std::string, Tensor>> tensors;

  explicit TextModelFolder(const std::string& family = "bert", std::uint64_t seed = 1) {
    static const char* const bert[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    static const char* const roberta[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    BertConfig shape;
    shape.family = family, shape.padding_token = family == "bert" ? 0 : 1;
    shape.width = 16, shape.layers = 3, shape.heads = 2, shape.feed_forward = 24, shape.initializer_range = 0.6;
    shape.max_positions = 24, shape.vocabulary_size = family == "bert" ? 13 : 261;
    config = shape.to_json();
    config["model_type"] = family, config["pad_token_id"] = shape.padding_token;
    if (family == "bert") {
      std::string lines;
      for (const char* token : bert) lines += std::string(token) + "\n";
      for (const char* token : {"t", "b", "cell", "##s", "a", ".", "of", "the"}) lines += std::string(token) + "\n";
      write_file(folder / "vocab.txt", lines);
    } else {
      nlohmann::json vocabulary;
      int id = 0;
      for (const char* token : roberta) vocabulary[token] = id++;
      const ByteLevelAlphabet alphabet;
      for (int byte = 0; byte < 256; ++byte) vocabulary[alphabet.character(static_cast<unsigned char>(byte))] = id++;
      write_file(folder / "vocab.json", vocabulary.dump());
      write_file(folder / "merges.txt", "#version: 0.2\n");
    }
    Parameters parameters(torch::kCPU, torch::kFloat32, seed);
    const BertEncoder network(parameters, shape, shape.layers);
    for (const Parameter& parameter : parameters.list()) tensors.emplace_back(parameter.name, parameter.value);
    write();
  }

  void write() const {
    write_file(folder / "config.json", config.dump());
    save_tensors(folder / "model.safetensors", tensors);
  }
  Tensor& operator[](const std::string& name) {
    for (auto& [key, tensor] : tensors)
      if (key == name) return tensor;
    FAIL("no tensor is called " << name);
    return tensors.front().second;
  }
  std::string path() const { return folder.path().string(); }
};

}  // namespace cell2text::test
