// The loss on description tokens against a plain cross-entropy over all logits, gradients included.
#include "cell2text/train/loss.hpp"

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::LossOptions;
using cell2text::LossSum;
using cell2text::Model;
using cell2text::Sequences;
using cell2text::Tensor;
namespace test = cell2text::test;

namespace {

/// Counts the rows that go through the vocabulary projection, and the tokens of each text that are asked for.
struct CountingDecoder : test::GruDecoder {
  using GruDecoder::GruDecoder;
  static inline std::vector<std::int64_t> projected;
  Tensor logits(const Tensor& hidden) const {
    projected.push_back(hidden.numel() / width());
    return GruDecoder::logits(hidden);
  }
  static inline std::vector<std::int64_t> asked_for;
  Tensor forward_last(const Tensor& x_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions,
                      const std::vector<std::int64_t>& last, State* state) const {
    asked_for = last;
    return cell2text::rows_at(forward(x_BTD, lengths, positions, state),
                              cell2text::last_places(lengths, last, x_BTD.size(1)));
  }
};

using Texts = std::vector<std::vector<std::int64_t>>;

struct Case {
  Model model = test::toy_model<CountingDecoder>(4);
  cell2text::SourceHandle source = test::toy_source({3, 8, 1, 5});
  Texts texts;

  explicit Case(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int b = 0; b < 4; ++b) {
      texts.emplace_back();
      for (auto n = random() % 9; n > 0; --n) texts.back().push_back(static_cast<std::int64_t>(random() % 28));
      texts.back().push_back(0);
    }
    for (auto* set : {model.adapter_parameters.get(), model.decoder_parameters.get()})
      for (auto& parameter : set->list()) parameter.value.requires_grad_(true);
  }
  std::int64_t tokens() const {
    std::int64_t n = 0;
    for (const auto& text : texts) n += static_cast<std::int64_t>(text.size());
    return n;
  }
  cell2text::SoftPrompt soft() const { return model.soft_prompt(test::toy_tokens(model, source, {0, 1, 2, 3})); }

  /// The gradients of all trained parameters, which are cleared.
  std::vector<Tensor> take_gradients() {
    std::vector<Tensor> all;
    for (auto* set : {model.adapter_parameters.get(), model.decoder_parameters.get()})
      for (auto& parameter : set->list()) {
        all.push_back(parameter.value.grad().clone());
        parameter.value.mutable_grad() = Tensor();
      }
    return all;
  }

  /// The same by the book: all logits, labels of -100 where nothing is to be predicted.
  Tensor plain_loss(double smoothing) const {
    const Sequences sequences = join(model, soft(), texts);
    const Tensor hidden = model.decoder->forward(sequences.embeddings_BTD, sequences.lengths, sequences.positions_BT);
    const Tensor logits_BTV = model.decoder->logits(hidden);
    const std::int64_t T = logits_BTV.size(1);
    Tensor labels_BT = torch::full({4, T}, -100, torch::kInt64);
    for (std::int64_t b = 0; b < 4; ++b)
      for (std::size_t i = 0; i < texts[b].size(); ++i)
        labels_BT[b][sequences.prompts[b] + static_cast<std::int64_t>(i)] = texts[b][i];
    return at::cross_entropy_loss(logits_BTV.narrow(1, 0, T - 1).reshape({4 * (T - 1), -1}),
                                  labels_BT.narrow(1, 1, T - 1).reshape(-1), {}, at::Reduction::Sum, -100, smoothing);
  }
};

}  // namespace

TEST_CASE("loss: value and gradients are those of a cross-entropy over all logits") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  Case one(seed);
  for (const double smoothing : {0.0, 0.15})
    for (const std::int64_t chunk_values : {std::int64_t{1}, std::int64_t{28 * 3}, LossOptions{}.chunk_values}) {
      INFO("smoothing " << smoothing << ", chunk " << chunk_values);
      const double scale = 1.0 / static_cast<double>(one.tokens());
      (one.plain_loss(smoothing) * scale).backward();
      const auto expected = one.take_gradients();
      const LossSum loss = description_loss(one.model, one.soft(), one.texts, {true, scale, smoothing, chunk_values});
      const auto found = one.take_gradients();
      CHECK(loss.tokens == one.tokens());
      CHECK(std::abs(loss.sum - one.plain_loss(0).item<double>()) < 1e-3);
      CHECK(loss.mean() == doctest::Approx(loss.sum / static_cast<double>(one.tokens())));
      for (std::size_t i = 0; i < found.size(); ++i) CHECK((found[i] - expected[i]).abs().max().item<double>() < 1e-5);
    }
}

TEST_CASE("loss: the last layer and the projection run on description positions alone, this in chunks") {
  Case one(11);
  CountingDecoder::projected.clear();
  description_loss(one.model, one.soft(), one.texts, {true, 1, 0, 28 * 4});
  std::int64_t rows = 0;
  for (const std::int64_t n : CountingDecoder::projected) {
    CHECK(n <= 4);
    rows += n;
  }
  CHECK(rows == one.tokens());
  std::vector<std::int64_t> sizes;
  for (const auto& text : one.texts) sizes.push_back(std::ssize(text));
  CHECK((CountingDecoder::asked_for == sizes));
}

TEST_CASE("loss: without backward there are no gradients, and the value is the same") {
  Case one(12);
  const LossSum with = description_loss(one.model, one.soft(), one.texts, {true, 1});
  one.take_gradients();
  torch::NoGradGuard no_grad;
  const LossSum without = description_loss(one.model, one.soft(), one.texts, {});
  CHECK(with.sum == doctest::Approx(without.sum).epsilon(1e-6));
  for (auto& parameter : one.model.decoder_parameters->list()) CHECK(!parameter.value.grad().defined());
}

TEST_CASE("loss: the sum over a batch is the sum over its cells") {
  Case one(13);
  torch::NoGradGuard no_grad;
  const LossSum together = description_loss(one.model, one.soft(), one.texts, {});
  LossSum apart;
  for (std::int64_t b = 0; b < 4; ++b)
    apart += description_loss(one.model, one.model.soft_prompt(test::toy_tokens(one.model, one.source, {b})),
                              {one.texts[b]}, {});
  CHECK(together.tokens == apart.tokens);
  CHECK(together.sum == doctest::Approx(apart.sum).epsilon(1e-5));
  CHECK(LossSum{}.mean() == 0);
}
