// The text that describing gives one cell, as tokens.
#pragma once

#include <utility>
#include <vector>

#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/generate/generate.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

/// Of a batch of one cell, which has a gene that the encoder knows; without the end token. Records no gradients.
inline std::vector<std::int64_t> described_tokens(const Model& model, const CellBatch& cell,
                                                  const GenerationSettings& settings) {
  torch::NoGradGuard no_grad;
  const Sequences prompt = join(model, model.soft_prompt(model.encoder->tokenize(cell)), {});
  GenerationExtras extras;
  extras.drafts = model.drafts.get();
  extras.cell_keys = {cell_key(cell.names[0])};
  return generate(*model.decoder, prompt.embeddings_BTD, prompt.lengths, settings, std::move(extras))[0].tokens;
}

}  // namespace cell2text
