// The geneformer encoder: ranks a cell's genes, runs BERT on them, gives one vector per gene.
// Tokens are tokenizer.hpp's, the network the core's (nn/bert.hpp); this file joins them, opens and saves folders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/bert.hpp"
#include "cell2text/nn/encoder_depth.hpp"
#include "cell2text/nn/weight_type.hpp"
#include "dictionary.hpp"
#include "settings.hpp"
#include "tokenizer.hpp"

namespace cell2text::geneformer {

/// Satisfies the Encoder concept. See settings.hpp for what can be told to it.
class Geneformer {
 public:
  using Settings = geneformer::Settings;

  /// Opens the checkpoint, or starts at random. InputError: settings, folder and dictionaries that do not fit together.
  Geneformer(const Settings& settings, ModelContext& context)
      : log_(context.log), parameters_(&context.parameters), device_(context.device) {
    settings.validate();
    context.parameters.set_type(type_named(settings.dtype));
    auto dictionary = std::make_shared<const GeneDictionary>(GeneDictionary::open(paths_of(settings)));
    const std::string where = settings.checkpoint ? *settings.checkpoint : std::string("[encoder.architecture]");
    const BertConfig config = settings.checkpoint ? open_config(settings, *dictionary)
                                                  : config_of(*settings.architecture, *dictionary, settings.layer);
    TokenizerOptions options;
    options.framed = settings.version == "v2" || (settings.version == "auto" && dictionary->special("<cls>"));
    const std::int64_t usual = options.framed ? 4096 : 2048;
    options.max_tokens = settings.max_tokens.value.value_or(std::min(usual, config.max_positions));
    if (options.max_tokens > config.max_positions)
      throw InputError("'max_tokens' is " + std::to_string(options.max_tokens) + ", and the model has " +
                       std::to_string(config.max_positions) + " positions; lower it, or set it to \"auto\"");
    tokenizer_ = std::make_unique<GeneTokenizer>(dictionary, options, log_);
    level_ = embedding_level(settings.level, options.framed);
    bert_ = std::make_unique<BertEncoder>(context.parameters, config, depth_.used);
    if (settings.checkpoint)
      context.parameters.expect_all_used([this](const std::string& name) { return ignorable(name); });
    report(where);
  }

  /// Ranked genes of each cell as ids [B,G]; V2 frames them by <cls> and <eos>. Const and safe from several threads.
  GeneTokens tokenize(const CellBatch& cells) const {
    const std::int64_t width = tokenizer_->width_of(cells);
    const Tensor rows = torch::empty({cells.size(), width}, torch::kInt64);
    auto* row = rows.mutable_data_ptr<std::int64_t>();
    RankedCells ranked = tokenizer_->tokenize(cells, row, width);
    GeneTokens out;
    out.lengths = std::move(ranked.lengths), out.known_genes = std::move(ranked.known_genes);
    out.first_gene = tokenizer_->options().framed ? 1 : 0, out.special_tokens = 2 * out.first_gene;
    const std::int64_t longest = out.lengths.empty() ? 0 : std::ranges::max(out.lengths);
    const std::int64_t padding = pad();
    for (std::size_t i = 0; i < out.lengths.size(); ++i, row += width)
      std::fill(row + out.lengths[i], row + longest, padding);
    out.ids_BG = rows.narrow(1, 0, longest);
    return out;
  }

  /// One vector per gene: special tokens take part and are left out of the result. Or one for the cell, as the setting
  /// `level` says. On the device of the context. Genes beyond tokens.wanted_genes take part and are left out too.
  /// Gradients are recorded as the caller has set it. A cell without known genes has length 0.
  GeneEmbeddings encode(const GeneTokens& tokens) {
    return encode_at_level(tokens, {level_, width(), device_}, [&](std::int64_t wanted) {
      return bert_->forward(tokens.ids_BG.to(device_), tokens.lengths, training_, wanted);
    });
  }

  /// Columns whose gene is in the dictionary.
  std::vector<bool> known(const GeneTable& genes) const {
    std::vector<bool> all;
    for (const Gene* gene : tokenizer_->dictionary().find(genes)) all.push_back(gene != nullptr);
    return all;
  }
  /// Counts over medians of counts: logarithms would rank differently.
  bool needs_counts() const { return true; }

  std::int64_t width() const { return bert_->config().width; }
  /// The `model_type` of the folders that `checkpoint` opens.
  static std::vector<std::string> model_types() { return {"bert"}; }
  void set_training(bool training) { training_ = training; }

  /// Writes config.json, model.safetensors and the dictionaries. `checkpoint` = that folder gives the same encoder,
  /// and transformers opens it as a BERT of the blocks that are there.
  void save(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    BertConfig config = bert_->config();
    config.layers = bert_->num_blocks();
    nlohmann::json json = config.to_json();
    json[EncoderDepth::key] = depth_.counted;
    json["pad_token_id"] = pad();
    write_atomically(folder / "config.json", json.dump(2) + "\n");
    parameters_->save(folder / "model.safetensors", {{"format", "pt"}});
    tokenizer_->dictionary().save(folder);
  }

  const GeneTokenizer& tokenizer() const { return *tokenizer_; }

 private:
  static DictionaryPaths paths_of(const Settings& settings) {
    const auto pick = [&](const std::optional<std::string>& given, const char* prefix, const char* key) {
      const auto& folder = settings.dictionaries ? settings.dictionaries : settings.checkpoint;
      if (given) return std::filesystem::path(*given);
      return folder ? find_dictionary(*folder, prefix, key) : std::filesystem::path();
    };
    const DictionaryPaths paths{pick(settings.token_dictionary, "token_dictionary", "token_dictionary"),
                                pick(settings.gene_medians, "gene_median_dictionary", "gene_medians"),
                                pick(settings.ensembl_mapping, "ensembl_mapping_dict", "ensembl_mapping"),
                                pick(settings.gene_names, "gene_name_id_dict", "gene_names")};
    for (const auto& [path, key, file] : {std::tuple{paths.tokens, "token_dictionary", "token_dictionary*.pkl"},
                                          std::tuple{paths.medians, "gene_medians", "gene_median_dictionary*.pkl"}})
      if (path.empty())
        throw InputError(std::string("'") + key + "' is not given" +
                         (settings.dictionaries ? ", and " + *settings.dictionaries + " holds no such file"
                          : settings.checkpoint ? ", and " + *settings.checkpoint + " holds no such file"
                                                : "") +
                         "; name Geneformer's " + file + " (in the folder 'geneformer' of its repository)");
    return paths;
  }

  BertConfig open_config(const Settings& settings, const GeneDictionary& dictionary) {
    const std::filesystem::path folder = *settings.checkpoint;
    const std::string where = (folder / "config.json").string();
    const nlohmann::json json = read_json(where);
    const BertConfig config = BertConfig::from_json(json, where);
    if (config.vocabulary_size != dictionary.vocabulary_size())
      throw InputError(where + ": 'vocab_size' is " + std::to_string(config.vocabulary_size) + ", and " +
                       dictionary.paths().tokens.string() + " needs " + std::to_string(dictionary.vocabulary_size()) +
                       "; model and dictionary are of different versions");
    const auto whole = optional_value<std::int64_t>(json, EncoderDepth::key, where).value_or(config.layers);
    if (whole < config.layers)
      throw InputError(where + ": '" + EncoderDepth::key + "' is " + std::to_string(whole) +
                       ", below 'num_hidden_layers' (" + std::to_string(config.layers) + ")");
    depth_ = EncoderDepth::of(config.layers, whole, settings.layer, where);
    parameters_->load_from(std::make_shared<const TensorFiles>(TensorFiles::open(folder)), "bert.");
    return config;
  }

  BertConfig config_of(const Architecture& architecture, const GeneDictionary& dictionary, std::int64_t layer) {
    architecture.validate();
    depth_ = EncoderDepth::of(architecture.layers, architecture.layers, layer, "[encoder.architecture]");
    BertConfig config;
    config.vocabulary_size = dictionary.vocabulary_size();
    config.width = architecture.width;
    config.layers = architecture.layers;
    config.heads = architecture.heads;
    config.feed_forward = architecture.feed_forward.value.value_or(4 * architecture.width);
    config.max_positions = architecture.max_positions;
    config.activation = activation_named(architecture.activation, "'activation'");
    config.hidden_dropout = config.attention_dropout = architecture.dropout;
    return config;
  }

  // Heads on top of the encoder, buffers of old transformers versions, and blocks above the one that is used.
  bool ignorable(std::string name) const {
    if (name.starts_with("bert.")) name = name.substr(5);
    if (name.starts_with("cls.") || name.starts_with("pooler.") || name.starts_with("classifier.")) return true;
    if (name == "embeddings.position_ids" || name == "embeddings.token_type_ids") return true;
    for (std::int64_t block = depth_.used; block < depth_.available; ++block)
      if (name.starts_with("encoder.layer." + std::to_string(block) + ".")) return true;
    return false;
  }

  void report(const std::string& where) const {
    const auto& options = tokenizer_->options();
    log_.info("geneformer: " + where + ", output of block " + std::to_string(depth_.used) + " of " +
              std::to_string(depth_.counted) + ", width " + std::to_string(width()) + ", " +
              std::to_string(tokenizer_->dictionary().num_genes()) + " genes, " + (options.framed ? "v2" : "v1") +
              ", at most " + std::to_string(options.max_tokens) + " tokens per cell");
    if (depth_.used == 0)
      log_.warning("geneformer: with 'layer' " + std::to_string(-depth_.counted) +
                   " no transformer block is computed; "
                   "a gene's vector is its embedding. Set 'layer' = 0 for the last block's output");
  }

  std::int64_t pad() const { return tokenizer_->dictionary().special("<pad>").value_or(0); }

  Log log_;
  Parameters* parameters_;
  torch::Device device_;
  EncoderDepth depth_;
  EmbeddingLevel level_ = EmbeddingLevel::gene;
  bool training_ = false;
  std::unique_ptr<GeneTokenizer> tokenizer_;
  std::unique_ptr<BertEncoder> bert_;
};

}  // namespace cell2text::geneformer
