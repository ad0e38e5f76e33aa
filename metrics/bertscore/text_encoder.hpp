// A BERT or RoBERTa folder opened for reading texts: tokens of a text, and a vector for each of them. What is compared
// is not known here.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/nn/bert.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/text/encoder_tokenizer.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/word_character.hpp"
#include "cell2text/text/words.hpp"
#include "settings.hpp"

namespace cell2text::bertscore {

/// A text as the model reads it.
struct Tokens {
  std::vector<std::int64_t> ids;  ///< with the two around it
  bool cut = false;               ///< it had more
  bool empty() const { return ids.size() == 2; }
};

namespace text_encoder_detail {

/// A tensor's name without the family's, and with the ends that BERT's first checkpoints had (gamma, beta) renamed;
/// nothing for heads on top of the encoder and buffers of old versions.
inline std::optional<std::string> name_of_tensor(std::string name, const std::string& family) {
  std::string_view rest = name;
  take_prefix(rest, family + ".");
  if (rest == "embeddings.position_ids" || rest == "embeddings.token_type_ids") return {};
  if (!rest.starts_with("embeddings.") && !rest.starts_with("encoder.")) return {};
  std::string plain = family + "." + std::string(rest);
  for (const auto& [old_end, end] :
       {std::pair{".LayerNorm.gamma", ".LayerNorm.weight"}, std::pair{".LayerNorm.beta", ".LayerNorm.bias"}})
    if (plain.ends_with(old_end))
      plain.replace(plain.size() - std::string_view(old_end).size(), std::string::npos, end);
  return plain;
}

/// As Python's str.strip. `text` is valid UTF-8.
inline std::string_view stripped(std::string_view text) {
  const auto white = [&](std::size_t at) {
    const char32_t code = decode_utf8(text, at).first;
    return is_white_space(code) || (code >= 0x1C && code <= 0x1F);
  };
  while (!text.empty() && white(0)) text.remove_prefix(decode_utf8(text, 0).second);
  while (!text.empty() && white(last_character(text))) text = text.substr(0, last_character(text));
  return text;
}

}  // namespace text_encoder_detail

/// Const after construction; usable from several threads.
class TextEncoder {
 public:
  /// InputError: a folder that lacks a file, damaged ones, another kind of model, tensors that are missing or
  /// misshapen, a layer or a limit that the model does not have.
  explicit TextEncoder(const Settings& settings)
      : folder_(settings.model), tokens_(open_tokenizer(folder_)), parameters_(torch::kCPU, torch::kFloat32, 0) {
    const std::string where = (folder_ / "config.json").string();
    const Preset* preset = settings.chosen_preset();
    nlohmann::json json = read_json(where);
    if (preset && !json.contains("model_type")) json["model_type"] = preset->family;  // configs of 2019 lack it
    const BertConfig config = BertConfig::from_json(json, where, {"bert", "roberta"});
    if (preset && preset->family != config.family)
      throw InputError(where + ": 'model_type' is '" + config.family + "', and the preset '" + settings.preset +
                       "' is for '" + std::string(preset->family) + "'; choose another folder or preset = \"none\"");
    layer_ = settings.layer.value.value_or(preset ? preset->layer : config.layers);
    if (layer_ > config.layers)
      throw InputError(where + ": the model has " + std::to_string(config.layers) + " blocks, and 'layer' is " +
                       std::to_string(layer_) + (settings.layer.value ? "" : " by the preset") + "; at most " +
                       std::to_string(config.layers) + " is expected");
    max_tokens_ =
        settings.max_tokens.value.value_or(std::min(tokens_.max_tokens.value_or(config.longest()), config.longest()));
    if (max_tokens_ > config.longest())
      throw InputError("'max_tokens' is " + std::to_string(max_tokens_) + ", and " + folder_.string() + " has " +
                       std::to_string(config.longest()) + " positions; lower it, or set it to \"auto\"");
    if (max_tokens_ < 3)
      throw InputError(where + ": the model has " + std::to_string(config.longest()) +
                       " positions; two stand around a text, and none is left for it");
    if (tokens_.tokenizer.vocabulary_size() > config.vocabulary_size)
      throw InputError(where + ": 'vocab_size' is " + std::to_string(config.vocabulary_size) +
                       ", and the tokenizer has ids up to " + std::to_string(tokens_.tokenizer.vocabulary_size() - 1) +
                       "; the folder's files do not belong together");
    load(config);
  }

  /// The tokens of a text, cut behind so that at most max_tokens() stay. White space around it does
  /// not count; RoBERTa reads the first word as one inside a text. As bert-score's sent_encode.
  Tokens tokenize(std::string_view text) const {
    const std::string valid = is_utf8(text) ? std::string(text) : replace_invalid_utf8(text);
    const std::string_view inner = text_encoder_detail::stripped(valid);
    Tokens tokens{{tokens_.begin}};
    if (!inner.empty()) {
      const auto more = tokens_.tokenizer.encode(family() == "roberta" ? " " + std::string(inner) : std::string(inner));
      const auto room = static_cast<std::size_t>(max_tokens_ - 2);
      tokens.cut = more.size() > room;
      tokens.ids.insert(tokens.ids.end(), more.begin(), tokens.cut ? more.begin() + max_tokens_ - 2 : more.end());
    }
    tokens.ids.push_back(tokens_.end);
    return tokens;
  }

  /// Whether a token is one of those around a text; they are looked at and do not count.
  bool is_frame(std::int64_t id) const { return id == tokens_.begin || id == tokens_.end; }

  /// ids [B,T] (int64) of texts of one length -> [B,T,E], without gradients.
  Tensor encode(const Tensor& ids_BT) const {
    const torch::NoGradGuard no_grad;
    return network_->forward_together(ids_BT);
  }

  const std::string& family() const { return network_->config().family; }
  std::int64_t layer() const { return layer_; }
  std::int64_t num_layers() const { return network_->config().layers; }
  std::int64_t width() const { return network_->config().width; }
  std::int64_t vocabulary_size() const { return network_->config().vocabulary_size; }
  std::int64_t max_tokens() const { return max_tokens_; }
  bool case_assumed() const { return tokens_.case_assumed; }

 private:
  static EncoderTokenizer open_tokenizer(const std::filesystem::path& folder) {
    if (!std::filesystem::is_directory(folder))
      throw InputError("'model' is '" + folder.string() +
                       "', which is no folder; name the folder of a BERT or RoBERTa " +
                       "encoder, with its config.json");
    return EncoderTokenizer::open(folder);
  }

  void load(const BertConfig& config) {
    const auto names = [&](const std::string& name) {
      return text_encoder_detail::name_of_tensor(name, config.family);
    };
    parameters_.load_from(std::make_shared<const TensorFiles>(TensorFiles::open(folder_).renamed(names)));
    network_ = std::make_unique<BertEncoder>(parameters_, config, layer_);
    parameters_.expect_all_used([&](std::string_view name) {  // blocks above the layer
      return take_prefix(name, config.family + ".encoder.layer.") && std::atoll(name.data()) >= layer_ &&
             std::atoll(name.data()) < config.layers;
    });
  }

  std::filesystem::path folder_;
  EncoderTokenizer tokens_;
  Parameters parameters_;
  std::int64_t layer_ = 0, max_tokens_ = 0;
  std::unique_ptr<BertEncoder> network_;
};

}  // namespace cell2text::bertscore
