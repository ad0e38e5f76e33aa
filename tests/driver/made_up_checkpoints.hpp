// Checkpoints of the published shapes without their weights: headers as they are, and holes in place of values, so that
// gigabytes take no room. What reads shapes alone cannot tell them from real ones.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/oracle.hpp"

namespace cell2text::test {

using Shape = std::vector<std::int64_t>;

/// A .safetensors file of zeros that are not written.
class HollowTensors {
 public:
  explicit HollowTensors(std::string dtype, std::int64_t bytes) : dtype_(std::move(dtype)), bytes_(bytes) {}

  void add(const std::string& name, const Shape& shape) {
    std::int64_t size = bytes_;
    for (const auto n : shape) size *= n;
    header_[name] = {{"dtype", dtype_}, {"shape", shape}, {"data_offsets", {end_, end_ + size}}};
    end_ += size;
  }
  void write(const std::filesystem::path& path) const {
    std::string header = header_.dump();
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::uint64_t length = header.size();
    std::string start(reinterpret_cast<const char*>(&length), sizeof length);
    write_file(path, start + header);
    std::filesystem::resize_file(path, sizeof length + length + static_cast<std::uint64_t>(end_));
  }

 private:
  std::string dtype_;
  std::int64_t bytes_, end_ = 0;
  nlohmann::ordered_json header_ = nlohmann::ordered_json::object();
};

struct DecoderShape {
  std::int64_t vocabulary, width, layers, heads, kv_heads, head_dim, feed_forward;
  bool gemma = false;
};

inline void make_decoder_folder(const std::filesystem::path& folder, const DecoderShape& s, nlohmann::json config) {
  std::filesystem::create_directories(folder);
  config.update({{"vocab_size", s.vocabulary},
                 {"hidden_size", s.width},
                 {"num_hidden_layers", s.layers},
                 {"num_attention_heads", s.heads},
                 {"num_key_value_heads", s.kv_heads},
                 {"head_dim", s.head_dim},
                 {"intermediate_size", s.feed_forward},
                 {"tie_word_embeddings", true},
                 {"max_position_embeddings", 131072},
                 {"torch_dtype", "bfloat16"}});
  write_file(folder / "config.json", config.dump());
  for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
    std::filesystem::copy_file(source_dir() / "data/demo/tokenizer" / file, folder / file);
  HollowTensors tensors("BF16", 2);
  tensors.add("model.embed_tokens.weight", {s.vocabulary, s.width});
  const std::int64_t queries = s.heads * s.head_dim, keys = s.kv_heads * s.head_dim;
  for (std::int64_t layer = 0; layer < s.layers; ++layer) {
    const std::string name = "model.layers." + std::to_string(layer) + ".";
    tensors.add(name + "self_attn.q_proj.weight", {queries, s.width});
    tensors.add(name + "self_attn.k_proj.weight", {keys, s.width});
    tensors.add(name + "self_attn.v_proj.weight", {keys, s.width});
    tensors.add(name + "self_attn.o_proj.weight", {s.width, queries});
    tensors.add(name + "mlp.gate_proj.weight", {s.feed_forward, s.width});
    tensors.add(name + "mlp.up_proj.weight", {s.feed_forward, s.width});
    tensors.add(name + "mlp.down_proj.weight", {s.width, s.feed_forward});
    tensors.add(name + "input_layernorm.weight", {s.width});
    tensors.add(name + "post_attention_layernorm.weight", {s.width});
    if (!s.gemma) continue;
    tensors.add(name + "pre_feedforward_layernorm.weight", {s.width});
    tensors.add(name + "post_feedforward_layernorm.weight", {s.width});
    tensors.add(name + "self_attn.q_norm.weight", {s.head_dim});
    tensors.add(name + "self_attn.k_norm.weight", {s.head_dim});
  }
  tensors.add("model.norm.weight", {s.width});
  tensors.write(folder / "model.safetensors");
}

/// Llama-3.2-1B-Instruct.
inline void make_llama_1b(const std::filesystem::path& folder) {
  make_decoder_folder(folder, {128256, 2048, 16, 32, 8, 64, 8192},
                      {{"model_type", "llama"}, {"rms_norm_eps", 1e-5}, {"rope_theta", 500000.0}, {"eos_token_id", 2}});
}

/// The text model of gemma-3-4b-it.
inline void make_gemma_4b(const std::filesystem::path& folder) {
  make_decoder_folder(folder, {262208, 2560, 34, 8, 4, 256, 10240, true},
                      {{"model_type", "gemma3_text"},
                       {"rms_norm_eps", 1e-6},
                       {"rope_theta", 1e6},
                       {"rope_local_base_freq", 1e4},
                       {"sliding_window", 1024},
                       {"sliding_window_pattern", 6},
                       {"query_pre_attn_scalar", 256},
                       {"hidden_activation", "gelu_pytorch_tanh"},
                       {"eos_token_id", 2}});
}

/// Geneformer-V2-316M.
inline void make_geneformer_316m(const std::filesystem::path& folder) {
  constexpr std::int64_t width = 1152, layers = 18, wide = 4608, vocabulary = 20275, positions = 4096;
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", nlohmann::json({{"model_type", "bert"},
                                                     {"hidden_size", width},
                                                     {"num_hidden_layers", layers},
                                                     {"num_attention_heads", 18},
                                                     {"intermediate_size", wide},
                                                     {"vocab_size", vocabulary},
                                                     {"max_position_embeddings", positions},
                                                     {"type_vocab_size", 2},
                                                     {"hidden_act", "relu"},
                                                     {"layer_norm_eps", 1e-12},
                                                     {"pad_token_id", 0}})
                                         .dump());
  HollowTensors tensors("F32", 4);
  const auto pair = [&](const std::string& name, const Shape& weight) {
    tensors.add(name + ".weight", weight);
    tensors.add(name + ".bias", {weight.front()});
  };
  tensors.add("bert.embeddings.word_embeddings.weight", {vocabulary, width});
  tensors.add("bert.embeddings.position_embeddings.weight", {positions, width});
  tensors.add("bert.embeddings.token_type_embeddings.weight", {2, width});
  pair("bert.embeddings.LayerNorm", {width});
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string name = "bert.encoder.layer." + std::to_string(layer) + ".";
    for (const char* part : {"query", "key", "value"}) pair(name + "attention.self." + part, {width, width});
    pair(name + "attention.output.dense", {width, width});
    pair(name + "attention.output.LayerNorm", {width});
    pair(name + "intermediate.dense", {wide, width});
    pair(name + "output.dense", {width, wide});
    pair(name + "output.LayerNorm", {width});
  }
  tensors.write(folder / "model.safetensors");
}

}  // namespace cell2text::test
