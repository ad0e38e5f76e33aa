// What is checked of a decoder's state: read in pieces, with forks and chosen rows, a text gives what it gives at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cell2text/conformance/common_checks.hpp"

namespace cell2text::conformance {

/// Made-up tokens of a shape, as the decoder embeds them: [shape, D].
inline Tensor embedded(const DecoderHandle& decoder, const Lengths& shape, std::uint64_t seed) {
  return decoder.embed(whole_numbers(shape, decoder.vocabulary_size(), seed));
}

namespace decoder_detail {

/// A state beside all that each of its rows has read.
class ReadRows {
 public:
  ReadRows(const DecoderHandle& decoder, std::uint64_t seed) : decoder_(decoder), state_(decoder.new_state()) {
    const Lengths lengths{3, 5};
    const Tensor prompt = embedded(decoder, {2, 5}, seed);
    decoder.forward(prompt, lengths, positions(2, 5), &state_);
    for (std::int64_t b = 0; b < 2; ++b) rows_.push_back(real_part(prompt, lengths, b));
  }

  /// Reads T more tokens per row, with the state and without.
  void read(std::int64_t T, std::uint64_t seed, const std::string& when) {
    const auto R = static_cast<std::int64_t>(rows_.size());
    const Tensor x = embedded(decoder_, {R, T}, seed);
    std::vector<Tensor> places;
    for (std::int64_t r = 0; r < R; ++r) {
      places.push_back(positions(1, T, rows_[r].size(0)));
      rows_[r] = at::cat({rows_[r], x[r]});
    }
    const Tensor found = decoder_.logits(decoder_.forward(x, Lengths(R, T), at::cat(places), &state_));
    for (std::int64_t r = 0; r < R; ++r) {
      const std::int64_t length = rows_[r].size(0);
      const Tensor hidden = decoder_.forward(rows_[r].unsqueeze(0), {length}, positions(1, length));
      expect_same({found[r]}, {decoder_.logits(hidden)[0].narrow(0, length - T, T)}, rounding,
                  "row " + std::to_string(r) + " " + when + ", with a state and read at once");
    }
  }

  void select(const Lengths& rows) {
    state_.select(rows);
    reorder(rows);
  }
  ReadRows fork(const Lengths& parents) const {
    ReadRows made(decoder_, state_.fork(parents), rows_);
    made.reorder(parents);
    return made;
  }
  /// Cuts each row by one token where the state can.
  bool truncate() {
    if (!state_.can_truncate()) return false;
    Lengths lengths;
    for (Tensor& row : rows_) {
      row = row.narrow(0, 0, row.size(0) - 1);
      lengths.push_back(row.size(0));
    }
    state_.truncate(lengths);
    return true;
  }
  /// Row i goes on from row rows[i].row of *states[rows[i].state].
  static ReadRows joined(const std::vector<const ReadRows*>& parts, const std::vector<StateRow>& rows) {
    std::vector<const StateHandle*> states;
    for (const ReadRows* part : parts) states.push_back(&part->state_);
    std::vector<Tensor> read;
    for (const StateRow& from : rows)
      read.push_back(parts[static_cast<std::size_t>(from.state)]->rows_[static_cast<std::size_t>(from.row)]);
    return {parts.front()->decoder_, StateHandle::joined(states, rows), std::move(read)};
  }
  bool can_join() const { return state_.can_join(); }
  void settle() { state_.settle(); }
  std::int64_t bytes() const { return state_.bytes(); }

 private:
  ReadRows(const DecoderHandle& decoder, StateHandle state, std::vector<Tensor> rows)
      : decoder_(decoder), state_(std::move(state)), rows_(std::move(rows)) {}
  void reorder(const Lengths& parents) {
    std::vector<Tensor> next;
    for (const std::int64_t parent : parents) next.push_back(rows_[static_cast<std::size_t>(parent)]);
    rows_ = std::move(next);
  }

  const DecoderHandle& decoder_;
  StateHandle state_;
  std::vector<Tensor> rows_;  // of each row all that it has read, embedded
};

/// Branches of what `first` has read: cut back where they can be, of different lengths, and joined where they can be.
inline void check_branches(ReadRows& first) {
  first.settle();
  first.read(1, 8, "after it was settled");
  ReadRows one = first.fork({1, 0, 1}), other = first.fork({0, 0});
  if (other.truncate()) other.read(1, 9, "of a fork that was cut back behind a settled text");
  one.read(2, 10, "of a fork of what was settled");
  if (!first.can_join()) return;
  ReadRows all = ReadRows::joined({&one, &first, &other}, {{0, 2}, {2, 1}, {1, 0}, {0, 1}, {2, 0}, {0, 2}});
  all.read(1, 11, "joined from several states");
  ReadRows fewer = ReadRows::joined({&other, &all}, {{1, 3}, {0, 0}, {1, 1}});
  fewer.read(2, 12, "joined from states that were joined");
  one.read(1, 13, "that was joined with others, while these went on");
}

}  // namespace decoder_detail

inline void check_state(const Subject& subject) {
  torch::NoGradGuard no_grad;
  const auto built = build<kinds::decoder>(subject);
  decoder_detail::ReadRows first(*built.handle, 1);
  first.read(1, 2, "after its prompt");
  expect(first.bytes() > 0,
         "a state that has read something says that it holds " + std::to_string(first.bytes()) + " bytes");
  decoder_detail::ReadRows beams = first.fork({0, 0, 0, 1, 1, 1});
  beams.read(1, 3, "of a fork");
  beams.select({2, 0, 1, 3, 3, 5});
  beams.read(2, 4, "after rows were chosen");
  beams.select({5, 1});
  beams.read(1, 5, "after rows were left out");
  if (beams.truncate()) beams.read(1, 6, "after it was cut back by a token");
  first.read(1, 7, "that was forked, while the fork went on");
  decoder_detail::check_branches(first);
}

}  // namespace cell2text::conformance
