// The files of a language model's Hugging Face folder beside its weights: config.json, generation_config.json and the
// tokenizer's. Read once, so that a model can be saved when its origin is gone. What config.json means is the family's.
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/model_config.hpp"
#include "cell2text/text/chat_writer.hpp"
#include "cell2text/text/tokenizer_folder.hpp"

namespace cell2text {

class DecoderFolder {
 public:
  using Ids = std::vector<std::int64_t>;

  /// Of a checkpoint's folder, or of a tokenizer alone, or both (then the tokenizer is not the checkpoint's own).
  /// InputError where a file is missing or damaged.
  DecoderFolder(const std::optional<std::string>& checkpoint, const std::optional<std::string>& tokenizer)
      : files_(TokenizerFolder::open(tokenizer ? *tokenizer : *checkpoint, tokenizer ? "tokenizer" : "checkpoint")),
        tokenizer_{files_.tokenizer()} {
    if (!checkpoint) return;
    const std::filesystem::path folder = *checkpoint;
    place_ = (folder / "config.json").string();
    if (!std::filesystem::exists(place_))
      throw InputError(place_ +
                       " does not exist; 'checkpoint' names a Hugging Face folder with config.json, weights "
                       "(model.safetensors or pytorch_model.bin, or their shards) and a tokenizer");
    config_ = read_json(place_);
    if (!config_.is_object()) throw InputError(place_ + " holds " + config_.type_name() + "; an object is expected");
    if (const auto path = folder / "generation_config.json"; std::filesystem::exists(path)) {
      generation_place_ = path.string();
      generation_ = read_json(path);
      if (!generation_.is_object())
        throw InputError(generation_place_ + " holds " + generation_.type_name() + "; an object is expected");
    }
  }

  const nlohmann::json& config() const { return config_; }
  /// Of config.json, for errors; empty where there is none.
  const std::string& place() const { return place_; }
  const PlainTextTokenizer& tokenizer() const { return tokenizer_; }
  const std::filesystem::path& tokenizer_path() const { return files_.path(); }

  /// InputError where a token of a text has no row in an embedding of `rows`. Special tokens may lie beyond: published
  /// tokenizers of a family name images where a smaller model embeds none, and no text holds them.
  void check_vocabulary(std::int64_t rows) const {
    const Tokenizer& all = tokenizer_.tokenizer;
    for (std::int64_t id = rows; id < all.vocabulary_size(); ++id)
      if (!all.is_special(id))
        throw InputError(tokenizer_path().string() + " has ids up to " + std::to_string(all.vocabulary_size() - 1) +
                         "; the model embeds " + std::to_string(rows) +
                         " tokens. Tokenizer and weights do not belong together");
  }

  /// The first of these tokens that the tokenizer has.
  std::optional<std::int64_t> first_of(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names)
      if (const auto id = tokenizer_.tokenizer.id_of(name)) return id;
    return {};
  }
  std::optional<std::int64_t> id_of(std::string_view name) const { return first_of({name}); }

  /// Tokens that end a text: those of generation_config.json, else `of_config`, and before them the token that ends a
  /// turn, where the tokenizer has it. InputError where there is none at all, or one is no row of the embedding.
  Ids end_tokens(Ids of_config, std::string_view end_of_turn, std::int64_t rows) const {
    if (Ids ids = model_config::token_ids(generation_, "eos_token_id", rows, generation_place_); !ids.empty())
      of_config = std::move(ids);
    if (const auto id = tokenizer_.tokenizer.id_of(end_of_turn); id && *id < rows) {
      std::erase(of_config, *id);
      of_config.insert(of_config.begin(), *id);
    }
    if (of_config.empty())
      throw InputError(tokenizer_path().string() + " has no token that ends a text: neither " +
                       std::string(end_of_turn) +
                       " nor an eos_token_id in config.json or generation_config.json, nor one of <|end_of_text|>, "
                       "</s>, <eos>; add one of them");
    return of_config;
  }

  /// The prompt's template: `setting`, or with "auto" what the checkpoint was saved with, else `guess`. InputError
  /// where the checkpoint names one that is not in `known`.
  std::string chat_template(const std::string& setting, const std::vector<std::string>& known,
                            const std::string& guess) const {
    if (setting != "auto") return setting;
    const auto saved = config_.is_object() ? optional_value<std::string>(config_, "cell2text_template", place_)
                                           : std::optional<std::string>();
    if (saved && std::ranges::find(known, *saved) == known.end()) {
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "'" : ", '") + name + "'";
      throw InputError(place_ + ": 'cell2text_template' is '" + *saved + "'; one of " + names + " is expected");
    }
    return saved.value_or(guess);
  }

  /// Whether the chat template beside the tokenizer holds `words`.
  bool template_mentions(std::string_view words) const {
    const auto folder = files_.path().parent_path();
    for (const char* name : {"chat_template.jinja", "tokenizer_config.json", "chat_template.json"})
      if (std::filesystem::exists(folder / name) &&
          MappedFile::open(folder / name)->text().find(words) != std::string_view::npos)
        return true;
    return false;
  }

  /// What saving needs to be told.
  struct Saved {
    nlohmann::json config;  ///< config.json without what is named here
    std::string chat_template;
    std::string dtype;  ///< of the weights, "float32"
    Ids end_tokens;
    std::optional<std::int64_t> begin_token;
  };

  /// Writes all files but the weights into `folder`, which exists.
  void save(const std::filesystem::path& folder, Saved saved) const {
    const auto end = model_config::ids_json(saved.end_tokens);
    nlohmann::json &config = saved.config, generation = generation_;
    config["eos_token_id"] = generation["eos_token_id"] = end;
    config["bos_token_id"] = nullptr;
    if (saved.begin_token) config["bos_token_id"] = generation["bos_token_id"] = *saved.begin_token;
    config["dtype"] = saved.dtype;
    config.erase("torch_dtype");
    config["cell2text_template"] = saved.chat_template;
    write_atomically(folder / "config.json", config.dump(2) + "\n");
    write_atomically(folder / "generation_config.json", generation.dump(2) + "\n");
    files_.save(folder);
  }

 private:
  TokenizerFolder files_;
  PlainTextTokenizer tokenizer_;
  std::string place_, generation_place_ = "generation_config.json";
  nlohmann::json config_ = nlohmann::json::object();
  nlohmann::json generation_ = {{"do_sample", false}};
};

}  // namespace cell2text
