// The files of a model folder beside its weights: configuration, tokenizer, generation defaults. Read once, so that
// a model can be saved when its origin is gone.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "chat.hpp"
#include "config.hpp"

namespace cell2text::llama {

class Checkpoint {
 public:
  /// Reads what the settings name. InputError where a file is missing, damaged or does not fit another.
  explicit Checkpoint(const Settings& settings)
      : tokenizer_{Tokenizer::read(tokenizer_path(settings))}, template_(settings.chat_template) {
    keep_tokenizer_files(tokenizer_path(settings));
    if (settings.checkpoint)
      read_folder(*settings.checkpoint);
    else
      start(*settings.architecture);
    if (tokenizer_.tokenizer.vocabulary_size() > config_.vocabulary)
      throw InputError(tokenizer_path(settings).string() + " has ids up to " +
                       std::to_string(tokenizer_.tokenizer.vocabulary_size() - 1) + "; the model embeds " +
                       std::to_string(config_.vocabulary) + " tokens. Tokenizer and weights do not belong together");
    choose_end_tokens(settings);
  }

  const Config& config() const { return config_; }
  const TextTokenizer& tokenizer() const { return tokenizer_; }
  const std::vector<std::int64_t>& end_tokens() const { return end_tokens_; }
  bool llama3_template() const { return template_ == "llama3"; }

  /// Writes all files but the weights, of which `dtype` is told ("float32").
  void save(const std::filesystem::path& folder, const std::string& dtype) const {
    nlohmann::json json = config_json_;
    config_.write_to(json);
    json["eos_token_id"] = as_json(end_tokens_);
    json["dtype"] = dtype;
    json.erase("torch_dtype");
    json["cell2text_template"] = template_;
    nlohmann::json generation = generation_json_;
    generation["eos_token_id"] = as_json(end_tokens_);
    if (config_.begin_token) generation["bos_token_id"] = *config_.begin_token;
    write_atomically(folder / "config.json", json.dump(2) + "\n");
    write_atomically(folder / "generation_config.json", generation.dump(2) + "\n");
    for (const auto& [name, bytes] : tokenizer_files_) write_atomically(folder / name, bytes);
  }

 private:
  static nlohmann::json as_json(const std::vector<std::int64_t>& ids) {
    return ids.size() == 1 ? nlohmann::json(ids.front()) : nlohmann::json(ids);
  }

  static std::filesystem::path tokenizer_path(const Settings& settings) {
    const std::filesystem::path given = settings.tokenizer ? *settings.tokenizer : *settings.checkpoint;
    const auto path = std::filesystem::is_directory(given) ? given / "tokenizer.json" : given;
    if (!std::filesystem::exists(path))
      throw InputError(path.string() + " does not exist; " +
                       (settings.tokenizer ? "'tokenizer' names a tokenizer.json or the folder that holds it"
                                           : "the checkpoint folder needs a tokenizer.json, or set 'tokenizer'"));
    return path;
  }

  void keep_tokenizer_files(const std::filesystem::path& tokenizer) {
    tokenizer_files_["tokenizer.json"] = MappedFile::open(tokenizer)->text();
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"})
      if (const auto path = tokenizer.parent_path() / name; std::filesystem::exists(path))
        tokenizer_files_[name] = MappedFile::open(path)->text();
  }

  void read_folder(const std::filesystem::path& folder) {
    if (!std::filesystem::exists(folder / "config.json"))
      throw InputError((folder / "config.json").string() +
                       " does not exist; 'checkpoint' names a Hugging Face folder "
                       "with config.json, model.safetensors and tokenizer.json");
    const std::string where = (folder / "config.json").string();
    config_json_ = read_json(folder / "config.json");
    config_ = Config::read(config_json_, where);
    if (const auto path = folder / "generation_config.json"; std::filesystem::exists(path)) {
      generation_json_ = read_json(path);
      if (const auto ids = token_ids(generation_json_, "eos_token_id", config_.vocabulary, path.string()); !ids.empty())
        config_.end_tokens = ids;
    }
    if (template_ != "auto") return;
    const bool headers = tokenizer_.tokenizer.id_of("<|start_header_id|>").has_value();
    template_ =
        optional_value<std::string>(config_json_, "cell2text_template", where).value_or(headers ? "llama3" : "plain");
    if (template_ != "llama3" && template_ != "plain")
      throw InputError(where + ": 'cell2text_template' is '" + template_ + "'; 'llama3' or 'plain' is expected");
  }

  void start(const Architecture& architecture) {
    config_ = Config::from(architecture, tokenizer_.tokenizer.vocabulary_size());
    config_.begin_token = first_of({"<|begin_of_text|>", "<s>", "<bos>"});
    if (const auto end = first_of({"<|end_of_text|>", "</s>", "<eos>", "<|endoftext|>"})) config_.end_tokens = {*end};
    if (template_ == "auto") template_ = "plain";
  }

  std::optional<std::int64_t> first_of(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names)
      if (const auto id = tokenizer_.tokenizer.id_of(name)) return id;
    return {};
  }

  void choose_end_tokens(const Settings& settings) {
    end_tokens_ = config_.end_tokens;
    if (const auto end_of_turn = tokenizer_.tokenizer.id_of("<|eot_id|>")) {
      std::erase(end_tokens_, *end_of_turn);
      end_tokens_.insert(end_tokens_.begin(), *end_of_turn);
    }
    if (end_tokens_.empty())
      throw InputError(tokenizer_path(settings).string() +
                       " has no token that ends a text: neither <|eot_id|> nor "
                       "<|end_of_text|>, </s>, <eos> or an eos_token_id in config.json; add one of them");
  }

  TextTokenizer tokenizer_;
  std::string template_;  // "llama3" or "plain" once constructed
  Config config_;
  nlohmann::json config_json_ = nlohmann::json::object();
  nlohmann::json generation_json_ = {{"do_sample", false}};
  std::map<std::string, std::string> tokenizer_files_;
  std::vector<std::int64_t> end_tokens_;
};

}  // namespace cell2text::llama
