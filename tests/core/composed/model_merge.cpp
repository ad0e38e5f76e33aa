// Models with LoRA: kept as a PEFT folder beside their base, never without their cell adapter, and merged into a plain
// decoder.
#include "cell2text/model_merge.hpp"

#include "model_setup.hpp"

using cell2text::InputError;
using cell2text::merge_model;
using cell2text::Model;
using cell2text::Value;
using cell2text::test::Setup;
using cell2text::test::texts;
using doctest::Contains;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

Value with_lora(Value root, const std::string& checkpoint = "") {
  Value tuning;
  tuning.set("plugin", {std::string("lora"), {}});
  if (checkpoint.empty()) {
    tuning.set("rank", {std::int64_t{3}, {}});
    tuning.set("dropout", {0.5, {}});
  } else {
    tuning.set("checkpoint", {checkpoint, {}});
  }
  root.set("finetuning", tuning);
  return root;
}

/// The model of a setup with values of LoRA and cell adapter that no seed gives.
Model trained(const Setup& setup) {
  Model model = setup.build();
  for (auto* set : {model.tuning_parameters.get(), model.adapter_parameters.get()})
    for (auto& parameter : set->list()) parameter.value = parameter.value + 0.2 * torch::randn_like(parameter.value);
  return model;
}

}  // namespace

TEST_CASE("model folder: LoRA weights are a PEFT folder, and the base is referred to, or beside them where random") {
  const Setup random;
  for (const bool referred : {true, false}) {
    CAPTURE(referred);
    const Value root =
        referred ? test::with_checkpoints(random, random.folder.path()) : test::demo_toml(test::tiny_experiment);
    const Setup setup(with_lora(root));
    const Model model = trained(setup);
    const auto expected = texts(setup, model);
    CHECK(expected != texts(setup, setup.build()));
    save_model(setup.model_folder, model, setup.card);
    CHECK(fs::exists(setup.model_folder / "lora/adapter_config.json"));
    CHECK(fs::exists(setup.model_folder / "lora/adapter_model.safetensors"));
    CHECK(fs::exists(setup.model_folder / "decoder") == !referred);
    CHECK(texts(setup, setup.load(setup.model_folder)) == expected);
    const auto config = cell2text::read_json(setup.model_folder / "lora/adapter_config.json");
    CHECK(config["base_model_name_or_path"] ==
          (referred ? nlohmann::json((random.folder / "base").string()) : nlohmann::json()));
    fs::rename(setup.model_folder, setup.folder / "elsewhere");
    CHECK(texts(setup, setup.load(setup.folder / "elsewhere")) == expected);
  }
}

TEST_CASE("model folder: LoRA weights without their cell adapter are refused, and the adapter without them") {
  const Setup setup(with_lora(test::demo_toml(test::tiny_experiment)));
  for (const char* file : {"adapter.safetensors", "lora/adapter_model.safetensors"}) {
    save_model(setup.model_folder, trained(setup), setup.card);
    fs::remove(setup.model_folder / file);
    CHECK_THROWS_WITH_AS(setup.load(setup.model_folder), Contains(file), InputError);
    // Also where the list of files was changed to hide it.
    auto json = test::json_of(setup.model_folder);
    json["samples"].erase(file);
    test::write_json(setup.model_folder, json);
    CHECK_THROWS_AS(setup.load(setup.model_folder), InputError);
  }
}

TEST_CASE("model folder: who starts from its LoRA weights starts from its cell adapter") {
  const Setup setup(with_lora(test::demo_toml(test::tiny_experiment)));
  const Model model = trained(setup);
  const auto expected = texts(setup, model);
  save_model(setup.model_folder, model, setup.card);
  const Setup next(with_lora(test::demo_toml(test::tiny_experiment), (setup.model_folder / "lora/").string()));
  CHECK(texts(next, next.build()) == expected);
  fs::remove(setup.model_folder / "adapter.safetensors");
  CHECK_THROWS_WITH_AS(next.build(), Contains("were trained together with a cell adapter"), InputError);
}

TEST_CASE("model merge: the merged model describes alike, with a plain decoder, wherever it lies") {
  const Setup random;
  for (const bool referred : {true, false}) {
    CAPTURE(referred);
    const Value root =
        referred ? test::with_checkpoints(random, random.folder.path()) : test::demo_toml(test::tiny_experiment);
    const Setup setup(with_lora(root));
    const Model model = trained(setup);
    const auto expected = texts(setup, model);
    save_model(setup.model_folder, model, setup.card);
    const fs::path out = setup.folder / "merged";
    merge_model(setup.host, setup.model_folder, out);
    fs::remove_all(setup.model_folder);
    fs::rename(out, setup.folder / "moved");
    CHECK(texts(setup, setup.load(setup.folder / "moved")) == expected);
    CHECK_FALSE(fs::exists(setup.folder / "moved/lora"));
    CHECK(fs::exists(setup.folder / "moved/decoder/model.safetensors"));
    CHECK(fs::exists(setup.folder / "moved/encoder") == !referred);
    const auto card = read_model_card(setup.folder / "moved", setup.registry);
    CHECK(card.merged_from == "lora");
    CHECK(card.plan.finetuning.name == "full");
    CHECK(card.trained_cells == 490);
    CHECK_THROWS_WITH_AS(merge_model(setup.host, setup.folder / "moved", setup.folder / "again"),
                         Contains("the decoder is plain already (fine-tuning 'full'); there is nothing to merge"),
                         InputError);
    CHECK_FALSE(fs::exists(setup.folder / "again"));
    CHECK_THROWS_WITH_AS(merge_model(setup.host, setup.folder / "moved", setup.folder / "moved"),
                         Contains("exists already"), InputError);
  }
}

TEST_CASE("model merge: a base that moved is found where the caller says") {
  const Setup random;
  const Setup setup(with_lora(test::with_checkpoints(random, random.folder.path())));
  const Model model = trained(setup);
  const auto expected = texts(setup, model);
  save_model(setup.model_folder, model, setup.card);
  fs::rename(random.folder / "base", random.folder / "moved");
  CHECK_THROWS_WITH_AS(merge_model(setup.host, setup.model_folder, setup.folder / "out"),
                       Contains("Say where it is with --base DIR"), InputError);
  merge_model(setup.host, setup.model_folder, setup.folder / "out",
              {.encoder = {}, .decoder = random.folder / "moved"});
  CHECK(texts(setup, setup.load(setup.folder / "out")) == expected);
}
