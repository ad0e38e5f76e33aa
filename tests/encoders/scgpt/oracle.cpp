// scGPT against its published architecture in PyTorch, in every layout of its files, and against numpy's bins.
#include "encoders/scgpt/built.hpp"
#include "support/difference.hpp"

using cell2text::TensorFiles;
using cell2text::test::difference;

namespace {

cell2text::GeneTokens scgpt_tokens(const TensorFiles& files) {
  cell2text::GeneTokens tokens;
  tokens.first_gene = tokens.special_tokens = 1;
  tokens.ids_BG = files.tensor("ids"), tokens.values_BG = files.tensor("values");
  const Tensor lengths = files.tensor("lengths");
  tokens.lengths.assign(lengths.const_data_ptr<std::int64_t>(),
                        lengths.const_data_ptr<std::int64_t>() + lengths.numel());
  return tokens;
}

void check_layer(const std::filesystem::path& model, std::int64_t layer, const cell2text::GeneTokens& tokens,
                 const Tensor& hidden_BGE) {
  test::BuiltScgpt built(test::scgpt_checkpoint(model, layer));
  for (const bool gradients : {false, true}) {  // cell by cell, and all together with a mask
    const torch::AutoGradMode mode(gradients);
    const auto genes = built.encoder->encode(tokens);
    for (std::size_t row = 0; row < tokens.lengths.size(); ++row) {
      REQUIRE(genes.lengths[row] == tokens.lengths[row] - 1);
      const Tensor expected = hidden_BGE[static_cast<std::int64_t>(row)].slice(0, 1, tokens.lengths[row]);
      CHECK(difference(genes.values_BGE[static_cast<std::int64_t>(row)].slice(0, 0, genes.lengths[row]).detach(),
                       expected) < 1e-4);
      CHECK(expected.abs().max().item<double>() > 0.1);
    }
  }
}

}  // namespace

TEST_CASE("oracle: scgpt: outputs of every layer are those of PyTorch, in every layout of the file") {
  const auto seed = test::seed();
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--layout", "plain"}, {"--layout", "flash", "--module"}, {"--layout", "impl"}}) {
    INFO("seed " << seed << " " << arguments[1]);
    const auto folder = test::oracle("scgpt.py", seed, arguments);
    const auto files = TensorFiles::open(folder / "expected.safetensors");
    const auto tokens = scgpt_tokens(files);
    std::int64_t layers = 0;
    while (files.contains("hidden_" + std::to_string(layers + 1))) ++layers;
    REQUIRE(layers >= 1);
    for (std::int64_t layer = -layers; layer <= 0; ++layer) {
      INFO("layer " << layer << " of " << layers);
      check_layer(folder / "model", layer, tokens, files.tensor("hidden_" + std::to_string(layers + layer)));
    }
    test::BuiltScgpt(test::scgpt_checkpoint(folder / "model")).encoder->save(folder / "saved");
    check_layer(folder / "saved", 0, tokens, files.tensor("hidden_" + std::to_string(layers)));
  }
}

TEST_CASE("oracle: scgpt: bins lie where numpy's quantiles and digitize put them") {
  using cell2text::scgpt::Binner;
  using cell2text::scgpt::Ties;
  const auto seed = test::seed();
  INFO("seed " << seed);
  const auto folder = test::oracle("scgpt.py", seed);
  const auto files = TensorFiles::open(folder / "expected.safetensors");
  const auto vector_of = [&](const std::string& name) {
    const Tensor x = files.tensor(name);
    return std::vector<float>(x.const_data_ptr<float>(), x.const_data_ptr<float>() + x.numel());
  };
  int cell = 0;
  for (; files.contains("values_" + std::to_string(cell)); ++cell) {
    INFO("cell " << cell);
    const auto number = "_" + std::to_string(cell);
    const auto values = vector_of("values" + number), lower = vector_of("lower" + number),
               upper = vector_of("upper" + number);
    const auto binned = [&](Ties ties, double draw) {
      auto all = values;
      Binner(51, ties).bin(all, [draw](std::size_t) { return draw; });
      return all;
    };
    CHECK(binned(Ties::upper, 0) == upper);
    CHECK(binned(Ties::random, 0) == upper);  // ceil(0 * (lower - upper) + upper)
    const auto middle = binned(Ties::middle, 0), drawn = binned(Ties::random, 0.625);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(drawn[i] == std::ceil(0.625f * (lower[i] - upper[i]) + upper[i]));
      CHECK(middle[i] >= std::min(lower[i] + 1, upper[i]));
      CHECK(middle[i] <= upper[i]);
      CHECK(std::abs(middle[i] - (std::min(lower[i] + 1, upper[i]) + upper[i]) / 2) <= 0.5f);
    }
  }
  CHECK(cell == 20);
}
