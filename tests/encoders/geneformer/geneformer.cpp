// The encoder as a whole: opening, tokens, vectors, saving; hidden states against transformers.
#include "geneformer.hpp"

#include "cell2text/concepts.hpp"
#include "encoders/cells.hpp"
#include "support/difference.hpp"

using cell2text::Context;
using cell2text::GeneTokens;
using cell2text::InputError;
using cell2text::ModelContext;
using cell2text::Parameters;
using cell2text::Tensor;
using cell2text::TensorFiles;
using cell2text::geneformer::Architecture;
using cell2text::geneformer::Geneformer;
using cell2text::geneformer::Settings;
using cell2text::test::difference;
namespace test = cell2text::test;

static_assert(cell2text::Encoder<Geneformer>);

namespace {

/// An encoder with the parameters it is built on, and the log that it wrote.
struct Built {
  std::string log;
  std::unique_ptr<Parameters> parameters;
  std::unique_ptr<Geneformer> encoder;

  explicit Built(const Settings& settings, std::uint64_t seed = 7)
      : parameters(std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, seed)) {
    const Context base{{[](void* self, cell2text::Log::Level, const char* text) {
                          *static_cast<std::string*>(self) += std::string(text) + "\n";
                        },
                        &log}};
    ModelContext context(base, *parameters, torch::kCPU);
    encoder = std::make_unique<Geneformer>(settings, context);
  }
  Built(Built&&) = delete;
};

Settings checkpoint(const std::filesystem::path& folder, std::int64_t layer = -1) {
  Settings settings;
  settings.checkpoint = folder.string();
  settings.layer = layer;
  return settings;
}

Settings random_start(const std::filesystem::path& dictionaries) {
  Settings settings;
  settings.architecture = Architecture{.layers = 3, .width = 16, .heads = 2, .feed_forward = {}, .max_positions = 12};
  settings.token_dictionary = (dictionaries / "token_dictionary.json").string();
  settings.gene_medians = (dictionaries / "gene_median_dictionary.json").string();
  return settings;
}

/// Cells over ENSG0..ENSG4: four genes, none known, one.
cell2text::CellBatch some_cells() {
  return test::cells_of(test::ensembl_table({"ENSG0", "ENSG1", "x", "ENSG2", "ENSG3"}),
                        {{1, 2, 3, 4, 5}, {0, 0, 7, 0, 0}, {0, 0, 1, 1, 0}});
}

void check_same(const cell2text::GeneEmbeddings& a, const cell2text::GeneEmbeddings& b, double tolerance) {
  REQUIRE(a.lengths == b.lengths);
  for (std::size_t row = 0; row < a.lengths.size(); ++row)
    if (a.lengths[row] > 0)
      CHECK(difference(a.values_BGE[row].slice(0, 0, a.lengths[row]), b.values_BGE[row].slice(0, 0, a.lengths[row])) <=
            tolerance);
}

}  // namespace

TEST_CASE("geneformer: tokens are padded, special tokens leave the result") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1});
  Built built(random_start(folder.path()));
  const GeneTokens tokens = built.encoder->tokenize(some_cells());
  CHECK(tokens.lengths == std::vector<std::int64_t>{6, 2, 3});
  CHECK(tokens.known_genes == std::vector<std::int64_t>{4, 0, 1});
  CHECK(
      tokens.ids_BG.equal(torch::tensor({{2, 7, 6, 5, 4, 3}, {2, 3, 0, 0, 0, 0}, {2, 6, 3, 0, 0, 0}}, torch::kInt64)));
  CHECK_FALSE(tokens.values_BG.defined());
  const auto genes = built.encoder->encode(tokens);
  CHECK(genes.values_BGE.sizes() == at::IntArrayRef({3, 4, 16}));
  CHECK(genes.lengths == std::vector<std::int64_t>{4, 0, 1});
  CHECK(genes.values_BGE.isfinite().all().item<bool>());
  CHECK(built.encoder->width() == 16);
  CHECK(built.log.find("output of block 2 of 3") != std::string::npos);
}

TEST_CASE("geneformer: v1 has no frame, and cells without genes have no NaN") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1}, false);
  Built built(random_start(folder.path()));
  const GeneTokens tokens = built.encoder->tokenize(some_cells());
  CHECK(tokens.lengths == std::vector<std::int64_t>{4, 0, 1});
  const auto genes = built.encoder->encode(tokens);
  CHECK(genes.lengths == tokens.lengths);
  CHECK(genes.values_BGE.isfinite().all().item<bool>());
  const auto none = test::cells_of(some_cells().genes, {{0, 0, 1, 0, 0}});
  CHECK(built.encoder->encode(built.encoder->tokenize(none)).values_BGE.sizes() == at::IntArrayRef({1, 0, 16}));
  const auto no_cells = test::cells_of(some_cells().genes, {});
  CHECK(built.encoder->encode(built.encoder->tokenize(no_cells)).lengths.empty());
}

TEST_CASE("geneformer: version and max_tokens are settings") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1});
  Settings settings = random_start(folder.path());
  settings.version = "v1";
  settings.max_tokens.value = 3;
  CHECK(Built(settings)
            .encoder->tokenize(some_cells())
            .ids_BG.equal(torch::tensor({{7, 6, 5}, {0, 0, 0}, {6, 0, 0}}, torch::kInt64)));
}

TEST_CASE("geneformer: a cell alone gives what it gives in a batch") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1});
  Built built(random_start(folder.path()), seed);
  const auto all = built.encoder->encode(built.encoder->tokenize(some_cells()));
  for (const auto& [row, counts] :
       {std::pair{0, std::vector<float>{1, 2, 3, 4, 5}}, std::pair{2, std::vector<float>{0, 0, 1, 1, 0}}}) {
    const auto alone = built.encoder->encode(built.encoder->tokenize(test::cells_of(some_cells().genes, {counts})));
    CHECK(difference(alone.values_BGE[0], all.values_BGE[row].slice(0, 0, alone.lengths[0])) < 1e-5);
  }
}

TEST_CASE("geneformer: levels give one vector per gene, the one at <cls>, or the mean over genes") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1});
  Settings settings = random_start(folder.path());
  const torch::NoGradGuard no_grad;
  const auto encoded = [&] {
    Built built(settings);
    GeneTokens tokens = built.encoder->tokenize(some_cells());
    tokens.wanted_genes = 2;
    return built.encoder->encode(tokens);
  };
  CHECK(encoded().lengths == std::vector<std::int64_t>{2, 0, 1});
  Built built(settings);
  const auto genes = built.encoder->encode(built.encoder->tokenize(some_cells()));
  settings.level = "mean";
  const auto mean = encoded();
  CHECK(mean.lengths == std::vector<std::int64_t>{1, 0, 1});
  CHECK(difference(mean.values_BGE[0][0], genes.values_BGE[0].mean(0)) < 1e-6);  // of all genes, not the wanted ones
  CHECK(difference(mean.values_BGE[2][0], genes.values_BGE[2][0]) < 1e-6);
  settings.level = "cls";
  const auto cls = encoded();
  CHECK(cls.values_BGE.sizes() == at::IntArrayRef({3, 1, 16}));
  CHECK(cls.lengths == std::vector<std::int64_t>{1, 0, 1});
  CHECK(difference(cls.values_BGE[0][0], mean.values_BGE[0][0]) > 1e-3);
  settings.level = "cell";
  check_same(encoded(), cls, 0);
  settings.version = "v1";
  CHECK(encoded().lengths == std::vector<std::int64_t>{1, 0, 1});
  settings.level = "cls";
  CHECK(test::message_of<InputError>([&] { Built{settings}; }).find("no <cls>") != std::string::npos);
}

TEST_CASE("geneformer: dictionaries may lie in a folder of their own, and weights of two bytes are close") {
  const test::TemporaryFolder folder, empty;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings settings = random_start(folder.path());
  const auto encoded = [&] {
    Built built(settings);
    const torch::NoGradGuard no_grad;
    return built.encoder->encode(built.encoder->tokenize(some_cells()));
  };
  const auto expected = encoded();
  settings.token_dictionary.reset(), settings.gene_medians.reset();
  settings.dictionaries = folder.path().string();
  check_same(encoded(), expected, 0);
  settings.dtype = "bfloat16";
  const auto narrow = encoded();
  CHECK(difference(narrow.values_BGE[0], expected.values_BGE[0]) < 0.1);
  CHECK(difference(narrow.values_BGE[0], expected.values_BGE[0]) > 0);
  settings.dictionaries = empty.path().string();
  CHECK(test::message_of<InputError>([&] { Built{settings}; }).find(empty.path().string()) != std::string::npos);
}

TEST_CASE("geneformer: what was saved opens with the same output, and upper layers stay away") {
  const test::TemporaryFolder folder, saved, again;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings settings = random_start(folder.path());
  Built built(settings);
  const auto expected = built.encoder->encode(built.encoder->tokenize(some_cells()));
  built.encoder->save(saved / "deep/encoder");
  Built opened(checkpoint(saved / "deep/encoder"));
  check_same(opened.encoder->encode(opened.encoder->tokenize(some_cells())), expected, 0);
  CHECK(opened.log.find("output of block 2 of 3") != std::string::npos);
  opened.encoder->save(again.path());  // and a copy of the copy
  Built third(checkpoint(again.path()));
  check_same(third.encoder->encode(third.encoder->tokenize(some_cells())), expected, 0);
  Built lower(checkpoint(again.path(), -2));
  CHECK(lower.log.find("output of block 1 of 3") != std::string::npos);
  const auto message = test::message_of<InputError>([&] { Built(checkpoint(again.path(), 0)); });
  CHECK(message.find("'layer' = 0") != std::string::npos);
}

TEST_CASE("geneformer: an encoder saved into the folder it was opened from stays whole") {
  const test::TemporaryFolder folder, saved;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Built built(random_start(folder.path()));
  const auto expected = built.encoder->encode(built.encoder->tokenize(some_cells()));
  built.encoder->save(saved.path());
  Built opened(checkpoint(saved.path()));
  opened.encoder->save(saved.path());
  check_same(opened.encoder->encode(opened.encoder->tokenize(some_cells())), expected, 0);
  Built again(checkpoint(saved.path()));
  check_same(again.encoder->encode(again.encoder->tokenize(some_cells())), expected, 0);
}

TEST_CASE("geneformer: one seed gives one start, another another") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  const Settings settings = random_start(folder.path());
  Built a(settings, 1), b(settings, 1), c(settings, 2);
  const auto tokens = a.encoder->tokenize(some_cells());
  const Tensor x = a.encoder->encode(tokens).values_BGE;
  CHECK(difference(x, b.encoder->encode(tokens).values_BGE) == 0);
  CHECK(difference(x, c.encoder->encode(tokens).values_BGE) > 0.1);
}

TEST_CASE("geneformer: dropout acts after set_training(true) alone") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings settings = random_start(folder.path());
  settings.architecture->dropout = 0.5;
  Built built(settings);
  const auto tokens = built.encoder->tokenize(some_cells());
  const Tensor plain = built.encoder->encode(tokens).values_BGE;
  built.encoder->set_training(true);
  CHECK(difference(plain, built.encoder->encode(tokens).values_BGE) > 0.01);
  built.encoder->set_training(false);
  CHECK(difference(plain, built.encoder->encode(tokens).values_BGE) == 0);
}

TEST_CASE("geneformer: a source without any known gene is named in the log, once") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2});
  Built built(random_start(folder.path()));
  const auto genes = test::ensembl_table({"ENSMUSG1", "x"});
  for (int batch = 0; batch < 3; ++batch) built.encoder->tokenize(test::cells_of(genes, {{1, 1}}));
  const auto first = built.log.find("ENSMUSG1");
  CHECK(first != std::string::npos);
  CHECK(built.log.find("ENSMUSG1", first + 1) == std::string::npos);  // once per source, not per batch
  built.encoder->tokenize(some_cells());
  CHECK(built.log.find("2 of the source's 5 genes") != std::string::npos);
}

TEST_CASE("geneformer: the embeddings alone are allowed, with a warning") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings settings = random_start(folder.path());
  settings.architecture->layers = 1;
  Built built(settings);
  CHECK(built.log.find("no transformer block") != std::string::npos);
  CHECK(built.encoder->encode(built.encoder->tokenize(some_cells())).lengths[0] == 4);
}

TEST_CASE("geneformer: settings that contradict each other or the model are refused") {
  const test::TemporaryFolder folder, saved;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings settings = random_start(folder.path());
  Built(settings).encoder->save(saved.path());
  std::string part;
  SUBCASE("both") {
    settings.checkpoint = saved.path().string(), part = "both";
  }
  SUBCASE("neither") {
    settings.architecture.reset(), part = "neither";
  }
  SUBCASE("a layer below the embeddings") {
    settings.layer = -4, part = "-3";
  }
  SUBCASE("more tokens than positions") {
    settings.max_tokens.value = 13, part = "12 positions";
  }
  SUBCASE("heads that do not divide the width") {
    settings.architecture->heads = 3, part = "'heads'";
  }
  SUBCASE("no token dictionary") {
    settings.token_dictionary.reset(), part = "'token_dictionary'";
  }
  SUBCASE("no medians") {
    settings.gene_medians.reset(), part = "'gene_medians'";
  }
  SUBCASE("v2 with a dictionary of v1") {
    test::write_dictionaries(folder.path(), {1, 2}, false);
    settings.version = "v2", part = "<cls>";
  }
  SUBCASE("a checkpoint without dictionaries") {
    std::filesystem::remove(saved / "token_dictionary.json");
    settings = checkpoint(saved.path()), part = "holds no such file";
  }
  SUBCASE("a dictionary of another size than the model") {
    test::write_dictionaries(saved.path(), {1, 2, 3, 4, 5});
    settings = checkpoint(saved.path()), part = "'vocab_size'";
  }
  SUBCASE("a checkpoint that is not there") {
    settings = checkpoint(saved / "missing"), part = "missing";
  }
  SUBCASE("layers of the whole model below those that are there") {
    auto json = nlohmann::json::parse(test::read_file(saved / "config.json"));
    json["cell2text_layers_of_whole_model"] = 1;
    test::write_json(saved / "config.json", json);
    settings = checkpoint(saved.path()), part = "cell2text_layers_of_whole_model";
  }
  SUBCASE("weights of a deeper model than config.json says") {
    Settings deep = random_start(folder.path());
    deep.layer = 0;
    Built(deep).encoder->save(saved.path());
    auto json = nlohmann::json::parse(test::read_file(saved / "config.json"));
    json["num_hidden_layers"] = json["cell2text_layers_of_whole_model"] = 2;
    test::write_json(saved / "config.json", json);
    settings = checkpoint(saved.path()), part = "bert.encoder.layer.2.";
  }
  const auto message = test::message_of<InputError>([&] { Built{settings}; });
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
}

TEST_CASE(
    "geneformer: a config.json that does not fit the weights is refused, whatever the size, never a random start") {
  const test::TemporaryFolder folder, saved;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Settings deep = random_start(folder.path());
  deep.layer = 0;
  Built(deep).encoder->save(saved.path());
  CHECK_NOTHROW(Built{checkpoint(saved.path(), 0)});
  const auto config = nlohmann::json::parse(test::read_file(saved / "config.json"));
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size",
                          "max_position_embeddings", "type_vocab_size"}) {
    const auto right = config.at(key).get<std::int64_t>();
    for (const std::int64_t wrong : {right - 1, right + 1, right / 2, right * 2, std::int64_t{1} << 30}) {
      if (wrong < 1 || wrong == right) continue;
      auto json = config;
      json[key] = wrong;
      json.erase("cell2text_layers_of_whole_model");
      test::write_json(saved / "config.json", json);
      INFO(key << " " << wrong);
      const auto message = test::message_of<InputError>([&] { Built{checkpoint(saved.path(), 0)}; });
      CHECK(message.find(saved.path().string()) != std::string::npos);
    }
  }
}

TEST_CASE("geneformer: weights that are missing, of another type, or of another model are refused") {
  const test::TemporaryFolder folder, saved;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  Built built(random_start(folder.path()));
  built.encoder->save(saved.path());
  const auto weights = saved / "model.safetensors";
  const auto refusal = [&] { return test::message_of<InputError>([&] { Built{checkpoint(saved.path())}; }); };
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto& parameter : built.parameters->list()) tensors.emplace_back(parameter.name, parameter.value.clone());
  const auto with = [&](std::size_t index, const std::string& name, const Tensor& value) {
    auto changed = tensors;
    changed[index] = {name, value};
    cell2text::save_tensors(weights, changed);
    return refusal();
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const std::string first = tensors[0].first;
  CHECK(has(with(0, first, tensors[0].second.to(torch::kInt64)), "'" + first + "' holds Long values"));
  CHECK(has(with(0, first, tensors[0].second > 0), "'" + first + "' holds Bool values"));
  CHECK(has(with(0, first, tensors[0].second.flatten()), "'" + first + "' has shape"));
  CHECK(has(with(0, first, tensors[0].second.t().contiguous()), "'" + first + "' has shape"));
  CHECK(has(with(0, "other.weight", tensors[0].second), "'" + first + "' is missing"));
  tensors.emplace_back("bert.encoder.layer.9.output.dense.bias", torch::zeros({16}));
  CHECK(has(with(0, first, tensors[0].second), "'bert.encoder.layer.9.output.dense.bias'"));
  cell2text::save_tensors(weights, {});
  CHECK(has(refusal(), "is missing"));
  std::filesystem::remove(weights);
  CHECK(has(refusal(), saved.path().string()));
  const auto config = test::read_file(saved / "config.json");
  for (const std::string broken : {"", "{", "[]", "null", "version https://git-lfs.github.com/spec/v1\n"}) {
    test::write_file(saved / "config.json", broken);
    CHECK(has(refusal(), (saved / "config.json").string()));
  }
  std::filesystem::remove(saved / "config.json");
  CHECK(has(refusal(), (saved / "config.json").string()));
}

namespace {

GeneTokens tokens_from(const TensorFiles& files) {
  GeneTokens tokens;
  tokens.ids_BG = files.tensor("ids");
  tokens.first_gene = 1, tokens.special_tokens = 2;
  const Tensor lengths = files.tensor("lengths");
  tokens.lengths.assign(lengths.const_data_ptr<std::int64_t>(),
                        lengths.const_data_ptr<std::int64_t>() + lengths.numel());
  return tokens;
}

/// `hidden` is transformers' state with the frame; ours comes without.
void check_states(const cell2text::GeneEmbeddings& genes, const GeneTokens& tokens, const Tensor& hidden_BGE) {
  for (std::size_t row = 0; row < tokens.lengths.size(); ++row) {
    REQUIRE(genes.lengths[row] == tokens.lengths[row] - 2);
    if (genes.lengths[row] == 0) continue;
    const Tensor expected = hidden_BGE[row].slice(0, 1, tokens.lengths[row] - 1);
    CHECK(difference(genes.values_BGE[row].slice(0, 0, genes.lengths[row]), expected) < 1e-4);
    CHECK(expected.abs().max().item<double>() > 0.1);
  }
}

}  // namespace

TEST_CASE("oracle: geneformer: hidden states of every layer are those of transformers") {
  const auto seed = test::seed();
  for (const bool bare : {false, true}) {
    INFO("seed " << seed << (bare ? " --bare" : ""));
    const auto arguments = bare ? std::vector<std::string>{"--bare"} : std::vector<std::string>{};
    const auto folder = test::oracle("geneformer.py", seed, arguments);
    const auto files = TensorFiles::open(folder / "expected.safetensors");
    const GeneTokens tokens = tokens_from(files);
    std::int64_t layers = 0;
    while (files.contains("hidden_" + std::to_string(layers + 1))) ++layers;
    REQUIRE(layers >= 1);
    for (std::int64_t layer = -layers; layer <= 0; ++layer) {
      INFO("layer " << layer << " of " << layers);
      Built built(checkpoint(folder / "model", layer));
      const torch::NoGradGuard no_grad;
      check_states(built.encoder->encode(tokens), tokens, files.tensor("hidden_" + std::to_string(layers + layer)));
    }
  }
}

TEST_CASE("oracle: geneformer: a saved folder opens in transformers with the same states") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  const auto folder = test::oracle("geneformer.py", seed);
  const auto saved = folder / "saved";
  const auto tokens = tokens_from(TensorFiles::open(folder / "expected.safetensors"));
  Built built(checkpoint(folder / "model", -1));
  built.encoder->save(saved);
  const auto opened = test::oracle("geneformer.py", seed,
                                   {"--open", saved.string(), "--tokens", (folder / "expected.safetensors").string()});
  const auto files = TensorFiles::open(opened / "expected.safetensors");
  const auto last = files.names().size() - 1;
  const torch::NoGradGuard no_grad;
  check_states(built.encoder->encode(tokens), tokens, files.tensor("hidden_" + std::to_string(last)));
}
