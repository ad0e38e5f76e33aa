// Picks tokens out of a batch of rows: of a prompt only the last token's hidden state is needed, of a description in
// training only those of its own tokens.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "cell2text/shapes.hpp"

namespace cell2text {

/// The rows of x_RTD at `places`, row * T + token: [places, D].
inline Tensor rows_at(const Tensor& x_RTD, const std::vector<std::int64_t>& places) {
  const Tensor index = torch::tensor(places, torch::kInt64).to(x_RTD.device());
  return x_RTD.reshape({-1, x_RTD.size(2)}).index_select(0, index);
}

/// Where the last last[b] of the lengths[b] tokens of each row lie in [B,T], as row * T + token, in their order.
/// BugError where a row has fewer tokens, or there is no number for each row.
inline std::vector<std::int64_t> last_places(const std::vector<std::int64_t>& lengths,
                                             const std::vector<std::int64_t>& last, std::int64_t T) {
  if (last.size() != lengths.size())
    throw BugError("the last tokens of " + std::to_string(last.size()) + " rows, of a batch of " +
                   std::to_string(lengths.size()));
  std::vector<std::int64_t> places;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    if (last[b] < 0 || last[b] > lengths[b] || lengths[b] > T)
      throw BugError("the last " + std::to_string(last[b]) + " of the " + std::to_string(lengths[b]) +
                     " tokens of row " + std::to_string(b) + ", in a batch of " + std::to_string(T));
    for (std::int64_t t = lengths[b] - last[b]; t < lengths[b]; ++t)
      places.push_back(static_cast<std::int64_t>(b) * T + t);
  }
  return places;
}

/// The tokens at places_BL (int64) of x [B,T,...]: [B,L,...]. Without places x itself.
inline Tensor tokens_at(const Tensor& x_BT, const Tensor& places_BL) {
  if (!places_BL.defined()) return x_BT;
  const std::int64_t B = x_BT.size(0), T = x_BT.size(1);
  const Tensor rows = (places_BL + at::arange(B, places_BL.options()).unsqueeze(1) * T).flatten();
  return x_BT.flatten(0, 1).index_select(0, rows).unflatten(0, {B, places_BL.size(1)});
}

}  // namespace cell2text
