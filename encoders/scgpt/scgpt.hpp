// The scgpt encoder: bins a cell's expression values, reads genes and bins by a transformer, gives one vector per gene.
// Binning is binning.hpp's, the network network.hpp's; this file joins them, opens and saves folders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/embedding_level.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/find_dictionary.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/encoder_depth.hpp"
#include "cell2text/nn/weight_type.hpp"
#include "config.hpp"
#include "network.hpp"
#include "settings.hpp"
#include "tokenizer.hpp"

namespace cell2text::scgpt {

/// Satisfies the Encoder concept. See settings.hpp for what can be told to it.
class Scgpt {
 public:
  using Settings = scgpt::Settings;

  /// Opens the checkpoint, or starts at random. InputError: settings, folder and vocabulary that do not fit together.
  Scgpt(const Settings& settings, ModelContext& context)
      : log_(context.log), parameters_(&context.parameters), device_(context.device) {
    settings.validate();
    context.parameters.set_type(type_named(settings.dtype));
    auto vocabulary = open_vocabulary(settings);
    const Config config = settings.checkpoint ? open_config(settings, *vocabulary) : config_of(settings);
    TokenizerOptions options;
    options.max_tokens = settings.max_tokens;
    options.bins = config.bins;
    options.ties = ties_named(settings.ties);
    options.sample = settings.choose == "sample";
    options.cls_value = static_cast<float>(config.cls_value);
    options.seed = context.seed;
    tokenizer_ = std::make_unique<Tokenizer>(vocabulary, options, log_);
    level_ = embedding_level(settings.level, true);
    unit_length_ = settings.unit_length;
    network_ = std::make_unique<Network>(context.parameters, config, vocabulary->size(), depth_.used);
    if (settings.checkpoint)
      context.parameters.expect_all_used([this](const std::string& name) { return is_above(name); });
    report(settings.checkpoint.value_or("[encoder.architecture]"));
  }

  /// Genes of each cell, the most expressed first, with their bins; <cls> before them. Const and safe from several
  /// threads.
  GeneTokens tokenize(const CellBatch& cells) const {
    const std::int64_t width = tokenizer_->width_of(cells);
    const Tensor ids = torch::empty({cells.size(), width}, torch::kInt64);
    const Tensor values = torch::empty({cells.size(), width}, torch::kFloat32);
    const TokenRows rows{ids.mutable_data_ptr<std::int64_t>(), values.mutable_data_ptr<float>(), width};
    WrittenCells written = tokenizer_->tokenize(cells, rows);
    GeneTokens out;
    out.lengths = std::move(written.lengths), out.known_genes = std::move(written.known_genes);
    out.first_gene = out.special_tokens = 1;
    const std::int64_t longest = out.lengths.empty() ? 0 : std::ranges::max(out.lengths);
    const std::int64_t padding = tokenizer_->vocabulary().pad();
    for (std::int64_t i = 0; i < cells.size(); ++i) {
      const std::int64_t length = out.lengths[static_cast<std::size_t>(i)];
      std::fill(rows.ids + i * width + length, rows.ids + i * width + longest, padding);
      std::fill(rows.values + i * width + length, rows.values + i * width + longest, 0.0f);
    }
    out.ids_BG = ids.narrow(1, 0, longest);
    out.values_BG = values.narrow(1, 0, longest);
    return out;
  }

  /// One vector per gene: <cls> takes part and is left out of the result. Or one for the cell, as the setting `level`
  /// says. On the device of the context. Genes beyond tokens.wanted_genes take part and are left out too. Gradients are
  /// recorded as the caller has set it. A cell without known genes has length 0.
  GeneEmbeddings encode(const GeneTokens& tokens) {
    expect_shape(tokens.values_BG, {tokens.size(), tokens.ids_BG.size(1)}, "expression values");
    GeneEmbeddings out = encode_at_level(tokens, {level_, width(), device_}, [&](std::int64_t wanted) {
      return network_->forward(tokens.ids_BG.to(device_), tokens.values_BG.to(device_), tokens.lengths, training_,
                               wanted);
    });
    if (level_ == EmbeddingLevel::cls && unit_length_)
      out.values_BGE = out.values_BGE / out.values_BGE.norm(2, -1, true).clamp_min(1e-12);
    return out;
  }

  /// Columns whose gene is in the vocabulary.
  std::vector<bool> known(const GeneTable& genes) const {
    std::vector<bool> all;
    for (const std::int64_t token : tokenizer_->vocabulary().find(genes)) all.push_back(token >= 0);
    return all;
  }
  /// Bins follow the order of a cell's values, which logarithms and factors leave as it is.
  bool needs_counts() const { return false; }

  std::int64_t width() const { return network_->config().width; }
  /// The `model_type` of the folders that `checkpoint` opens.
  static std::vector<std::string> model_types() { return {"scgpt"}; }
  void set_training(bool training) { training_ = training; }

  /// Writes args.json, vocab.json, the names, and model.safetensors with the names of the plain (not the flash) layout.
  /// `checkpoint` = that folder gives the same encoder.
  void save(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    Config config = network_->config();
    config.layers = network_->num_blocks();
    nlohmann::json json = config.to_json();
    json[EncoderDepth::key] = depth_.counted;
    write_atomically(folder / "args.json", json.dump(2) + "\n");
    parameters_->save(folder / "model.safetensors", {{"format", "pt"}});
    tokenizer_->vocabulary().save(folder);
  }

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  static std::shared_ptr<const Vocabulary> open_vocabulary(const Settings& settings) {
    const auto& folder = settings.dictionaries ? settings.dictionaries : settings.checkpoint;
    std::filesystem::path path, names;
    if (settings.vocabulary)
      path = *settings.vocabulary;
    else if (folder)
      path = std::filesystem::path(*folder) / "vocab.json";
    if (path.empty() || !std::filesystem::exists(path))
      throw InputError((path.empty() ? std::string("'vocabulary' is not given") : path.string() + " does not exist") +
                       "; name scGPT's vocab.json with the setting 'vocabulary', or its folder with 'dictionaries'");
    if (settings.gene_names)
      names = *settings.gene_names;
    else if (folder)
      names = find_dictionary(*folder, "gene_name_id_dict", "gene_names");
    return std::make_shared<const Vocabulary>(Vocabulary::open(path, names));
  }

  Config open_config(const Settings& settings, const Vocabulary& vocabulary) {
    const std::filesystem::path folder = *settings.checkpoint;
    const std::string where = (folder / "args.json").string();
    const nlohmann::json json = read_json(where);
    const Config config = Config::from_json(json, where);
    const auto whole = optional_value<std::int64_t>(json, EncoderDepth::key, where).value_or(config.layers);
    if (whole < config.layers)
      throw InputError(where + ": '" + EncoderDepth::key + "' is " + std::to_string(whole) + ", below 'nlayers' (" +
                       std::to_string(config.layers) + ")");
    depth_ = EncoderDepth::of(config.layers, whole, settings.layer, where);
    const auto files = TensorFiles::open(folder).renamed(&tensor_name);
    for (const std::string& name : files.names())
      if (name.starts_with("dsbn."))
        throw InputError(folder.string() + ": the model normalises by batch ('" + name +
                         "'), and a new cell belongs to none of its batches; use a model without it, such as scGPT's "
                         "published ones");
    if (files.contains(embedding) && files.shape(embedding).size() == 2 &&
        files.shape(embedding)[0] != vocabulary.size())
      throw InputError(folder.string() + ": '" + std::string(embedding) + "' has " +
                       std::to_string(files.shape(embedding)[0]) + " rows, and " + vocabulary.path().string() +
                       " has " + std::to_string(vocabulary.size()) +
                       " tokens, special ones included; model and vocabulary do not belong together");
    parameters_->load_from(std::make_shared<const TensorFiles>(files));
    return config;
  }

  Config config_of(const Settings& settings) {
    const Architecture& architecture = *settings.architecture;
    architecture.validate();
    depth_ = EncoderDepth::of(architecture.layers, architecture.layers, settings.layer, "[encoder.architecture]");
    Config config;
    config.width = architecture.width;
    config.layers = architecture.layers;
    config.heads = architecture.heads;
    config.feed_forward = architecture.feed_forward.value.value_or(architecture.width);
    config.bins = architecture.bins;
    config.dropout = architecture.dropout;
    return config;
  }

  // Blocks that `layer` leaves out.
  bool is_above(const std::string& name) const {
    for (std::int64_t block = depth_.used; block < depth_.available; ++block)
      if (name.starts_with(block_name(block) + ".")) return true;
    return false;
  }

  void report(const std::string& where) const {
    log_.info("scgpt: " + where + ", " + std::to_string(parameters_->count()) + " parameters, width " +
              std::to_string(width()) + "; output of block " + std::to_string(depth_.used) + " of " +
              std::to_string(depth_.counted));
  }

  static constexpr const char* embedding = "encoder.embedding.weight";

  Log log_;
  Parameters* parameters_;
  torch::Device device_;
  EncoderDepth depth_;
  EmbeddingLevel level_ = EmbeddingLevel::gene;
  bool unit_length_ = true, training_ = false;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Network> network_;
};

}  // namespace cell2text::scgpt
