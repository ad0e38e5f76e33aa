// What is checked of a decoder. Its state is checked in decoder_state_check.hpp.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cell2text/conformance/decoder_state_check.hpp"
#include "cell2text/conformance/gradient_checks.hpp"
#include "cell2text/last_tokens.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::decoder> {
  using Kind = kinds::decoder;
  using Object = Built<Kind>;

  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    return build<Kind>(subject, settings, seed);
  }

  /// Hidden states and logits of the real tokens of each row.
  static Tensors outputs(const DecoderHandle& decoder, const Tensor& x_BTD, const Lengths& lengths) {
    const Tensor hidden_BTD = decoder.forward(x_BTD, lengths, positions(x_BTD.size(0), x_BTD.size(1)));
    Tensors all;
    for (std::size_t b = 0; b < lengths.size(); ++b) {
      all.push_back(real_part(hidden_BTD, lengths, static_cast<std::int64_t>(b)));
      all.push_back(decoder.logits(all.back()));
    }
    return all;
  }
  static Tensors outputs(Object& decoder, std::uint64_t number) {
    return outputs(*decoder.handle, embedded(*decoder.handle, {3, 6}, number), row_lengths);
  }

  static std::vector<Check> checks() {
    return {{"texts", "the prompt or the description reaches the model as other tokens than it was meant", &texts},
            {"shapes", why_shapes, &shapes},
            {"causality", "a token that sees the ones behind it learns to copy them, and writes nonsense on its own",
             &causality},
            {"lengths", why_lengths, &lengths},
            {"batch", why_batch, &batch},
            {"cache", "what is generated is not what the model would say of the same text read at once",
             [](Subject& subject) { check_state(subject); }},
            {"last_tokens", "training and generation, which ask for few hidden states, see other ones than they are",
             &last_tokens},
            {"layers", "fine-tuning strategies that add to linear layers (LoRA) change nothing, in silence", &layers},
            {"saving", why_saving, &saving},
            {"gradients", why_gradients, &gradients}};
  }

 private:
  static inline const Lengths row_lengths{6, 2, 4};

  static void expect_ids(const Lengths& ids, std::int64_t V, const std::string& what) {
    for (const std::int64_t id : ids)
      expect(id >= 0 && id < V,
             what + " holds the token " + std::to_string(id) + "; the vocabulary has " + std::to_string(V));
  }

  static void texts(Subject& subject) {
    auto decoder = build<Kind>(subject);
    const std::int64_t V = decoder->vocabulary_size();
    const std::string text = "This sample consists of a B cell. It originates from the blood.";
    expect_ids(decoder->encode_text(text), V, "an encoded text");
    expect(!decoder->encode_text(text).empty(), "a text is encoded as no tokens");
    expect(decoder->encode_text("").empty(),
           "an empty text is encoded as tokens; what frames a text is encode_prompt's and chat's");
    const std::string decoded = decoder->decode_text(decoder->encode_text(text));
    expect(decoder->decode_text(decoder->encode_text(decoded)) == decoded,
           "a text that it decoded is not the same once it is encoded and decoded again: '" + decoded + "'");
    const auto ends = decoder->end_tokens();
    expect(!ends.empty(), "it has no end token, so that no description ends");
    expect_ids(ends, V, "the list of end tokens");
    expect(decoder->decode_text(std::vector<std::int64_t>{ends.front()}).empty(),
           "its end token is decoded as a text; special tokens are left out");
    const ChatPieces pieces = decoder->chat({"Describe the cell.", "Cell: "});
    expect_ids(pieces.before, V, "the chat template");
    expect_ids(pieces.after, V, "the chat template");
    expect(!pieces.before.empty() || !pieces.after.empty(), "the chat template drops the prompt's texts");
  }

  static void shapes(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const std::int64_t D = decoder->width(), V = decoder->vocabulary_size();
    expect(D > 0 && V > 0, "a width of " + std::to_string(D) + " and a vocabulary of " + std::to_string(V));
    expect_shape(decoder->embed(whole_numbers({5}, V, 1)), {5, D}, "embed of 5 tokens");
    const Tensor x_BTD = embedded(*decoder.handle, {3, 6}, 1);
    expect_shape(x_BTD, {3, 6, D}, "embed of 3 x 6 tokens");
    const Tensor hidden_BTD = decoder->forward(x_BTD, row_lengths, positions(3, 6));
    expect_shape(hidden_BTD, {3, 6, -1}, "forward");
    expect_shape(decoder->logits(hidden_BTD), {3, 6, V}, "logits");
    for (const Tensor& one : outputs(*decoder.handle, x_BTD, row_lengths)) expect_finite(one, "what it computes");
  }

  static void causality(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const Tensor x = embedded(*decoder.handle, {1, 6}, 1), other = embedded(*decoder.handle, {1, 6}, 2);
    const Tensor changed = at::cat({x.narrow(1, 0, 4), other.narrow(1, 4, 2)}, 1);
    const auto first = [&](const Tensor& y) { return outputs(*decoder.handle, y, {6})[1].narrow(0, 0, 4); };
    expect_same({first(changed)}, {first(x)}, 1e-5, "the first four tokens before other ones, and before their own");
    const auto last = [&](const Tensor& y) { return outputs(*decoder.handle, y, {6})[1][5]; };
    const Tensor begins_otherwise = at::cat({other.narrow(1, 0, 2), x.narrow(1, 2, 4)}, 1);
    expect(!last(begins_otherwise).equal(last(x)), "what it says after a text does not depend on how the text begins");
  }

  /// Padding changes nothing: neither the rows themselves nor what a state remembers of them.
  static void lengths(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const Tensor x = embedded(*decoder.handle, {3, 6}, 1);
    const Tensor clean = with_padding(x, row_lengths, 0), dirty = with_padding(x, row_lengths, 50);
    expect_same(outputs(*decoder.handle, dirty, row_lengths), outputs(*decoder.handle, clean, row_lengths), rounding,
                "with large numbers beyond the lengths, and with zeros");
    const Tensor next = embedded(*decoder.handle, {3, 1}, 2);
    StateHandle state = decoder->new_state();
    decoder->forward(dirty, row_lengths, positions(3, 6), &state);
    const Tensor places = torch::tensor(row_lengths, at::TensorOptions(torch::kInt64)).view({3, 1});
    const Tensor found = decoder->logits(decoder->forward(next, {1, 1, 1}, places, &state));
    for (std::int64_t b = 0; b < 3; ++b) {
      const Tensor whole = at::cat({real_part(x, row_lengths, b), next[b]}).unsqueeze(0);
      const Tensor expected = outputs(*decoder.handle, whole, {row_lengths[b] + 1})[1];
      expect_same({found[b]}, {expected.narrow(0, row_lengths[b], 1)}, rounding,
                  "row " + std::to_string(b) + " goes on after padding, and without any");
    }
  }

  /// Few hidden states are those among all, and leave the same state.
  static void last_tokens(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const Tensor x = embedded(*decoder.handle, {3, 6}, 1), next = embedded(*decoder.handle, {3, 1}, 2);
    const Tensor places = torch::tensor(row_lengths, at::TensorOptions(torch::kInt64)).view({3, 1});
    for (const Lengths& last : {Lengths{1, 1, 1}, Lengths{3, 2, 0}}) {
      StateHandle all = decoder->new_state(), few = decoder->new_state();
      const Tensor hidden_BTD = decoder->forward(x, row_lengths, positions(3, 6), &all);
      const Tensor expected = decoder->logits(rows_at(hidden_BTD, last_places(row_lengths, last, 6)));
      const auto said = [&](StateHandle* state) {
        return decoder->logits(decoder->forward_last(x, row_lengths, positions(3, 6), last, state));
      };
      expect_same({said(nullptr), said(&few)}, {expected, expected}, rounding, "the last tokens alone, and among all");
      expect_same({decoder->logits(decoder->forward(next, {1, 1, 1}, places, &few))},
                  {decoder->logits(decoder->forward(next, {1, 1, 1}, places, &all))}, rounding,
                  "what goes on after the last tokens were asked for alone, and after all were");
    }
  }

  static void batch(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const Tensor x = embedded(*decoder.handle, {3, 6}, 1);
    const Tensors all = outputs(*decoder.handle, x, row_lengths);
    for (std::int64_t b = 0; b < 3; ++b) {
      const Tensors alone = outputs(*decoder.handle, real_part(x, row_lengths, b).unsqueeze(0), {row_lengths[b]});
      expect_same(alone, {all[2 * b], all[2 * b + 1]}, rounding, "row " + std::to_string(b) + " alone, and in a batch");
    }
  }

  static void layers(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto decoder = build<Kind>(subject);
    const Tensors before = outputs(decoder, 1);
    std::set<std::string> names;
    expect(!decoder->linear_layers().empty(), "linear_layers() is empty: nothing can be added to it");
    for (LinearSlot* slot : decoder->linear_layers()) {
      expect(slot != nullptr, "linear_layers() holds a null pointer");
      expect(names.insert(slot->name()).second, "two linear layers are called '" + slot->name() + "'");
      expect(decoder.parameters->find(slot->weight().name) == &slot->weight(),
             "the weight of layer '" + slot->name() + "' is not among the declared parameters");
      const std::int64_t out = slot->out();
      slot->attach({.function = [out](const Tensor& y) {  // of y: a constant on all keys would cancel in attention
        auto sizes = y.sizes().vec();
        sizes.back() = out;
        return (y.mean(-1, true) + 0.5).expand(sizes);
      }});
      const Tensors after = outputs(decoder, 1);
      slot->detach();
      bool changed = false;
      for (std::size_t i = 0; i < after.size(); ++i) changed = changed || !after[i].equal(before[i]);
      expect(changed,
             "what is added to layer '" + slot->name() + "' does not change the result; call the slot, not its weight");
    }
    expect_same(outputs(decoder, 1), before, 0, "after all additions were taken off, and before");
  }

  static void saving(Subject& subject) {
    torch::NoGradGuard no_grad;
    const TemporaryFolder folder;
    Value resolved;
    settings_check::faults_of(subject, subject.settings, resolved);
    auto decoder = build<Kind>(subject);
    decoder->save(folder / "saved");
    std::filesystem::rename(folder / "saved", folder / "moved");
    const auto fields = fields_of(subject);
    expect(settings_check::find(fields, "checkpoint"),
           "it has no setting 'checkpoint', with which what it saves is opened");
    auto opened = build<Kind>(subject, settings_for_folder(resolved, fields, folder / "moved", {}), 2);
    expect_same(outputs(opened, 1), outputs(decoder, 1), 1e-5, "saved and opened again, and before");
    expect(opened->end_tokens() == decoder->end_tokens(), "saved and opened again, it has other end tokens");
    const ChatText chat{"Describe the cell.", "Cell: "};
    expect(opened->chat(chat).before == decoder->chat(chat).before &&
               opened->chat(chat).after == decoder->chat(chat).after,
           "saved and opened again, it has another chat template");
  }

  static void gradients(Subject& subject) {
    auto decoder = build<Kind>(subject);
    decoder->set_training(true);
    Tensor soft_BPD = normal({3, 2, decoder->width()}, 1).requires_grad_(true);
    expect_gradients(all_trained(*decoder.parameters), [&](std::uint64_t round) {
      const Tensor x = at::cat({soft_BPD, embedded(*decoder.handle, {3, 4}, round)}, 1);
      return outputs(*decoder.handle, x, row_lengths);
    });
    expect(soft_BPD.grad().defined() && soft_BPD.grad().abs().sum().item<double>() > 0,
           "no gradient reaches the embeddings that it reads, so that no adapter can be trained through it");
  }
};

}  // namespace cell2text::conformance
