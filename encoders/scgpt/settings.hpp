// What the scgpt encoder can be told: a checkpoint or an architecture, the vocabulary, how values are binned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/embedding_level.hpp"
#include "cell2text/error.hpp"
#include "cell2text/nn/weight_type.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::scgpt {

/// A transformer that starts at random weights.
struct Architecture {
  std::int64_t layers = 6;
  std::int64_t width = 256;
  std::int64_t heads = 4;
  IntOrAuto feed_forward;
  double dropout = 0.2;
  std::int64_t bins = 51;

  static void describe(auto& s) {
    using T = Architecture;
    s.field("layers", &T::layers,
            {.help = "transformer blocks; those above 'layer' are never made", .min = 1, .max = 1000});
    s.field("width", &T::width, {.help = "features per gene", .min = 1, .max = 65536});
    s.field("heads", &T::heads, {.help = "attention heads; they divide the width", .min = 1, .max = 1024});
    s.field("feed_forward", &T::feed_forward,
            {.help = "features inside the feed-forward; auto = the width, as in scGPT", .min = 1, .max = 1e6});
    s.field("dropout", &T::dropout,
            {.help = "share of features and attention weights dropped in training. 0 = off", .min = 0, .max = 0.9});
    s.field("bins", &T::bins, {.help = "of expression values, the bin of zero included", .min = 3, .max = 512});
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
  std::optional<std::string> vocabulary;
  std::optional<std::string> gene_names;
  std::int64_t layer = 0;
  std::string level = "gene";
  bool unit_length = true;
  std::int64_t max_tokens = 1200;
  std::string choose = "highest";
  std::string ties = "middle";
  std::string dtype = "auto";

  static void describe(auto& s) {
    using T = Settings;
    s.field("checkpoint", &T::checkpoint, {.help = "an scGPT folder: args.json, vocab.json and best_model.pt"});
    s.field("architecture", &T::architecture,
            {.help = "instead of a checkpoint: a model that starts at random weights"});
    s.field("dictionaries", &T::dictionaries,
            {.help = "folder with the dictionaries below; without it they are looked for in the checkpoint"});
    s.field("vocabulary", &T::vocabulary, {.help = "gene symbol -> token, .json; without it vocab.json of the folder"});
    s.field("gene_names", &T::gene_names,
            {.help = "gene symbol -> Ensembl id, .json or .pkl, for sources that have Ensembl ids only; without it "
                     "gene_name_id_dict* of the folder"});
    s.field(
        "layer", &T::layer,
        {.help = "whose output describes a gene: 0 the last layer, -1 the one before, ...", .min = -1000, .max = 0});
    s.field("level", &T::level, {.help = embedding_level_help, .choices = {"gene", "cls", "mean", "cell"}});
    s.field("unit_length", &T::unit_length,
            {.help = "scale the vector of level 'cls' to length one, as scGPT's own embeddings of cells are"});
    s.field("max_tokens", &T::max_tokens,
            {.help = "tokens of a cell, <cls> included", .unit = "tokens", .min = 2, .max = 1e6});
    s.field("choose", &T::choose,
            {.help = "which genes where a cell has more: those of the highest expression, or a sample drawn with the "
                     "run's seed and the cell's name",
             .choices = {"highest", "sample"}});
    s.field("ties", &T::ties,
            {.help = "the bin of a value that several bins begin with: middle, upper, or random as in scGPT's training "
                     "(drawn with the run's seed and the cell's name)",
             .choices = {"middle", "upper", "random"}});
    s.field("dtype", &T::dtype, {.help = weight_type_help, .choices = weight_type_names()});
  }
  void validate() const {
    if (checkpoint.has_value() == architecture.has_value())
      throw InputError(checkpoint ? "'checkpoint' and 'architecture' are both given; a checkpoint brings its own "
                                    "architecture, remove one of the two"
                                  : "neither 'checkpoint' nor 'architecture' is given; name an scGPT folder, or "
                                    "describe a model that starts at random weights");
  }
};

}  // namespace cell2text::scgpt
