// What the geneformer encoder can be told: a checkpoint or an architecture, dictionaries, the layer to take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/embedding_level.hpp"
#include "cell2text/error.hpp"
#include "cell2text/nn/weight_type.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::geneformer {

/// A BERT encoder that starts at random weights.
struct Architecture {
  std::int64_t layers = 6;
  std::int64_t width = 256;
  std::int64_t heads = 4;
  IntOrAuto feed_forward;
  std::string activation = "relu";
  double dropout = 0.02;
  std::int64_t max_positions = 4096;

  static void describe(auto& s) {
    using T = Architecture;
    s.field("layers", &T::layers,
            {.help = "transformer blocks; those above 'layer' are never made", .min = 1, .max = 1000});
    s.field("width", &T::width, {.help = "features per gene", .min = 1, .max = 65536});
    s.field("heads", &T::heads, {.help = "attention heads; they divide the width", .min = 1, .max = 1024});
    s.field("feed_forward", &T::feed_forward,
            {.help = "features inside the feed-forward; auto = 4 x width", .min = 1, .max = 1e6});
    s.field("activation", &T::activation,
            {.help = "inside the feed-forward; Geneformer has relu", .choices = {"relu", "gelu"}});
    s.field("dropout", &T::dropout,
            {.help = "share of features and attention weights dropped in training. 0 = off", .min = 0, .max = 0.9});
    s.field("max_positions", &T::max_positions,
            {.help = "the longest cell that has position embeddings", .unit = "tokens", .min = 3, .max = 1e6});
  }
  void validate() const {
    if (width % heads != 0)
      throw InputError("'heads' is " + std::to_string(heads) + ", which does not divide 'width' (" +
                       std::to_string(width) + ")");
  }
};

struct Settings {
  std::optional<std::string> checkpoint;
  std::optional<Architecture> architecture;
  std::optional<std::string> dictionaries;
  std::optional<std::string> token_dictionary;
  std::optional<std::string> gene_medians;
  std::optional<std::string> ensembl_mapping;
  std::optional<std::string> gene_names;
  std::int64_t layer = -1;
  std::string level = "gene";
  std::string version = "auto";
  IntOrAuto max_tokens;
  std::string dtype = "auto";

  static void describe(auto& s) {
    using T = Settings;
    s.field("checkpoint", &T::checkpoint,
            {.help = "a Geneformer folder in Hugging Face form: config.json and model.safetensors"});
    s.field("architecture", &T::architecture,
            {.help = "instead of a checkpoint: a model that starts at random weights"});
    s.field("dictionaries", &T::dictionaries,
            {.help = "folder with the dictionaries below; without it they are looked for in the checkpoint"});
    s.field("token_dictionary", &T::token_dictionary,
            {.help = "Ensembl id -> token, .json or .pkl; without it token_dictionary* of the folder"});
    s.field(
        "gene_medians", &T::gene_medians,
        {.help = "Ensembl id -> median expression, .json or .pkl; without it gene_median_dictionary* of the folder"});
    s.field("ensembl_mapping", &T::ensembl_mapping,
            {.help = "retired or duplicate Ensembl id -> current id; without it ensembl_mapping_dict* of the folder, "
                     "else ids are taken as they stand"});
    s.field("gene_names", &T::gene_names,
            {.help = "gene symbol -> Ensembl id, for sources that have symbols only; without it gene_name_id_dict* of "
                     "the folder"});
    s.field("layer", &T::layer,
            {.help = "whose output describes a gene: 0 the last layer, -1 the one before (as in the paper), ...",
             .min = -1000,
             .max = 0});
    s.field("level", &T::level, {.help = embedding_level_help, .choices = {"gene", "cls", "mean", "cell"}});
    s.field("version", &T::version,
            {.help = "v2 puts <cls> and <eos> around a cell, v1 does not; auto: v2 where the dictionary has <cls>",
             .choices = {"auto", "v1", "v2"}});
    s.field("max_tokens", &T::max_tokens,
            {.help = "tokens of a cell, special ones included; auto = 4096 (v2) or 2048 (v1), or what the model has "
                     "positions for",
             .unit = "tokens",
             .min = 3,
             .max = 1e6});
    s.field("dtype", &T::dtype, {.help = weight_type_help, .choices = weight_type_names()});
  }
  void validate() const {
    if (checkpoint.has_value() == architecture.has_value())
      throw InputError(checkpoint ? "'checkpoint' and 'architecture' are both given; a checkpoint brings its own "
                                    "architecture, remove one of the two"
                                  : "neither 'checkpoint' nor 'architecture' is given; name a Geneformer folder, or "
                                    "describe a model that starts at random weights");
  }
};

}  // namespace cell2text::geneformer
