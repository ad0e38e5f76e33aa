// The rows of a batch while it is being generated: the decoder, its state, and where each row stands.
// Chooses no tokens; greedy.hpp and beam_search.hpp do.
#pragma once

#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "cell2text/last_tokens.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// What generation makes of one prompt.
struct Generated {
  std::vector<std::int64_t> tokens;  ///< without the end token
  double log_probability = 0;        ///< natural log, summed over tokens and end token
  /// Of each token, and of the end token where there is one. The model's own distribution: before bans, penalties and
  /// temperature.
  std::vector<double> token_log_probabilities = {};
  bool ended = false;                          ///< by an end token or a stop text, not by the limit
  std::optional<std::int64_t> end_token = {};  ///< the one that ended it

  void add(double token_log_probability) {
    token_log_probabilities.push_back(token_log_probability);
    log_probability += token_log_probability;
  }
};

[[noreturn]] inline void refuse_nan() {
  throw InputError(
      "the decoder's scores are not numbers (NaN): its weights are damaged, or training diverged; "
      "use another checkpoint, or train with a lower learning rate");
}

/// One batch: prompts are read once, then one token per row and step. Needs torch::NoGradGuard around it.
class DecodingRows {
 public:
  /// prompt_BTD right-padded, lengths[b] >= 1.
  DecodingRows(const DecoderHandle& decoder, const Tensor& prompt_BTD, const std::vector<std::int64_t>& lengths)
      : decoder_(&decoder), state_(decoder.new_state()), lengths_(lengths), device_(prompt_BTD.device()) {
    const std::int64_t B = prompt_BTD.size(0), T = prompt_BTD.size(1);
    const Tensor positions = at::arange(T, torch::kInt64).to(device_).expand({B, T});
    hidden_RD_ = decoder.forward_last(prompt_BTD, lengths, positions, std::vector<std::int64_t>(B, 1), &state_);
  }

  std::int64_t size() const { return static_cast<std::int64_t>(lengths_.size()); }
  const DecoderHandle& decoder() const { return *decoder_; }
  /// [R] tokens that each row has read.
  const std::vector<std::int64_t>& lengths() const { return lengths_; }

  /// Of the state, what rows share counted once.
  std::int64_t bytes() const { return state_.bytes(); }

  /// Scores of the next token of each row, [R,V] in float32, free to be changed. Call once per step.
  Tensor logits() const { return decoder_->logits(hidden_RD_).to(torch::kFloat32); }

  /// Row i goes on as a copy of row parents[i]; rows that nobody names leave. To be followed by `read`.
  void select(std::span<const std::int64_t> parents) {
    bool same = static_cast<std::int64_t>(parents.size()) == size();
    for (std::size_t i = 0; same && i < parents.size(); ++i) same = parents[i] == static_cast<std::int64_t>(i);
    if (same) return;
    if (static_cast<std::int64_t>(parents.size()) > size())
      state_ = state_.fork(parents);
    else
      state_.select(parents);
    std::vector<std::int64_t> lengths;
    for (const std::int64_t parent : parents) lengths.push_back(lengths_[parent]);
    lengths_ = std::move(lengths);
  }

  /// Row i of the result goes on as a copy of row parents[i]; these rows stay as they are.
  DecodingRows fork(std::span<const std::int64_t> parents) const {
    std::vector<std::int64_t> lengths;
    for (const std::int64_t parent : parents) lengths.push_back(lengths_[parent]);
    const Tensor hidden_RD = hidden_RD_.index_select(0, on_device({parents.begin(), parents.end()}));
    return DecodingRows(*decoder_, state_.fork(parents), std::move(lengths), hidden_RD);
  }

  DecodingRows copy() const {
    std::vector<std::int64_t> all(lengths_.size());
    std::iota(all.begin(), all.end(), 0);
    return fork(all);
  }

  /// Row i reads all of tokens[i], at least one. Returns hidden_RTD; what lies beyond a row's tokens is undefined.
  Tensor read_all(const std::vector<std::vector<std::int64_t>>& tokens) {
    const std::int64_t R = size();
    std::vector<std::int64_t> counts, ids, last;
    for (const auto& row : tokens) counts.push_back(std::ssize(row));
    const std::int64_t T = std::ranges::max(counts);
    for (std::int64_t r = 0; r < R; ++r) {
      ids.insert(ids.end(), tokens[r].begin(), tokens[r].end());
      ids.resize(static_cast<std::size_t>((r + 1) * T), 0);
      last.push_back(r * T + counts[r] - 1);
    }
    const Tensor positions = on_device(lengths_).view({R, 1}) + at::arange(T, torch::kInt64).to(device_);
    const Tensor hidden_RTD =
        decoder_->forward(decoder_->embed(on_device(ids).view({R, T})), counts, positions, &state_);
    hidden_RD_ = rows_at(hidden_RTD, last);
    for (std::int64_t r = 0; r < R; ++r) lengths_[r] += counts[r];
    return hidden_RTD;
  }

  /// Whether rows of several can be `joined`.
  bool can_join() const { return state_.can_join(); }
  /// Row i goes on as a copy of row rows[i].row of *parts[rows[i].state]. Parts are forks of one, and forks of those,
  /// or joined from such. To be followed by a reading.
  static DecodingRows joined(std::span<const DecodingRows* const> parts, std::span<const StateRow> rows) {
    std::vector<const StateHandle*> states;
    for (const DecodingRows* part : parts) states.push_back(&part->state_);
    std::vector<std::int64_t> lengths;
    for (const StateRow& from : rows)
      lengths.push_back(parts[static_cast<std::size_t>(from.state)]->lengths_[from.row]);
    const DecodingRows& first = *parts.front();
    return DecodingRows(*first.decoder_, StateHandle::joined(states, rows), std::move(lengths), first.hidden_RD_);
  }
  /// Many rows will be forked from these.
  void settle() { state_.settle(); }

  /// Whether `cut` can be called.
  bool can_cut() const { return state_.can_truncate(); }
  /// Row i forgets all but its first lengths[i] tokens, no fewer than its prompt's. Scores can be asked for after the
  /// next reading.
  void cut(std::vector<std::int64_t> lengths) {
    state_.truncate(lengths);
    lengths_ = std::move(lengths);
  }
  /// The same; hidden_RD is of the last tokens that are left, whose scores can then be asked for.
  void cut(std::vector<std::int64_t> lengths, Tensor hidden_RD) {
    cut(std::move(lengths));
    hidden_RD_ = std::move(hidden_RD);
  }

  /// Row i reads tokens[i].
  void read(std::span<const std::int64_t> tokens) {
    const auto R = size();
    const Tensor ids = on_device({tokens.begin(), tokens.end()}).view({R, 1});
    const Tensor positions = on_device(lengths_).view({R, 1});
    const Tensor hidden = decoder_->forward(decoder_->embed(ids), std::vector<std::int64_t>(R, 1), positions, &state_);
    hidden_RD_ = hidden.select(1, 0);
    for (std::int64_t& length : lengths_) ++length;
  }

 private:
  DecodingRows(const DecoderHandle& decoder, StateHandle state, std::vector<std::int64_t> lengths, Tensor hidden_RD)
      : decoder_(&decoder),
        state_(std::move(state)),
        lengths_(std::move(lengths)),
        device_(hidden_RD.device()),
        hidden_RD_(std::move(hidden_RD)) {}

  Tensor on_device(const std::vector<std::int64_t>& values) const {
    return torch::tensor(values, torch::kInt64).to(device_);
  }

  const DecoderHandle* decoder_;
  StateHandle state_;
  std::vector<std::int64_t> lengths_;  // tokens that each row has read
  torch::Device device_;
  Tensor hidden_RD_;
};

}  // namespace cell2text
