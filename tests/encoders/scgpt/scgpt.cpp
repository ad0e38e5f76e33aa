// The encoder as a whole: opening, tokens, vectors, levels, saving, refusals.
#include "scgpt.hpp"

#include "cell2text/concepts.hpp"
#include "encoders/scgpt/built.hpp"
#include "support/difference.hpp"

using cell2text::GeneEmbeddings;
using cell2text::GeneTokens;
using cell2text::InputError;
using cell2text::Tensor;
using cell2text::scgpt::Architecture;
using cell2text::scgpt::Scgpt;
using cell2text::scgpt::Settings;
using cell2text::test::BuiltScgpt;
using cell2text::test::difference;
using cell2text::test::scgpt_checkpoint;
namespace test = cell2text::test;

static_assert(cell2text::Encoder<Scgpt>);

namespace {

/// Genes A to D.
Settings random_scgpt(const std::filesystem::path& folder) {
  test::write_json(folder / "vocab.json", {{"A", 0}, {"B", 1}, {"C", 2}, {"D", 3}});
  Settings settings;
  settings.architecture = Architecture{.layers = 3, .width = 16, .heads = 2, .feed_forward = {}};
  settings.dictionaries = folder.string();
  return settings;
}

/// Four genes, none known, one.
cell2text::CellBatch symbol_cells() {
  cell2text::GeneTable table;
  table.ids = {"A", "B", "x", "C", "D"}, table.kind = cell2text::GeneTable::Kind::symbol;
  return test::cells_of(std::make_shared<const cell2text::GeneTable>(std::move(table)),
                        {{1, 2, 3, 4, 5}, {0, 0, 7, 0, 0}, {0, 0, 1, 1, 0}});
}

GeneEmbeddings encoded(const BuiltScgpt& built, const cell2text::CellBatch& cells) {
  const torch::NoGradGuard no_grad;
  return built.encoder->encode(built.encoder->tokenize(cells));
}

void check_equal(const GeneEmbeddings& a, const GeneEmbeddings& b) {
  REQUIRE(a.lengths == b.lengths);
  for (std::size_t row = 0; row < a.lengths.size(); ++row)
    if (a.lengths[row] > 0)
      CHECK(difference(a.values_BGE[row].slice(0, 0, a.lengths[row]), b.values_BGE[row].slice(0, 0, a.lengths[row])) ==
            0);
}

}  // namespace

TEST_CASE("scgpt: tokens are padded, and <cls> leaves the result") {
  const test::TemporaryFolder folder;
  const BuiltScgpt built(random_scgpt(folder.path()));
  const GeneTokens tokens = built.encoder->tokenize(symbol_cells());
  CHECK(tokens.lengths == std::vector<std::int64_t>{5, 1, 2});
  CHECK(tokens.known_genes == std::vector<std::int64_t>{4, 0, 1});
  CHECK(tokens.ids_BG.equal(torch::tensor({{5, 3, 2, 1, 0}, {5, 4, 4, 4, 4}, {5, 2, 4, 4, 4}}, torch::kInt64)));
  CHECK(tokens.values_BG[0][0].item<float>() == -2);
  CHECK(tokens.values_BG[0][1].item<float>() == 50);
  const auto genes = encoded(built, symbol_cells());
  CHECK(genes.values_BGE.sizes() == at::IntArrayRef({3, 4, 16}));
  CHECK(genes.lengths == std::vector<std::int64_t>{4, 0, 1});
  CHECK(genes.values_BGE.isfinite().all().item<bool>());
  CHECK(built.log.find("output of block 3 of 3") != std::string::npos);
  CHECK_FALSE(built.encoder->needs_counts());
  CHECK(built.encoder->known(*symbol_cells().genes) == std::vector<bool>{true, true, false, true, true});
}

TEST_CASE("scgpt: a cell alone gives what it gives in a batch, and padding may hold anything") {
  const test::TemporaryFolder folder;
  const auto seed = test::seed();
  INFO("seed " << seed);
  const BuiltScgpt built(random_scgpt(folder.path()), seed);
  GeneTokens tokens = built.encoder->tokenize(symbol_cells());
  for (const bool gradients : {false, true}) {
    const torch::AutoGradMode mode(gradients);
    const Tensor all = built.encoder->encode(tokens).values_BGE.detach();
    GeneTokens other = tokens;
    other.values_BG = tokens.values_BG.clone();
    other.values_BG.slice(0, 2).slice(1, 2).fill_(17);
    const Tensor padded = built.encoder->encode(other).values_BGE.detach();
    CHECK(difference(all[2][0], padded[2][0]) < 1e-6);
    GeneTokens alone;
    alone.first_gene = alone.special_tokens = 1;
    alone.ids_BG = tokens.ids_BG.slice(0, 2).slice(1, 0, 2),
    alone.values_BG = tokens.values_BG.slice(0, 2).slice(1, 0, 2);
    alone.lengths = {2}, alone.known_genes = {1};
    CHECK(difference(built.encoder->encode(alone).values_BGE[0].detach(), all[2].slice(0, 0, 1)) < 1e-5);
  }
}

TEST_CASE("scgpt: levels give one vector per gene, the one at <cls> of length one, or the mean") {
  const test::TemporaryFolder folder;
  Settings settings = random_scgpt(folder.path());
  const GeneEmbeddings genes = encoded(BuiltScgpt(settings), symbol_cells());
  settings.level = "mean";
  const GeneEmbeddings mean = encoded(BuiltScgpt(settings), symbol_cells());
  CHECK(mean.lengths == std::vector<std::int64_t>{1, 0, 1});
  CHECK(mean.values_BGE.sizes() == at::IntArrayRef({3, 1, 16}));
  CHECK(difference(mean.values_BGE[0][0], genes.values_BGE[0].mean(0)) < 1e-6);
  CHECK(difference(mean.values_BGE[2][0], genes.values_BGE[2][0]) < 1e-6);
  settings.level = "cls";
  const GeneEmbeddings unit = encoded(BuiltScgpt(settings), symbol_cells());
  settings.unit_length = false;
  const GeneEmbeddings cls = encoded(BuiltScgpt(settings), symbol_cells());
  CHECK(cls.lengths == std::vector<std::int64_t>{1, 0, 1});
  for (const std::int64_t row : {0, 2}) {
    CHECK(unit.values_BGE[row][0].norm().item<double>() == doctest::Approx(1));
    CHECK(difference(unit.values_BGE[row][0] * cls.values_BGE[row][0].norm(), cls.values_BGE[row][0]) < 1e-5);
  }
  CHECK(difference(cls.values_BGE[0][0], mean.values_BGE[0][0]) > 1e-3);
  settings.level = "cell";
  CHECK(difference(encoded(BuiltScgpt(settings), symbol_cells()).values_BGE[0], cls.values_BGE[0]) == 0);
}

TEST_CASE("scgpt: what was saved opens with the same output, and upper layers stay away") {
  const test::TemporaryFolder folder, saved;
  Settings settings = random_scgpt(folder.path());
  settings.layer = -1;
  const BuiltScgpt built(settings);
  const auto expected = encoded(built, symbol_cells());
  built.encoder->save(saved / "encoder");
  const BuiltScgpt opened(scgpt_checkpoint(saved / "encoder", -1));
  check_equal(encoded(opened, symbol_cells()), expected);
  opened.encoder->save(saved / "encoder");
  check_equal(encoded(BuiltScgpt(scgpt_checkpoint(saved / "encoder", -1)), symbol_cells()), expected);
  const auto message = test::message_of<InputError>([&] { BuiltScgpt{scgpt_checkpoint(saved / "encoder", 0)}; });
  CHECK(test::has(message, "'layer' = 0"));
}

TEST_CASE("scgpt: weights of two bytes are close to those of four") {
  const test::TemporaryFolder folder;
  Settings settings = random_scgpt(folder.path());
  const auto wide = encoded(BuiltScgpt(settings), symbol_cells());
  settings.dtype = "bfloat16";
  const BuiltScgpt built(settings);
  CHECK((built.parameters->list().front().value.scalar_type() == torch::kBFloat16));
  const auto narrow = encoded(built, symbol_cells());
  CHECK((narrow.values_BGE.scalar_type() == torch::kFloat32));
  CHECK(difference(narrow.values_BGE[0], wide.values_BGE[0]) < 0.1);
  CHECK(difference(narrow.values_BGE[0], wide.values_BGE[0]) > 0);
}

TEST_CASE("scgpt: gradients reach every parameter, dropout acts in training alone") {
  const test::TemporaryFolder folder;
  BuiltScgpt built(random_scgpt(folder.path()));
  for (auto& parameter : built.parameters->list()) parameter.value.requires_grad_(true);
  const auto tokens = built.encoder->tokenize(symbol_cells());
  const GeneEmbeddings genes = built.encoder->encode(tokens);
  (genes.values_BGE[0].square().sum() + genes.values_BGE[2][0].sum()).backward();
  for (auto& parameter : built.parameters->list()) {
    INFO(parameter.name);
    REQUIRE(parameter.value.grad().defined());
    CHECK(parameter.value.grad().isfinite().all().item<bool>());
  }
  const torch::NoGradGuard no_grad;
  const Tensor plain = built.encoder->encode(tokens).values_BGE;
  CHECK(difference(plain, built.encoder->encode(tokens).values_BGE) == 0);
  built.encoder->set_training(true);
  CHECK(difference(plain, built.encoder->encode(tokens).values_BGE) > 0.01);
}

TEST_CASE("scgpt: settings and files that do not fit together are refused") {
  const test::TemporaryFolder folder, saved;
  Settings settings = random_scgpt(folder.path());
  BuiltScgpt built(settings);
  built.encoder->save(saved.path());
  std::string part;
  const auto change_args = [&](const char* key, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(test::read_file(saved / "args.json"));
    json[key] = value;
    test::write_json(saved / "args.json", json);
    settings = scgpt_checkpoint(saved.path());
  };
  SUBCASE("both") {
    settings.checkpoint = saved.path().string(), part = "both";
  }
  SUBCASE("neither") {
    settings.architecture.reset(), part = "neither";
  }
  SUBCASE("a layer below the embeddings") {
    settings.layer = -4, part = "-3";
  }
  SUBCASE("heads that do not divide the width") {
    settings.architecture->heads = 3, part = "'heads'";
  }
  SUBCASE("no vocabulary named") {
    settings.dictionaries.reset(), part = "'vocabulary' is not given";
  }
  SUBCASE("no vocabulary there") {
    settings.vocabulary = (folder / "none.json").string(), part = "does not exist";
  }
  SUBCASE("a vocabulary of another size") {
    test::write_json(saved / "vocab.json", {{"A", 0}, {"B", 1}});
    settings = scgpt_checkpoint(saved.path()), part = "5 tokens, special ones included";
  }
  SUBCASE("a model normalised by batch") {
    std::vector<std::pair<std::string, Tensor>> tensors = {{"dsbn.bns.0.weight", torch::ones({16})}};
    for (const auto& parameter : built.parameters->list()) tensors.emplace_back(parameter.name, parameter.value);
    cell2text::save_tensors(saved / "model.safetensors", tensors);
    settings = scgpt_checkpoint(saved.path()), part = "normalises by batch";
  }
  SUBCASE("a tensor too many") {
    std::vector<std::pair<std::string, Tensor>> tensors = {
        {"transformer_encoder.layers.7.norm1.bias", torch::ones({16})}};
    for (const auto& parameter : built.parameters->list()) tensors.emplace_back(parameter.name, parameter.value);
    cell2text::save_tensors(saved / "model.safetensors", tensors);
    settings = scgpt_checkpoint(saved.path()), part = "layers.7";
  }
  SUBCASE("no args.json") {
    std::filesystem::remove(saved / "args.json");
    settings = scgpt_checkpoint(saved.path()), part = "args.json";
  }
  SUBCASE("values read in another way") {
    change_args("input_emb_style", "category"), part = "'category'";
  }
  SUBCASE("heads in args.json") {
    change_args("nheads", 3), part = "'nheads'";
  }
  SUBCASE("width in args.json") {
    change_args("embsize", 0), part = "'embsize'";
  }
  SUBCASE("dropout in args.json") {
    change_args("dropout", 1.5), part = "'dropout'";
  }
  SUBCASE("bins in args.json") {
    change_args("n_bins", 2), part = "'n_bins'";
  }
  SUBCASE("layers of the whole model below those that are there") {
    change_args("cell2text_layers_of_whole_model", 1), part = "cell2text_layers_of_whole_model";
  }
  const auto message = test::message_of<InputError>([&] { BuiltScgpt{settings}; });
  CHECK(test::has(message, part));
}

TEST_CASE("scgpt: an args.json that does not fit the weights is refused, never a random start") {
  const test::TemporaryFolder folder, saved;
  BuiltScgpt(random_scgpt(folder.path())).encoder->save(saved.path());
  CHECK_NOTHROW(BuiltScgpt{scgpt_checkpoint(saved.path())});
  const auto args = nlohmann::json::parse(test::read_file(saved / "args.json"));
  for (const char* key : {"embsize", "nlayers", "d_hid"})
    for (const std::int64_t factor : {2, 4}) {
      auto json = args;
      json[key] = args.at(key).get<std::int64_t>() * factor;
      json.erase("cell2text_layers_of_whole_model");
      test::write_json(saved / "args.json", json);
      INFO(key);
      const auto message = test::message_of<InputError>([&] { BuiltScgpt{scgpt_checkpoint(saved.path())}; });
      CHECK(test::has(message, saved.path().string()));
    }
}
