// What an explanation says of small models, against sums, other ways of computing, and models whose answer is known.
#include "cell2text/explain/explain_cell.hpp"

#include <doctest/doctest.h>

#include "cell2text/explain/described_tokens.hpp"
#include "cell2text/explain/other_cells.hpp"
#include "cell2text/generate/describe_cells.hpp"
#include "encoders/none/none.hpp"
#include "linear.hpp"
#include "perceiver.hpp"
#include "support/ascii_tokenizer.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using namespace cell2text;

namespace {

/// Forgets what it has read when it comes to the token behind the soft prompt (number 1).
class DeafDecoder : public test::GruDecoder {
 public:
  using GruDecoder::GruDecoder;
  Tensor forward(const Tensor& x_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions,
                 State* state) const {
    const Tensor marks_BT = (x_BTD == embed(torch::tensor(1)).view({1, 1, -1})).all(-1).to(torch::kInt64);
    const Tensor before_BT1 = (marks_BT.flip(1).cumsum(1).flip(1) > 0).unsqueeze(-1);
    return GruDecoder::forward(x_BTD.masked_fill(before_BT1, 0), lengths, positions, state);
  }
};

/// Computes without gradients.
class ColdDecoder : public test::GruDecoder {
 public:
  using GruDecoder::GruDecoder;
  Tensor forward(const Tensor& x_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions,
                 State* state) const {
    return GruDecoder::forward(x_BTD.detach(), lengths, positions, state);
  }
};

/// Soft tokens of the linear adapter, in reverse order: none is of the gene in its place.
class ReversingAdapter : public linear::Linear {
 public:
  using Settings = linear::Settings;
  using Linear::Linear;
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    const SoftPrompt soft = Linear::forward(genes);
    std::vector<Tensor> rows;
    for (std::size_t b = 0; b < soft.lengths.size(); ++b) {
      const Tensor row_PD = soft.values_BPD[static_cast<std::int64_t>(b)];
      const std::int64_t length = soft.lengths[b];
      rows.push_back(torch::cat({row_PD.narrow(0, 0, length).flip(0), row_PD.slice(0, length)}));
    }
    return {torch::stack(rows), soft.lengths};
  }
};

template <class P>
void set_adapter(Model& model, const Value& table = {}) {
  model.adapter = std::make_unique<AdapterHandle>(test::toy_part<kinds::adapter, P>(
      table, *(model.adapter_parameters = std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, 8)),
      {model.encoder->width(), model.decoder->width()}));
}

Value plain_tokens() {
  Value table;
  table.set("output_norm", test::text("none"));
  return table;
}

struct Explained {
  SourceHandle source = test::toy_source({7, 5, 6, 7, 4, 5});
  CellBatch cell = source.read(std::vector<std::int64_t>{0});
  CellBatch others = source.read(std::vector<std::int64_t>{1, 2, 3, 4, 5});
  std::vector<std::int64_t> text;
  std::vector<WrittenLabel> labels{{"cell_type", "b", "abc", {0, 3}}, {"tissue", "d", "d", {3, 1}}};
  std::uint64_t seed = test::seed();

  CellExplanation of(const Model& model, const ExplainOptions& options = {}) {
    model.set_training(false);
    text = model.decoder->encode_text("abcde");
    return explain_cell(model, {cell, others}, text, labels, options);
  }
};

/// Attributions sum to what they should, and the numbers beside them are those of the model.
void check_consistent(const Model& model, const Explained& made, const CellExplanation& found,
                      const GivenLabels& given = {}) {
  torch::NoGradGuard no_grad;
  REQUIRE(found.labels.size() == 2);
  for (const ExplainedLabel& label : found.labels) {
    CAPTURE(label.label.role);
    REQUIRE(label.genes.size() == 7);
    double sum = 0;
    for (const GeneAttribution& gene : label.genes) sum += gene.attribution;
    CHECK(sum == doctest::Approx(label.sum));
    const double difference = label.dependence.log_probability - label.baseline_log_probability;
    CHECK(std::abs(sum - difference) <= 0.01 * std::abs(difference) + 1e-5);
    CHECK(label.complete);
    const SoftPrompt own = model.soft_prompt(model.encoder->tokenize(made.cell));
    CHECK(label.dependence.log_probability ==
          doctest::Approx(span_log_probabilities(model, own, made.text, label.label.span, given).item<double>()));
    const SoftPrompt others = model.soft_prompt(model.encoder->tokenize(made.others));  // padded, and all at once
    const Tensor expected = span_log_probabilities(model, others, made.text, label.label.span, given);
    REQUIRE(label.dependence.others.size() == 5);
    for (std::int64_t b = 0; b < 5; ++b)
      CHECK(label.dependence.others[b] == doctest::Approx(expected[b].item<double>()).epsilon(1e-4));
  }
}

}  // namespace

TEST_CASE("explain: soft tokens where each is of one gene, the adapter's input where not") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  Model model = test::toy_model<test::GruDecoder>(made.seed);
  const CellExplanation by_token = made.of(model);
  CHECK((by_token.to == AttributedTo::soft_tokens));
  CHECK(by_token.baseline_cells == 5);
  check_consistent(model, made, by_token);
  for (std::int32_t g = 0; g < 7; ++g) CHECK(by_token.labels[0].genes[g].gene.columns == std::vector{g});

  Value table;
  table.set("latents", test::number(7));
  table.set("heads", test::number(2));
  set_adapter<perceiver::Perceiver>(model, table);
  const CellExplanation by_gene = made.of(model);
  CHECK((by_gene.to == AttributedTo::gene_embeddings));
  check_consistent(model, made, by_gene);
}

TEST_CASE("explain: through a linear adapter, soft tokens and its input give each gene the same") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  Model model = test::toy_model<test::GruDecoder>(made.seed);
  set_adapter<ReversingAdapter>(model, plain_tokens());
  const CellExplanation by_gene = made.of(model);
  CHECK((by_gene.to == AttributedTo::gene_embeddings));
  check_consistent(model, made, by_gene);
  const Tensor x_PD = model.soft_prompt(model.encoder->tokenize(made.cell)).values_BPD[0];
  Tensor sum_D = torch::zeros({x_PD.size(1)});
  std::int64_t tokens = 0;
  for (std::int64_t b = 0; b < 5; ++b) {
    const auto one = loader_detail::select(model.encoder->tokenize(made.others), {b});
    sum_D += model.soft_prompt(one).values_BPD[0].sum(0), tokens += one.lengths[0];
  }
  for (const ExplainedLabel& label : by_gene.labels) {
    const auto expected = integrated_gradients(
        [&](const Tensor& points) {
          return span_log_probabilities(model, {points, std::vector<std::int64_t>(points.size(0), 7)}, made.text,
                                        label.label.span);
        },
        x_PD, (sum_D / tokens).expand_as(x_PD), {});
    for (std::int64_t g = 0; g < 7; ++g)
      CHECK(std::abs(label.genes[g].attribution - expected.attributions[6 - g].sum().item<double>()) < 1e-4);
  }
}

TEST_CASE(
    "explain: genes left out one at a time are the top ones, and the label's probability that of a cell without") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  const Model model = test::toy_model<test::GruDecoder>(made.seed);
  ExplainOptions options;
  options.drop_one = 2;
  const CellExplanation found = made.of(model, options);
  torch::NoGradGuard no_grad;
  for (const ExplainedLabel& label : found.labels) {
    const auto order = genes_by_size(label);
    CHECK(std::ranges::is_sorted(order, std::greater{},
                                 [&](std::size_t g) { return std::abs(label.genes[g].attribution); }));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const GeneAttribution& gene = label.genes[order[i]];
      REQUIRE(gene.without.has_value() == (i < 2));
      if (i >= 2) continue;
      CellBatch rest = made.cell;  // column g stands in place g
      rest.columns.erase(rest.columns.begin() + static_cast<std::ptrdiff_t>(order[i]));
      rest.counts.pop_back(), --rest.row_starts.back();
      const SoftPrompt prompt = model.soft_prompt(model.encoder->tokenize(rest));
      CHECK(*gene.without ==
            doctest::Approx(span_log_probabilities(model, prompt, made.text, label.label.span).item<double>()));
    }
  }
}

TEST_CASE("explain: the alarm is for a model that does not hear its soft tokens, and not for one that does") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  for (const ExplainedLabel& label : made.of(test::toy_model<DeafDecoder>(made.seed)).labels) {
    CHECK_FALSE(label.dependence.from_cell());
    CHECK(*label.dependence.largest_change() < 1e-5);
    CHECK(label.complete);  // there is nothing to attribute
    for (const GeneAttribution& gene : label.genes) CHECK(gene.attribution == 0);
  }
  Value wide;  // soft tokens as large as the decoder's own, so that they are heard in any random model
  wide.set("output_scale", {4.0, {}});
  const auto heard = made.of(test::toy_model<test::GruDecoder>(made.seed, {}, wide));
  CHECK(heard.labels[0].dependence.from_cell());
  CHECK(*heard.labels[0].dependence.largest_change() > CellDependence::hardly);
}

TEST_CASE("explain: the alarm's threshold is a tenth of the probability, and needs other cells") {
  const auto of = [](double p, std::vector<double> others) {
    CellDependence one{std::log(p), {}};
    for (const double other : others) one.others.push_back(std::log(other));
    return one;
  };
  CHECK_FALSE(of(0.5, {0.5, 0.54, 0.46}).from_cell());
  CHECK(of(0.5, {0.5, 0.56}).from_cell());
  CHECK(of(0.5, {0.44}).from_cell());
  CHECK(of(0.5, {}).from_cell());
  CHECK_FALSE(of(0.5, {}).largest_change().has_value());
  CHECK(std::exp(CellDependence::hardly) == doctest::Approx(1.1).epsilon(1e-9));
}

TEST_CASE("explain: baselines of zeros, and of this cell alone where there is no other") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  const Model model = test::toy_model<test::GruDecoder>(made.seed);
  ExplainOptions options;
  options.baseline = ExplainBaseline::zero;
  const CellExplanation zero = made.of(model, options);
  CHECK(zero.baseline_cells == 0);
  torch::NoGradGuard no_grad;
  const auto at = [&](const Tensor& row_D) {
    return span_log_probabilities(model, {row_D.expand({1, 7, row_D.size(-1)}), {7}}, made.text, made.labels[0].span)
        .item<double>();
  };
  CHECK(zero.labels[0].baseline_log_probability == doctest::Approx(at(torch::zeros({model.decoder->width()}))));
  made.others = made.source.read(std::vector<std::int64_t>{});
  const CellExplanation alone = made.of(model);
  CHECK(alone.baseline_cells == 0);
  CHECK(alone.labels[0].dependence.others.empty());
  const Tensor own = model.soft_prompt(model.encoder->tokenize(made.cell)).values_BPD[0].mean(0);
  CHECK(alone.labels[0].baseline_log_probability == doctest::Approx(at(own)));
}

TEST_CASE("explain: each label is told of, and a model without gradients is refused") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  ExplainOptions options;
  std::vector<std::int64_t> told;
  options.on_label = [&](std::int64_t done) { told.push_back(done); };
  made.of(test::toy_model<test::GruDecoder>(made.seed), options);
  CHECK(told == std::vector<std::int64_t>{1, 2});
  CHECK_THROWS_WITH_AS(made.of(test::toy_model<ColdDecoder>(made.seed)), doctest::Contains("no gradient comes back"),
                       InputError);
  made.labels = {{"cell_type", "b", "abc", {4, 2}}};
  CHECK_THROWS_AS(made.of(test::toy_model<test::GruDecoder>(made.seed)), BugError);
}

TEST_CASE("explain: other cells are drawn by the seed, without the cell itself and those without known genes") {
  const SourceHandle source = test::toy_source({3, 0, 4, -1, 2, 5, 0, 1});
  Parameters parameters(torch::kCPU, torch::kFloat32, 1);
  const EncoderHandle encoder(test::toy_part<kinds::encoder, test::ToyEncoder>({}, parameters));
  auto all = other_cells(source, encoder, 2, 100, 7);
  std::ranges::sort(all);
  CHECK(all == std::vector<std::int64_t>{0, 4, 5, 7});
  CHECK(other_cells(source, encoder, 2, 0, 7).empty());
  const auto two = other_cells(source, encoder, 2, 2, 7);
  CHECK(two.size() == 2);
  CHECK(two == other_cells(source, encoder, 2, 2, 7));
  bool differ = false;
  for (std::uint64_t seed = 8; seed < 30; ++seed) differ = differ || two != other_cells(source, encoder, 2, 2, seed);
  CHECK(differ);
}

TEST_CASE("explain: the text is what describing writes of the cell") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  const Model model = test::toy_model<test::GruDecoder>(made.seed);
  model.set_training(false);
  GenerationSettings settings;
  settings.max_new_tokens.value = 9, settings.beams = 1, settings.temperature = 1, settings.seed = 3;
  TokenBatch batch;
  batch.tokens = model.encoder->tokenize(made.cell);
  batch.rows = {0}, batch.names = made.cell.names, batch.totals = made.cell.totals;
  CHECK(model.decoder->decode_text(described_tokens(model, made.cell, settings)) ==
        describe_cells(model, batch, settings)[0].text);
}

TEST_CASE("explain: what is given of a cell is told in the prompt, as in describing") {
  Explained made;
  INFO("CELL2TEXT_TEST_SEED=" << made.seed);
  Model model = test::toy_model<test::GruDecoder>(made.seed);
  model.set_training(false);
  model.tell_given = [own = model.pieces](const GivenLabels& given) {
    ChatPieces told = own;
    told.after.push_back(given.at("tissue") == "lung" ? 1 : 2);
    return told;
  };
  const GivenLabels lung{{"tissue", "lung"}}, blood{{"tissue", "blood"}};
  made.text = model.decoder->encode_text("abcde");
  const auto explained = [&](const GivenLabels& given) {
    return explain_cell(model, {made.cell, made.others, given}, made.text, made.labels);
  };
  const CellExplanation found = explained(lung), other = explained(blood);
  check_consistent(model, made, found, lung);
  CHECK(found.labels[0].dependence.log_probability != other.labels[0].dependence.log_probability);

  GenerationSettings settings;
  settings.max_new_tokens.value = 9, settings.beams = 1, settings.temperature = 1, settings.seed = 3;
  TokenBatch batch;
  batch.tokens = model.encoder->tokenize(made.cell);
  batch.rows = {0}, batch.names = made.cell.names, batch.totals = made.cell.totals;
  for (const GivenLabels& given : {lung, blood}) {
    DescribeExtras wanted;
    wanted.given = [&](std::int64_t) { return given; };
    CHECK(model.decoder->decode_text(described_tokens(model, made.cell, settings, wanted)) ==
          describe_cells(model, batch, settings, wanted)[0].text);
  }
}

TEST_CASE("explain: where genes are told by name, each gets the shares of its name's tokens") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  Model model = test::toy_model<test::BasicGruDecoder<test::AsciiTokenizer>>(seed);
  model.encoder =
      std::make_unique<EncoderHandle>(test::toy_part<kinds::encoder, none::None>({}, *model.encoder_parameters));
  model.adapter = nullptr, model.told_genes = 3;
  model.set_training(false);
  const auto genes = std::make_shared<const GeneTable>(
      GeneTable{{"ENSG1", "ENSG2", "ENSG3", "ENSG4"}, {"CD3D", "LYZ", "NKG7", "HLA-DRA"}});
  const CellBatch cell{genes, {0}, {"a"}, {0, 4}, {0, 1, 2, 3}, {3, 9, 1, 5}, {18}};
  const CellBatch others{genes, {1}, {"b"}, {0, 1}, {2}, {4}, {4}};
  const auto text = model.decoder->encode_text("B cell");
  const TextSpan span{0, 2};
  const CellExplanation found = explain_cell(model, {cell, others}, text, {{"cell_type", "B", "B ", span}});
  CHECK((found.to == AttributedTo::gene_names));
  const ExplainedLabel& label = found.labels.at(0);
  CHECK(label.complete);
  REQUIRE(label.genes.size() == 3);  // LYZ HLA-DRA CD3D
  const std::vector<std::int32_t> order{1, 3, 0};
  const std::vector<double> counts{9, 5, 3};
  const Tensor x_PD = model.soft_prompt(model.encoder->tokenize(cell)).values_BPD[0];
  const Tensor other_PD = model.soft_prompt(model.encoder->tokenize(others)).values_BPD[0];
  REQUIRE(x_PD.size(0) == 16);
  const auto expected = integrated_gradients(
      [&](const Tensor& points) {
        return span_log_probabilities(model, {points, std::vector<std::int64_t>(points.size(0), 16)}, text, span);
      },
      x_PD, other_PD.mean(0).expand_as(x_PD), {});
  const std::int64_t ends[] = {3, 11, 16};  // a blank is the next name's
  for (std::int64_t g = 0, begin = 0; g < 3; begin = ends[g++]) {
    CHECK(label.genes[g].gene.columns == std::vector{order[g]});
    CHECK(label.genes[g].gene.count == counts[g]);
    const double sum = expected.attributions.narrow(0, begin, ends[g] - begin).sum().item<double>();
    CHECK(std::abs(label.genes[g].attribution - sum) < 1e-5);
  }
}
