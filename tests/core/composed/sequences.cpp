// What the decoder reads, and what becomes of each cell: join() and describe_cells().
#include "cell2text/generate/describe_cells.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::CellStatus;
using cell2text::DescribedCell;
using cell2text::GenerationSettings;
using cell2text::Model;
using cell2text::Sequences;
using cell2text::SoftPrompt;
using cell2text::Tensor;
namespace test = cell2text::test;

using Texts = std::vector<std::vector<std::int64_t>>;

namespace {

/// The same sequences row by row.
Tensor row_by_hand(const Model& model, const SoftPrompt& soft, std::int64_t b, const std::vector<std::int64_t>& text) {
  auto ids = [&](const std::vector<std::int64_t>& tokens) {
    return model.decoder->embed(torch::tensor(tokens, torch::kInt64));
  };
  std::vector<std::int64_t> rest = model.pieces.after;
  rest.insert(rest.end(), text.begin(), text.end());
  return torch::cat({ids(model.pieces.before), soft.values_BPD[b].narrow(0, 0, soft.lengths[b]), ids(rest)});
}

}  // namespace

TEST_CASE("join: chat pieces, soft tokens and text follow each other without a gap") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  torch::manual_seed(seed);
  const Model model = test::toy_model<test::GruDecoder>(2);
  const SoftPrompt soft{torch::randn({4, 5, model.decoder->width()}), {5, 0, 2, 3}};
  const Texts texts{{7, 0}, {3, 4, 5, 6, 7, 8, 9, 0}, {0}, {2, 0}};
  const auto before = static_cast<std::int64_t>(model.pieces.before.size()),
             after = static_cast<std::int64_t>(model.pieces.after.size());
  for (const bool with_texts : {true, false}) {
    const Sequences joined = join(model, soft, with_texts ? texts : Texts{});
    std::int64_t longest = 0;
    for (std::int64_t b = 0; b < 4; ++b) {
      const Tensor expected = row_by_hand(model, soft, b, with_texts ? texts[b] : std::vector<std::int64_t>{});
      CHECK(joined.prompts[b] == before + soft.lengths[b] + after);
      REQUIRE(joined.lengths[b] == expected.size(0));
      CHECK(torch::equal(joined.embeddings_BTD[b].narrow(0, 0, joined.lengths[b]), expected));
      longest = std::max(longest, joined.lengths[b]);
    }
    CHECK(joined.embeddings_BTD.size(1) == longest);
    CHECK(torch::equal(joined.positions_BT, torch::arange(longest).expand({4, longest})));
  }
}

TEST_CASE("join: each cell has the prompt that tells what is given of it, and what is beside it does not change") {
  Model model = test::toy_model<test::GruDecoder>(2);
  const SoftPrompt soft{torch::randn({3, 4, model.decoder->width()}), {4, 1, 2}};
  const Texts texts{{7, 0}, {3, 4, 0}, {5, 0}};
  const std::vector<cell2text::GivenLabels> given{{{"sex", "male"}}, {}, {{"tissue", "lung"}, {"sex", "female"}}};
  const Sequences plain = join(model, soft, texts);
  CHECK(torch::equal(join(model, soft, texts, given).embeddings_BTD, plain.embeddings_BTD));  // it tells nothing
  model.tell_given = [&](const cell2text::GivenLabels& labels) {
    return model.decoder->chat({"ab", cell2text::given_text({"tissue", "sex"}, labels) + "c"});
  };
  CHECK(torch::equal(join(model, soft, texts).embeddings_BTD, plain.embeddings_BTD));
  const Sequences told = join(model, soft, texts, given);
  for (std::int64_t b = 0; b < 3; ++b) {
    INFO("cell " << b);
    Model alone = test::toy_model<test::GruDecoder>(2);
    alone.pieces = model.tell_given(given[b]);
    const Tensor expected = row_by_hand(alone, soft, b, texts[b]);
    REQUIRE(told.lengths[b] == expected.size(0));
    CHECK(told.prompts[b] == told.lengths[b] - std::ssize(texts[b]));
    CHECK(torch::equal(told.embeddings_BTD[b].narrow(0, 0, told.lengths[b]), expected));
  }
  CHECK(told.lengths[0] > plain.lengths[0]);
  CHECK(told.lengths[1] == plain.lengths[1]);
}

TEST_CASE("join: gradients reach soft tokens below their lengths, and embeddings as often as they are used") {
  const Model model = test::toy_model<test::GruDecoder>(2);
  auto& embedding = model.decoder_parameters->find("embedding")->value;
  embedding.requires_grad_(true);
  Tensor values = torch::randn({2, 3, model.decoder->width()}).requires_grad_(true);
  const Texts texts{{20, 20, 0}, {21, 0}};
  const Sequences joined = join(model, {values, {3, 1}}, texts);
  Tensor sum = torch::zeros({});
  for (std::int64_t b = 0; b < 2; ++b) sum = sum + joined.embeddings_BTD[b].narrow(0, 0, joined.lengths[b]).sum();
  sum.backward();
  Tensor expected = torch::zeros({2, 3});
  expected[0].fill_(1);
  expected[1][0] = 1;
  CHECK(torch::equal(values.grad().select(2, 0), expected));
  const Tensor uses = embedding.grad().select(1, 0);
  CHECK(uses[20].item<double>() == 2);
  CHECK(uses[21].item<double>() == 1);
  CHECK(uses[0].item<double>() == 2);
  CHECK(uses[model.pieces.before.front()].item<double>() == 2);
  CHECK(uses[22].item<double>() == 0);
}

TEST_CASE("model: max_genes cuts the soft prompt, and a frozen encoder records no gradients") {
  Model model = test::toy_model<test::GruDecoder>(2);
  const auto source = test::toy_source({3, 12});
  const auto tokens = test::toy_tokens(model, source, {0, 1});
  const SoftPrompt whole = model.soft_prompt(tokens);
  CHECK(whole.lengths == std::vector<std::int64_t>{3, 12});
  model.max_genes = 5;
  const SoftPrompt cut = model.soft_prompt(tokens);
  CHECK(cut.lengths == std::vector<std::int64_t>{3, 5});
  CHECK(torch::allclose(cut.values_BPD[1], whole.values_BPD[1].narrow(0, 0, 5)));
  auto& table = model.encoder_parameters->find("table")->value;
  table.requires_grad_(true);
  CHECK(!model.soft_prompt(tokens).values_BPD.requires_grad());
  model.encoder_frozen = false;
  CHECK(model.soft_prompt(tokens).values_BPD.requires_grad());
}

namespace {

template <int bias>
struct BiasedDecoder : test::GruDecoder {
  using GruDecoder::GruDecoder;
  Tensor logits(const Tensor& hidden) const {
    Tensor all = GruDecoder::logits(hidden);
    return at::cat({all.narrow(-1, 0, 1) + bias, all.narrow(-1, 1, all.size(-1) - 1)}, -1);
  }
};
using NeverEnding = BiasedDecoder<-1000>;
using SoonEnding = BiasedDecoder<50>;

std::vector<DescribedCell> described(const Model& model, const cell2text::SourceHandle& source,
                                     const std::vector<std::int64_t>& rows) {
  GenerationSettings settings;
  settings.max_new_tokens.value = 12;
  settings.beams = 2;
  cell2text::CellLoader loader(source, *model.encoder, rows, {64, 1, 0, false});
  return describe_cells(model, *loader.next(), settings);
}

}  // namespace

TEST_CASE("describe cells: a cell without counts or known genes gets no text and does not disturb the others") {
  const Model model = test::toy_model<NeverEnding>(3);
  const auto source = test::toy_source({0, 25, -1, 5, 30, 0});
  const auto all = described(model, source, {0, 1, 2, 3, 4, 5});
  REQUIRE(all.size() == 6);
  const std::vector<CellStatus> expected{CellStatus::no_counts,       CellStatus::truncated,
                                         CellStatus::few_known_genes, CellStatus::few_known_genes,
                                         CellStatus::truncated,       CellStatus::no_counts};
  for (std::size_t i = 0; i < 6; ++i) {
    INFO("cell " << i << ": " << status_name(all[i].status));
    CHECK(all[i].status == expected[i]);
    CHECK(all[i].row == static_cast<std::int64_t>(i));
    CHECK(all[i].name == "cell-" + std::to_string(i));
    const bool told = i == 1 || i == 3 || i == 4;
    CHECK(all[i].text.empty() == !told);
    CHECK(std::isnan(all[i].log_probability) == !told);
  }
  CHECK(all[3].genes_used == 5);
  CHECK(all[4].genes_used == 30);
  CHECK(all[2].genes_used == 0);
  for (const std::int64_t row : {1, 3, 4}) {
    const auto alone = described(model, source, {row});
    CHECK(alone[0].text == all[row].text);
    CHECK(alone[0].log_probability == doctest::Approx(all[row].log_probability).epsilon(1e-5));
  }
}

TEST_CASE("describe cells: cells without genes alone are answered without the decoder") {
  const Model model = test::toy_model<test::GruDecoder>(3);
  const auto all = described(model, test::toy_source({0, -1}), {0, 1});
  CHECK(all[0].status == CellStatus::no_counts);
  CHECK(all[1].status == CellStatus::few_known_genes);
}

TEST_CASE("describe cells: a text that ends is ok, and genes that were cut off do not count as used") {
  Model model = test::toy_model<SoonEnding>(3);
  model.max_genes = 21;
  const auto all = described(model, test::toy_source({25, 20, 19}), {0, 1, 2});
  CHECK(all[0].status == CellStatus::ok);
  CHECK(all[1].status == CellStatus::ok);
  CHECK(all[2].status == CellStatus::few_known_genes);
  CHECK(all[0].genes_used == 21);
  CHECK(all[0].log_probability <= 0);
}
