// The text that describing gives one cell, as tokens.
#pragma once

#include <utility>
#include <vector>

#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

/// Of a batch of one cell, which has a gene that the encoder knows; without the end token. Of `wanted` what restricts
/// the text and what the prompt tells. Records no gradients.
inline std::vector<std::int64_t> described_tokens(const Model& model, const CellBatch& cell,
                                                  const GenerationSettings& settings,
                                                  const DescribeExtras& wanted = {}) {
  torch::NoGradGuard no_grad;
  std::vector<GivenLabels> given;
  if (wanted.given) given.push_back(wanted.given(cell.rows[0]));
  const Sequences prompt = join(model, model.soft_prompt(model.encoder->tokenize(cell)), {}, given);
  GenerationExtras extras;
  if (wanted.constrain) extras.constraints.push_back(wanted.constrain(cell.rows));
  extras.drafts = model.drafts.get();
  extras.cell_keys = {cell_key(cell.names[0])};
  return generate(*model.decoder, prompt.embeddings_BTD, prompt.lengths, settings, std::move(extras))[0].tokens;
}

}  // namespace cell2text
