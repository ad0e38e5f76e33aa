// The Llama decoder (Llama 2, 3, 3.1, 3.2, and whatever else calls itself LlamaForCausalLM): its files, its prompts,
// and which transformer it is. The transformer itself is nn/causal_transformer.hpp's.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/decoder_folder.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/transformer_checkpoint.hpp"
#include "chat.hpp"
#include "config.hpp"

namespace cell2text::llama {

class Llama {
 public:
  using Settings = llama::Settings;
  using State = KvCache;

  static std::vector<std::string> model_types() { return {"llama"}; }

  Llama(const Settings& settings, ModelContext& context)
      : files_(settings.checkpoint, settings.tokenizer),
        config_(read_config(settings)),
        model_(open_transformer(config_.shape, settings, context, [](const std::string& name) { return name; })),
        parameters_(&context.parameters) {
    end_tokens_ = files_.end_tokens(config_.end_tokens, "<|eot_id|>", config_.shape.vocabulary);
    template_ = files_.chat_template(settings.chat_template, {"llama3", "llama2", "plain"}, guess(settings));
    context.log.debug("llama: " + summary(model_, *parameters_));
  }
  Llama(const Llama&) = delete;
  Llama& operator=(const Llama&) = delete;

  const PlainTextTokenizer& tokenizer() const { return files_.tokenizer(); }
  ChatPieces chat(const ChatText& text) const {
    return llama::chat(template_, files_.tokenizer(), text, config_.begin_token);
  }
  std::vector<std::int64_t> end_tokens() const { return end_tokens_; }
  std::int64_t width() const { return config_.shape.width; }
  std::int64_t vocabulary_size() const { return config_.shape.vocabulary; }

  Tensor embed(const Tensor& ids) const { return model_.embed(ids); }
  std::int64_t state_bytes_per_token() const { return model_.state_bytes_per_token(); }
  State new_state() const { return model_.new_state(); }
  Tensor logits(const Tensor& hidden) const { return model_.logits(hidden); }
  Tensor forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                 State* state) {
    return model_.forward(embeddings_BTD, lengths, positions_BT, state);
  }
  Tensor forward_last(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths,
                      const Tensor& positions_BT, const std::vector<std::int64_t>& last, State* state) {
    return model_.forward_last(embeddings_BTD, lengths, positions_BT, last, state);
  }
  std::vector<LinearSlot*> linear_layers() { return model_.linear_layers(); }
  void set_training(bool training) { model_.set_training(training); }

  /// A Hugging Face folder; an older one of that name is replaced as a whole.
  void save(const std::filesystem::path& folder) const {
    nlohmann::json json = files_.config();
    config_.write_to(json);
    save_decoder(folder, files_, *parameters_,
                 {std::move(json), template_, name_of_type(model_.weight_type()), end_tokens_, config_.begin_token});
  }

 private:
  Config read_config(const Settings& settings) const {
    if (settings.checkpoint) {
      Config config = Config::read(files_.config(), files_.place());
      files_.check_vocabulary(config.shape.vocabulary);
      return config;
    }
    Config config = Config::from(*settings.architecture, files_.tokenizer().tokenizer.vocabulary_size());
    config.begin_token = files_.first_of({"<|begin_of_text|>", "<s>", "<bos>"});
    if (const auto end = files_.first_of({"<|end_of_text|>", "</s>", "<eos>", "<|endoftext|>"}))
      config.end_tokens = {*end};
    return config;
  }

  std::string guess(const Settings& settings) const {
    if (!settings.checkpoint) return "plain";
    if (files_.id_of("<|start_header_id|>")) return "llama3";
    return files_.id_of("<s>") && files_.template_mentions("[INST]") ? "llama2" : "plain";
  }

  DecoderFolder files_;
  Config config_;
  CausalTransformer model_;
  Parameters* parameters_;
  std::vector<std::int64_t> end_tokens_;
  std::string template_;
};

}  // namespace cell2text::llama
