// PEFT folders: what is read, and what is refused by its name in the file.
#include "peft_folder.hpp"

#include "base.hpp"

using cell2text::InputError;
using cell2text::Tensor;
using cell2text::lora::PeftFolder;
using doctest::Contains;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

/// A folder of rank 2 on the two q_proj, to be changed.
struct Folder {
  test::TemporaryFolder folder;
  test::Base base;
  nlohmann::ordered_json config{{"peft_type", "LORA"},   {"task_type", "CAUSAL_LM"},       {"r", 2},
                                {"lora_alpha", 4},       {"target_modules", {"q_proj"}},   {"bias", "none"},
                                {"use_dora", false},     {"layers_to_transform", nullptr}, {"loftq_config", {{"a", 1}}},
                                {"peft_version", "0.21"}};
  std::vector<std::pair<std::string, Tensor>> tensors;

  Folder() {
    for (const char* layer : {"0", "1"}) {
      const std::string name = std::string("base_model.model.model.layers.") + layer + ".self_attn.q_proj.lora_";
      tensors.emplace_back(name + "A.weight", torch::randn({2, 6}));
      tensors.emplace_back(name + "B.weight", torch::randn({6, 2}));
    }
  }
  PeftFolder open() {
    test::write_file(folder / "adapter_config.json", config.dump());
    cell2text::save_tensors(folder / "adapter_model.safetensors", tensors);
    return PeftFolder::open(folder.path(), base.view().linear_layers);
  }
};

}  // namespace

TEST_CASE("peft folder: layers, ranks and scales come from the files") {
  Folder folder;
  const auto found = folder.open();
  REQUIRE(found.plan.layers.size() == 2);
  CHECK(found.plan.layers[1].slot->name() == "model.layers.1.self_attn.q_proj");
  CHECK(found.plan.layers[1].rank == 2);
  CHECK(found.plan.scale(found.plan.layers[1]) == 2);
  CHECK_FALSE(found.with_cell_adapter);
  folder.config["use_rslora"] = true;
  CHECK(folder.open().plan.scale(found.plan.layers[0]) == doctest::Approx(4 / std::sqrt(2.0)));
}

TEST_CASE("peft folder: of rank_pattern and alpha_pattern the first that matches counts, in the file's order") {
  Folder folder;
  folder.config["rank_pattern"] = {{"layers.1.self_attn.*", 3}, {"layers.1.*q_proj", 5}};
  folder.config["alpha_pattern"] = {{"q_proj", 9}, {"layers.0.*", 1}};
  folder.tensors[2].second = torch::randn({3, 6});
  folder.tensors[3].second = torch::randn({6, 3});
  const auto found = folder.open();
  CHECK(found.plan.layers[0].rank == 2);
  CHECK(found.plan.layers[1].rank == 3);
  CHECK(found.plan.scale(found.plan.layers[0]) == 4.5);
  CHECK(found.plan.scale(found.plan.layers[1]) == 3);
}

TEST_CASE("peft folder: what is not implemented is refused by name") {
  const auto refused = [](const std::string& key, const nlohmann::ordered_json& value, const char* message) {
    Folder folder;
    folder.config[key] = value;
    CAPTURE(key);
    CHECK_THROWS_WITH_AS(folder.open(), Contains(message), InputError);
  };
  refused("peft_type", "IA3", "'peft_type' is 'IA3'; only LORA is read");
  refused("peft_type", nullptr, "'peft_type' is missing");
  refused("task_type", "SEQ_CLS", "'task_type' is 'SEQ_CLS'");
  refused("bias", "all", "'bias' is 'all'");
  refused("use_dora", true, "'use_dora' is true, which is not implemented");
  refused("modules_to_save", {"lm_head"}, "'modules_to_save' is [\"lm_head\"]");
  refused("layers_to_transform", {0}, "'layers_to_transform' is [0]");
  refused("layers_to_transform", 0, "'layers_to_transform' is 0");
  refused("fan_in_fan_out", true, "'fan_in_fan_out' is true");
  refused("lora_bias", true, "'lora_bias' is true");
  refused("target_parameters", {"experts"}, "'target_parameters'");
  refused("trainable_token_indices", {1, 2}, "'trainable_token_indices'");
  refused("something_new", "yes", "'something_new' is \"yes\"");
  refused("init_lora_weights", "pissa", "'init_lora_weights' is 'pissa', which changes the base as well");
  refused("lora_dropout", 1.5, "'lora_dropout' is 1.5");
  refused("lora_dropout", -0.5, "'lora_dropout' is -0.5");
  refused("r", nullptr, "'r' is missing");
  refused("r", "2", "'r' is a text");
  refused("r", 3, "has shape [2, 6]; expected [3, 6]");
  refused("lora_alpha", nullptr, "'lora_alpha' is missing");
  refused("rank_pattern", {{"q_proj", 0}}, "the rank of 'model.layers.0.self_attn.q_proj' is 0");
  refused("rank_pattern", {{"q_proj", "x"}}, "rank_pattern: 'q_proj' is a text");
  refused("rank_pattern", {{"(", 3}}, "'(' is no regular expression");
  refused("alpha_pattern", {3}, "alpha_pattern is not an object");
  Folder folder;
  folder.config["init_lora_weights"] = "gaussian";
  folder.config["modules_to_save"] = nlohmann::json::array();
  CHECK(folder.open().plan.layers.size() == 2);
}

TEST_CASE("peft folder: weights of another base, and files that are missing or incomplete, are refused") {
  {
    Folder folder;
    folder.tensors[0].first = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight";
    CHECK_THROWS_WITH_AS(folder.open(),
                         Contains("'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight' belongs "
                                  "to no linear layer of this base; it was trained for another base. "
                                  "Layers here: q_proj"),
                         InputError);
  }
  {
    Folder folder;
    folder.tensors[1].second = torch::randn({8, 2});
    CHECK_THROWS_WITH_AS(folder.open(), Contains("has shape [8, 2]; expected [6, 2]"), InputError);
    folder.tensors[1].second = torch::randn({});
    CHECK_THROWS_WITH_AS(folder.open(), Contains("has shape []; expected [6, 2]"), InputError);
  }
  {
    Folder folder;
    folder.tensors.erase(folder.tensors.begin() + 1);
    CHECK_THROWS_WITH_AS(folder.open(), Contains("q_proj.lora_B.weight' is missing beside '"), InputError);
    folder.tensors.clear();
    CHECK_THROWS_WITH_AS(folder.open(), Contains("holds no LoRA weights"), InputError);
  }
  Folder folder;
  folder.open();
  const auto slots = folder.base.view().linear_layers;
  const fs::path weights = folder.folder / "adapter_model.safetensors";
  const std::string bytes = test::read_file(weights);
  test::write_file(weights, bytes.substr(0, bytes.size() - 5));
  CHECK_THROWS_WITH_AS(PeftFolder::open(folder.folder.path(), slots), Contains("adapter_model.safetensors"),
                       InputError);
  fs::remove(weights);
  CHECK_THROWS_WITH_AS(PeftFolder::open(folder.folder.path(), slots), Contains("adapter_model.safetensors"),
                       InputError);
  test::write_file(folder.folder / "adapter_config.json", "{\"peft_type\": ");
  CHECK_THROWS_WITH_AS(PeftFolder::open(folder.folder.path(), slots), Contains("not valid JSON"), InputError);
  test::write_file(folder.folder / "adapter_config.json", "[]");
  CHECK_THROWS_WITH_AS(PeftFolder::open(folder.folder.path(), slots), Contains("an object"), InputError);
  fs::remove(folder.folder / "adapter_config.json");
  CHECK_THROWS_WITH_AS(PeftFolder::open(folder.folder.path(), slots), Contains("no adapter_config.json in it"),
                       InputError);
}
