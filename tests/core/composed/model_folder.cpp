// Model folders: what is saved describes cells as before, wherever the folder is; what was changed is noticed.
#include "cell2text/model_folder.hpp"

#include "model_setup.hpp"
#include "support/bert_folder.hpp"

using cell2text::InputError;
using cell2text::Model;
using cell2text::ModelCard;
using cell2text::ModelPlaces;
using cell2text::Value;
using cell2text::test::json_of;
using cell2text::test::Setup;
using cell2text::test::texts;
using cell2text::test::with_checkpoints;
using cell2text::test::write_json;
namespace fs = std::filesystem;
namespace test = cell2text::test;

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

TEST_CASE("model folder: an adapter that started from a BERT opens where that BERT is gone, and is saved again") {
  std::optional<test::BertFolder> bert(std::in_place);
  Value root = test::demo_toml(test::tiny_experiment);
  Value adapter;
  adapter.set("plugin", {std::string("qformer"), {}});
  adapter.set("bert", {bert->write(), {}});
  adapter.set("queries", {std::int64_t{3}, {}});
  adapter.set("layers", {std::int64_t{2}, {}});
  adapter.set("output_scale", {std::int64_t{6}, {}});
  root.set("adapter", adapter);
  const Setup setup(root);
  const Model model = setup.build();
  const auto expected = texts(setup, model);
  save_model(setup.model_folder, model, setup.card);
  CHECK(json_of(setup.model_folder)["adapter"]["settings"]["bert"] == bert->write());  // where it came from is known
  bert.reset();
  const ModelCard card = read_model_card(setup.model_folder, setup.registry);
  CHECK(card.plan.adapter.resolved.find("bert") == nullptr);
  CHECK(*card.plan.adapter.resolved.find("width")->get_if<std::int64_t>() == 16);
  const Model loaded = load_model(setup.host, card, setup.model_folder);
  CHECK(texts(setup, loaded) == expected);
  save_model(setup.folder / "again", loaded, card);
  CHECK(texts(setup, setup.load(setup.folder / "again")) == expected);
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

TEST_CASE("model folder: a prompt template of one's own is kept, and describes with it") {
  Value root = test::demo_toml(test::tiny_experiment);
  root.find("prompt")->set("between", {std::string(" / "), {}});
  root.find("prompt")->set("after", {std::string(" =>"), {}});
  const Setup setup(root), plain;
  const Model model = setup.build();
  CHECK(model.pieces.before != plain.build().pieces.before);
  CHECK(model.decoder->decode_text(model.pieces.after) == " =>");
  save_model(setup.model_folder, model, setup.card);
  const Model loaded = setup.load(setup.model_folder);
  CHECK(loaded.pieces.before == model.pieces.before);
  CHECK(loaded.pieces.after == model.pieces.after);
  CHECK(texts(setup, loaded) == texts(setup, model));
}
