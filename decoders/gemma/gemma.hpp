// The Gemma decoder (Gemma 3 text, the text part of its vision-language checkpoints, Gemma 2): its files, its prompts,
// and which transformer it is. The transformer itself is nn/causal_transformer.hpp's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/decoder_folder.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/transformer_checkpoint.hpp"
#include "chat.hpp"
#include "config.hpp"

namespace cell2text::gemma {

/// What a tensor is called without the vision-language model around the text model, in the layouts of transformers
/// before 4.52 ("language_model.model.") and since ("model.language_model."); nothing for what looks at images.
inline std::optional<std::string> text_name(const std::string& name) {
  for (const char* part :
       {"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."})
    if (name.starts_with(part)) return {};
  for (const std::string outer : {"language_model.model.", "model.language_model."})
    if (name.starts_with(outer)) return "model." + name.substr(outer.size());
  if (name == "language_model.lm_head.weight") return "lm_head.weight";
  return name;
}

class Gemma {
 public:
  using Settings = gemma::Settings;
  using State = KvCache;

  static std::vector<std::string> model_types() { return {"gemma3_text", "gemma3", "gemma2"}; }

  Gemma(const Settings& settings, ModelContext& context)
      : files_(settings.checkpoint, settings.tokenizer),
        config_(read_config(settings)),
        model_(open_transformer(config_.shape, settings, context, text_name)),
        parameters_(&context.parameters) {
    end_tokens_ = files_.end_tokens(config_.end_tokens, "<end_of_turn>", config_.shape.vocabulary);
    const bool turns = settings.checkpoint && files_.id_of("<start_of_turn>");
    template_ = files_.chat_template(settings.chat_template, {"gemma", "plain"}, turns ? "gemma" : "plain");
    context.log.debug("gemma: " + summary(model_, *parameters_));
  }
  Gemma(const Gemma&) = delete;
  Gemma& operator=(const Gemma&) = delete;

  const PlainTextTokenizer& tokenizer() const { return files_.tokenizer(); }
  ChatPieces chat(const ChatText& text) const {
    return gemma::chat(template_, files_.tokenizer(), text, config_.begin_token);
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

  /// A Hugging Face folder of the text model alone; an older one of that name is replaced as a whole.
  void save(const std::filesystem::path& folder) const {
    save_decoder(folder, files_, *parameters_,
                 {config_.written(files_.config()), template_, name_of_type(model_.weight_type()), end_tokens_,
                  config_.begin_token});
  }

 private:
  Config read_config(const Settings& settings) const {
    if (settings.checkpoint) {
      Config config = Config::read(files_.config(), files_.place());
      files_.check_vocabulary(config.shape.vocabulary);
      return config;
    }
    Config config = Config::from(*settings.architecture, files_.tokenizer().tokenizer.vocabulary_size());
    config.begin_token = files_.first_of({"<bos>", "<|begin_of_text|>", "<s>"});
    if (const auto end = files_.first_of({"<eos>", "<|end_of_text|>", "</s>", "<|endoftext|>"}))
      config.end_tokens = {*end};
    return config;
  }

  DecoderFolder files_;
  Config config_;
  CausalTransformer model_;
  Parameters* parameters_;
  std::vector<std::int64_t> end_tokens_;
  std::string template_;
};

}  // namespace cell2text::gemma
