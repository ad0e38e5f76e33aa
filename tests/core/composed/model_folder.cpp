// Model folders: what is saved describes cells as before, wherever the folder is; what was changed is noticed.
#include "cell2text/model_folder.hpp"

#include "cell2text/generate/describe_cells.hpp"
#include "plugins.hpp"

using cell2text::Host;
using cell2text::InputError;
using cell2text::Model;
using cell2text::ModelCard;
using cell2text::ModelPlaces;
using cell2text::Registry;
using cell2text::Value;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

struct Setup {
  test::TemporaryFolder folder;
  Registry registry = test::built_plugins();
  Host host{registry, {.log = {}, .seed = 5, .threads = 1}};
  ModelCard card;
  fs::path model_folder = folder / "model";

  explicit Setup(Value root = test::demo_toml(test::tiny_experiment)) {
    const auto experiment = read_experiment(root, registry);
    card.plan = {experiment.encoder,    experiment.adapter, experiment.decoder,
                 experiment.finetuning, experiment.prompt,  experiment.encoder_role.frozen};
    card.generation = experiment.generation;
    card.name = experiment.general.name;
    card.seed = experiment.general.seed;
    card.trained_cells = 490, card.trained_epochs = 3;
    card.ontology_release = "releases/2025";
    card.labels["cell_type"] = {{"B cell", "CL:0000236", 12}, {"odd cell", std::nullopt, 1}};
  }
  Model build() const { return build_model(host, card.plan); }
  Model load(const fs::path& from, const ModelPlaces& places = {}) const {
    return load_model(host, read_model_card(from, registry, places), from);
  }
};

/// The demo's cells, opened once.
const cell2text::SourceHandle& demo() {
  static const cell2text::SourceHandle source = [] {
    Value table;
    table.set("path", {(test::source_dir() / "data/demo/pbmc.h5ad").string(), {}});
    const cell2text::Context context;
    const auto plugin = test::built_plugins().load("source", "h5ad");
    return cell2text::SourceHandle(plugin.build<cell2text::kinds::source>(table, {&context, nullptr, {}}));
  }();
  return source;
}

/// Texts of three of them.
std::vector<std::string> texts(const Setup& setup, const Model& model) {
  model.set_training(false);
  cell2text::CellLoader loader(demo(), *model.encoder, {0, 99, 500}, {3, 1, 0, false});
  std::vector<std::string> all;
  for (const auto& cell : describe_cells(model, *loader.next(), setup.card.generation))
    all.push_back(cell.text + " | " + std::to_string(cell.log_probability).substr(0, 7));
  return all;
}

nlohmann::json json_of(const fs::path& folder) {
  return cell2text::read_json(folder / "cell2text.json");
}
void write_json(const fs::path& folder, const nlohmann::json& json) {
  test::write_file(folder / "cell2text.json", json.dump());
}

/// Encoder and base as checkpoints of their own, and a fine-tuning that leaves the base alone.
Value with_checkpoints(const Setup& random, const fs::path& folder) {
  const Model model = random.build();
  model.encoder->save(folder / "encoder");
  model.decoder->save(folder / "base");
  Value root = test::demo_toml(test::tiny_experiment);
  for (const auto& [role, name] : {std::pair{"encoder", "encoder"}, std::pair{"decoder", "base"}}) {
    root.find(role)->erase("architecture");
    root.find(role)->set("checkpoint", {(folder / name).string(), {}});
  }
  root.find("decoder")->erase("tokenizer");
  for (const char* key : {"token_dictionary", "gene_medians"}) root.find("encoder")->erase(key);
  Value tuning;
  tuning.set("plugin", {std::string("low_rank"), {}});
  tuning.set("scale", {0.7, {}});
  root.set("finetuning", tuning);
  return root;
}

}  // namespace

TEST_CASE("model folder: a trained model gives the same texts from its folder, also from a moved one") {
  const Setup setup;
  const Model model = setup.build();
  for (auto& parameter : model.adapter_parameters->list()) parameter.value.add_(0.01);  // not what the seed gives
  const auto expected = texts(setup, model);
  CHECK(expected[0] != expected[1]);
  save_model(setup.model_folder, model, setup.card);
  CHECK(!fs::exists(setup.folder / "model.partial"));
  CHECK(texts(setup, setup.load(setup.model_folder)) == expected);
  fs::rename(setup.model_folder, setup.folder / "elsewhere");
  CHECK(texts(setup, setup.load(setup.folder / "elsewhere")) == expected);
}

TEST_CASE("model folder: the card comes back, and settings that say how a part works stay") {
  const Setup setup;
  save_model(setup.model_folder, setup.build(), setup.card);
  const ModelCard card = read_model_card(setup.model_folder, setup.registry);
  CHECK(card.name == "tiny");
  CHECK(card.seed == 5);
  CHECK(card.trained_cells == 490);
  CHECK(card.trained_epochs == 3);
  CHECK(card.ontology_release == "releases/2025");
  CHECK(card.plan.prompt.user == "Cell: ");
  CHECK(card.plan.prompt.max_genes == 30);
  CHECK(card.generation.max_new_tokens.value == 8);
  CHECK(card.known_labels().values.at("cell_type") == std::vector<std::string>{"B cell", "odd cell"});
  CHECK(card.ontology_id("cell_type", "B cell") == "CL:0000236");
  CHECK(!card.ontology_id("cell_type", "odd cell"));
  CHECK(!card.ontology_id("tissue", "blood"));
  CHECK(*card.plan.encoder.resolved.find("layer")->get_if<std::int64_t>() == 0);
  CHECK(*card.plan.encoder.resolved.find("max_tokens")->get_if<std::int64_t>() == 40);
  CHECK(card.plan.encoder.resolved.find("token_dictionary") == nullptr);
  CHECK(card.plan.encoder.resolved.find("architecture") == nullptr);
  CHECK(*card.plan.adapter.resolved.find("output_scale")->get_if<double>() == 6);
  CHECK(card.hash.size() == 64);
}

TEST_CASE("model folder: saving again replaces the folder") {
  Setup setup;
  const Model model = setup.build();
  save_model(setup.model_folder, model, setup.card);
  test::write_file(setup.model_folder / "left_over", "x");
  setup.card.name = "second";
  save_model(setup.model_folder, model, setup.card);
  CHECK(read_model_card(setup.model_folder, setup.registry).name == "second");
  CHECK(!fs::exists(setup.model_folder / "left_over"));
  CHECK(!fs::exists(setup.folder / "model.old"));
}

TEST_CASE("model folder: what is missing, changed or of another format is noticed") {
  const Setup setup;
  CHECK_THROWS_WITH_AS(read_model_card(setup.folder.path(), setup.registry),
                       doctest::Contains("no cell2text.json in it"), InputError);
  save_model(setup.model_folder, setup.build(), setup.card);
  const auto json = json_of(setup.model_folder);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder, {.encoder = {}, .decoder = "/tmp"}),
                       doctest::Contains("the decoder was trained and is part of this folder; leave out --base"),
                       InputError);

  auto other = json;
  other["format"] = 2;
  write_json(setup.model_folder, other);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), doctest::Contains("format 2; this program reads format 1"),
                       InputError);
  other = json;
  other.erase("adapter");
  write_json(setup.model_folder, other);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), doctest::Contains("adapter"), InputError);
  other = json;
  other["decoder"]["plugin"] = "lama";
  write_json(setup.model_folder, other);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), doctest::Contains("did you mean 'llama'?"), InputError);
  other = json;
  other["adapter"]["settings"]["hidde"] = 3;
  write_json(setup.model_folder, other);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder),
                       doctest::Contains("unknown key 'adapter.hidde'; did you mean 'hidden'?"), InputError);
  test::write_file(setup.model_folder / "cell2text.json", "{\"format\": 1,");
  CHECK_THROWS_AS(setup.load(setup.model_folder), InputError);
  write_json(setup.model_folder, json);
  CHECK_NOTHROW(setup.load(setup.model_folder));

  const fs::path adapter = setup.model_folder / "adapter.safetensors";
  std::string bytes = test::read_file(adapter);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  fs::remove(adapter);
  test::write_file(adapter, bytes);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder),
                       doctest::Contains("adapter.safetensors: not the file that was written with this model"),
                       InputError);
  fs::remove(adapter);
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder),
                       doctest::Contains("adapter.safetensors is missing from the model folder"), InputError);
}

TEST_CASE("model folder: what was not trained is referred to by hash, and may move") {
  const Setup random;
  const test::TemporaryFolder& folder = random.folder;
  const Setup setup(with_checkpoints(random, folder.path()));
  const Model model = setup.build();
  for (auto& parameter : model.tuning_parameters->list()) parameter.value.mul_(0.5);  // not what the seed gives
  const auto expected = texts(setup, model);
  CHECK(expected != texts(random, random.build()));
  save_model(setup.model_folder, model, setup.card);
  CHECK(!fs::exists(setup.model_folder / "encoder"));
  CHECK(!fs::exists(setup.model_folder / "decoder"));
  CHECK(fs::exists(setup.model_folder / "low_rank/low_rank.safetensors"));
  CHECK(texts(setup, setup.load(setup.model_folder)) == expected);
  CHECK(*read_model_card(setup.model_folder, setup.registry).plan.finetuning.resolved.find("scale")->get_if<double>() ==
        0.7);

  fs::rename(folder / "base", folder / "moved_base");
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), doctest::Contains("Say where it is with --base DIR"),
                       InputError);
  fs::rename(folder / "encoder", folder / "moved_encoder");
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), doctest::Contains("Say where it is with --encoder DIR"),
                       InputError);
  const ModelPlaces places{folder / "moved_encoder", folder / "moved_base"};
  CHECK(texts(setup, setup.load(setup.model_folder, places)) == expected);

  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder, {places.encoder, folder / "moved_encoder"}),
                       doctest::Contains("not the decoder that this model was trained with"), InputError);
  fs::rename(folder / "moved_base/model.safetensors", folder / "moved_base/other.safetensors");
  CHECK_THROWS_WITH_AS(setup.load(setup.model_folder, places), doctest::Contains("model.safetensors is missing"),
                       InputError);
}
