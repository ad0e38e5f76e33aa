// What the metric `bertscore` can be told: a model folder, the layer to take, weights of tokens, limits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/plain_name.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::bertscore {

/// A model that the paper scores with: the family of its network, and the layer that bert-score found best for it.
struct Preset {
  std::string_view name, family;
  std::int64_t layer = 0;
};
inline constexpr Preset presets[] = {{"roberta-large", "roberta", 17}, {"biobert-large", "bert", 24}};

struct Settings {
  std::string model;
  std::optional<std::string> name;
  std::string preset = "none";
  IntOrAuto layer;
  bool idf = false;
  IntOrAuto max_tokens;
  std::int64_t batch_tokens = 32768;

  static void describe(auto& s) {
    using T = Settings;
    s.field("model", &T::model,
            {.help = "folder of a BERT or RoBERTa encoder in Hugging Face form: config.json, the tokenizer's files, "
                     "model.safetensors or pytorch_model.bin",
             .required = true});
    s.field("name", &T::name,
            {.help = "stands in the scores' names, bertscore.NAME.f1; without it the preset's, else the folder's"});
    s.field("preset", &T::preset,
            {.help = "layer and kind of a model of the paper: 17 of roberta-large, 24 of biobert-large",
             .choices = {"none", "roberta-large", "biobert-large"}});
    s.field("layer", &T::layer,
            {.help = "whose output stands for a token: 0 the embeddings, n the output of block n; auto = the preset's, "
                     "else the last. Blocks above are never computed",
             .min = 0,
             .max = 1000});
    s.field("idf", &T::idf, {.help = "tokens count by their inverse document frequency in the references"});
    s.field("max_tokens", &T::max_tokens,
            {.help = "tokens of a text that are read, the two around it included; auto = what the tokenizer's files "
                     "say, at most what the model has positions for. The paper's is 495",
             .unit = "tokens",
             .min = 3,
             .max = 1e6});
    s.field("batch_tokens", &T::batch_tokens,
            {.help = "tokens whose vectors are held at a time, of all texts together; a longer pair is alone",
             .unit = "tokens",
             .min = 1,
             .max = 1e9});
  }

  const Preset* chosen_preset() const {
    const auto found = std::ranges::find(presets, std::string_view(preset), &Preset::name);
    return found == std::end(presets) ? nullptr : found;
  }

  /// What stands in the scores' names. InputError where it is no plain word.
  std::string score_name() const {
    if (name) {
      expect_plain_name(*name, "the model's");
      return *name;
    }
    if (const Preset* known = chosen_preset()) return std::string(known->name);
    const std::filesystem::path folder = std::filesystem::path(model).lexically_normal();
    std::string own = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
    std::ranges::replace_if(
        own, [](char c) { return plain_letters.find(c) == std::string_view::npos; }, '-');
    return own.empty() ? "model" : own;
  }
};

}  // namespace cell2text::bertscore
