// What flows between the parts of a model: gene tokens, gene embeddings, soft prompts, chat pieces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/nn/linear.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// B cells as the encoder's tokens, right-padded to the longest. On the CPU.
struct GeneTokens {
  Tensor ids_BG;                          ///< int64
  Tensor values_BG;                       ///< float32 expression values, or undefined where the encoder takes none
  std::vector<std::int64_t> lengths;      ///< [B] tokens of each cell, special tokens included
  std::vector<std::int64_t> known_genes;  ///< [B] expressed genes that the encoder knows, before any cut
  std::int64_t wanted_genes = std::numeric_limits<std::int64_t>::max();  ///< of each cell's embeddings, the first ones
  std::int64_t first_gene = 0;      ///< special tokens that stand before a cell's genes
  std::int64_t special_tokens = 0;  ///< those before and after them

  std::int64_t size() const { return static_cast<std::int64_t>(lengths.size()); }
};

/// One vector per gene token (special tokens excluded), right-padded; what lies beyond a length is undefined.
struct GeneEmbeddings {
  Tensor values_BGE;
  std::vector<std::int64_t> lengths;  ///< [B]
};

/// The cell as the decoder reads it; right-padded; what lies beyond a length is undefined.
struct SoftPrompt {
  Tensor values_BPD;
  std::vector<std::int64_t> lengths;  ///< [B]
};

/// The texts around the soft prompt, from the experiment's [prompt] table.
struct ChatText {
  std::string system;
  std::string user;
};

/// The chat template around the soft tokens, as token ids: before them, and after them up to where
/// the description starts.
struct ChatPieces {
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> after;
};

/// What the parts of a model are built with, beside their settings.
struct ModelContext : Context {
  Parameters& parameters;
  torch::Device device = torch::kCPU;

  ModelContext(const Context& base, Parameters& parameters, torch::Device device)
      : Context(base), parameters(parameters), device(device) {}
};

/// The widths an adapter connects.
struct AdapterShape {
  std::int64_t encoder_width = 0;
  std::int64_t decoder_width = 0;
};

/// A decoder as a fine-tuning strategy sees it.
struct DecoderView {
  Parameters& parameters;
  std::vector<LinearSlot*> linear_layers;
};

}  // namespace cell2text
