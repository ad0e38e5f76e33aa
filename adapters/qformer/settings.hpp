// What the qformer adapter can be told, and what it takes over from a BERT folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cell2text/nn/attention_layer.hpp"
#include "cell2text/nn/bert.hpp"
#include "cell2text/nn/soft_tokens.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::qformer {

/// Half the depth of BLIP-2's Q-Former (12 layers, of which every second reads), and as many queries (32).
struct Settings : SoftTokenForm {
  std::int64_t queries = 32;
  IntOrAuto width;
  std::int64_t layers = 6;
  IntOrAuto heads;
  IntOrAuto feed_forward;
  std::int64_t cross_every = 2;
  std::string activation = "auto";
  double dropout = 0.1;
  double layer_norm_epsilon = 0;
  std::optional<std::string> bert;

  static constexpr std::int64_t max_width = 65536;
  static constexpr std::int64_t max_feed_forward = 1'000'000;
  static constexpr std::int64_t max_heads = 1024;

  static void describe(auto& s) {
    using T = Settings;
    s.field("queries", &T::queries, {.help = "soft tokens per cell", .min = 1, .max = 65536});
    s.field("width", &T::width,
            {.help = "features per query; auto = that of 'bert', or the decoder's, which is a lot for a large decoder",
             .min = 1,
             .max = max_width});
    s.field("layers", &T::layers, {.help = "of self-attention and feed-forward", .min = 1, .max = 1000});
    s.field(
        "heads", &T::heads,
        {.help = "attention heads, which divide the width; auto = that of 'bert', or 8", .min = 1, .max = max_heads});
    s.field("feed_forward", &T::feed_forward,
            {.help = "features inside a feed-forward; auto = that of 'bert', or 4 x width",
             .min = 1,
             .max = max_feed_forward});
    s.field("cross_every", &T::cross_every,
            {.help = "the first layer reads the genes, and then every so manieth", .min = 1, .max = 1000});
    s.field("activation", &T::activation,
            {.help = "inside the feed-forward; auto = that of 'bert', or gelu",
             .choices = {"auto", "gelu", "gelu_new", "relu"}});
    s.field("dropout", &T::dropout,
            {.help = "share of features and attention weights dropped in training. 0 = off", .min = 0, .max = 0.9});
    s.field("layer_norm_epsilon", &T::layer_norm_epsilon,
            {.help = "what normalisations add to the variance. 0 = that of 'bert', or 1e-12", .min = 0, .max = 1});
    s.field("bert", &T::bert,
            {.help = "a Hugging Face folder of a BERT (config.json and weights) whose first layers self-attention, "
                     "feed-forward and normalisations start from; what reads the genes starts at random"});
    SoftTokenForm::describe_form<T>(s);
  }

  /// Rules between the fields. Fills in what 'auto' and 0 mean where 'bert' says it: a trained model is built again
  /// from these settings without that folder. InputError where 'bert' is no BERT, is too small, or says otherwise than
  /// a setting that is given.
  void validate() {
    if (bert) take_over(std::filesystem::path(*bert) / "config.json");
    if (width.value) AttentionLayer::check_heads(*width.value, num_heads());
  }

  std::int64_t num_heads() const { return heads.value.value_or(8); }
  double epsilon() const { return layer_norm_epsilon > 0 ? layer_norm_epsilon : 1e-12; }

 private:
  void take_over(const std::filesystem::path& file) {
    const std::string where = file.string();
    const BertConfig config = BertConfig::from_json(read_json(file), where);
    if (config.layers < layers)
      throw InputError(where + ": the model has " + std::to_string(config.layers) + " layers, and 'layers' is " +
                       std::to_string(layers) + "; set 'layers' to at most " + std::to_string(config.layers) +
                       ", or take a deeper BERT");
    same(width, "width", config.width, max_width, where + ": 'hidden_size'");
    same(heads, "heads", config.heads, max_heads, where + ": 'num_attention_heads'");
    same(feed_forward, "feed_forward", config.feed_forward, max_feed_forward, where + ": 'intermediate_size'");
    const std::string found = name_of(config.activation);
    if (activation != "auto" && activation_named(activation, "'activation'") != config.activation)
      disagree(where + ": 'hidden_act'", found, "activation", activation);
    activation = found;
    if (!(config.layer_norm_epsilon > 0))
      throw InputError(where + ": 'layer_norm_eps' is 0; a number above 0 is expected");
    if (layer_norm_epsilon > 0 && layer_norm_epsilon != config.layer_norm_epsilon)
      disagree(where + ": 'layer_norm_eps'", settings_detail::shortest(config.layer_norm_epsilon), "layer_norm_epsilon",
               settings_detail::shortest(layer_norm_epsilon));
    layer_norm_epsilon = config.layer_norm_epsilon;
  }

  static void same(IntOrAuto& setting, const char* key, std::int64_t found, std::int64_t most,
                   const std::string& where) {
    if (setting.value && *setting.value != found)
      disagree(where, std::to_string(found), key, std::to_string(*setting.value));
    if (found > most)
      throw InputError(where + " is " + std::to_string(found) + "; '" + key + "' is at most " + std::to_string(most));
    setting.value = found;
  }

  [[noreturn]] static void disagree(const std::string& where, const std::string& found, const std::string& key,
                                    const std::string& given) {
    throw InputError(where + " is " + found + ", and the setting '" + key + "' is " + given +
                     "; leave the setting out, or take another BERT");
  }
};

}  // namespace cell2text::qformer
