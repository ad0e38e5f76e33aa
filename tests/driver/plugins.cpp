// plugins check and plugins new: what is planted is found, what is shipped passes, and a starter is what the example
// is.
#include <nlohmann/json.hpp>

#include "cell2text/io/tensors.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text::test;

namespace {

std::filesystem::path broken(const std::string& fault) {
  return build_dir() / "tests/core/conformance/broken" / ("libbroken_" + fault + ".so");
}
std::filesystem::path shipped(const std::string& name) {
  return build_dir() / "lib/cell2text/plugins" / ("libcell2text_" + name + ".so");
}

/// Name -> status and what was found.
struct Checked {
  int status = 0;
  std::map<std::string, std::string> statuses, found;
  std::string failed;  ///< names, in the order in which they were run
};

Checked check(const std::filesystem::path& library, const std::string& more = "") {
  const Outcome outcome = command("plugins check " + quoted(library) + " --json " + more);
  INFO(outcome.err);
  Checked checked{outcome.status, {}, {}, {}};
  const auto root = nlohmann::json::parse(outcome.out);
  for (const auto& one : root["checks"]) {
    const std::string name = one["name"];
    checked.statuses[name] = one["status"];
    checked.found[name] = one["found"];
    CHECK_FALSE(one["matters"].get<std::string>().empty());
    if (one["status"] == "failed") checked.failed += name + " ";
  }
  return checked;
}

/// The fault is found by the check that is for it.
void expect_found(const std::string& fault, const std::string& check_name, const std::string& part,
                  const std::string& more = "") {
  const Checked checked = check(broken(fault), more);
  INFO(fault << ": failed are " << checked.failed);
  CHECK(checked.status == 1);
  REQUIRE(checked.statuses.count(check_name) == 1);
  CHECK(checked.statuses.at(check_name) == "failed");
  INFO(checked.found.at(check_name));
  CHECK(contains(checked.found.at(check_name), part));
}

void expect_passed(const std::string& library, const std::string& settings = "") {
  const Checked checked = check(shipped(library), settings);
  INFO(library << ": failed are " << checked.failed);
  std::string all;
  for (const auto& [name, found] : checked.found) all += name + ": " + found + "\n";
  INFO(all);
  CHECK(checked.status == 0);
  CHECK(checked.failed.empty());
  CHECK(checked.statuses.size() > 8);
}

/// A BERT at random weights that reads texts.
std::filesystem::path text_model(const TemporaryFolder& folder) {
  const auto model = folder / "bert";
  std::filesystem::create_directory(model);
  write_file(model / "config.json",
             R"({"model_type": "bert", "vocab_size": 11, "hidden_size": 16, "num_hidden_layers": 1,
                 "num_attention_heads": 4, "intermediate_size": 24, "max_position_embeddings": 32,
                 "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0})");
  std::string vocabulary;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cell", "b", "natural", "blood", "lung", "."})
    vocabulary += std::string(token) + "\n";
  write_file(model / "vocab.txt", vocabulary);
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    tensors.emplace_back("bert." + name + ".weight", torch::randn({rows, columns}));
    if (name.starts_with("encoder")) tensors.emplace_back("bert." + name + ".bias", torch::randn({rows}));
  };
  const auto add_norm = [&](const std::string& name) {
    for (const char* end : {".LayerNorm.weight", ".LayerNorm.bias"})
      tensors.emplace_back("bert." + name + end, torch::randn({16}));
  };
  add("embeddings.word_embeddings", 11, 16), add("embeddings.position_embeddings", 32, 16);
  add("embeddings.token_type_embeddings", 2, 16), add_norm("embeddings");
  for (const char* part :
       {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"})
    add(std::string("encoder.layer.0.") + part, 16, 16);
  add("encoder.layer.0.intermediate.dense", 24, 16), add("encoder.layer.0.output.dense", 16, 24);
  add_norm("encoder.layer.0.attention.output"), add_norm("encoder.layer.0.output");
  cell2text::save_tensors(model / "model.safetensors", tensors);
  return model;
}

/// What Cell Ranger writes, of three barcodes.
std::filesystem::path tenx_folder(const TemporaryFolder& folder) {
  const auto matrix = folder / "matrix";
  std::filesystem::create_directory(matrix);
  write_file(matrix / "matrix.mtx",
             "%%MatrixMarket matrix coordinate integer general\n3 3 5\n1 1 5\n3 1 7\n2 2 2\n1 3 40\n3 3 3\n");
  write_file(matrix / "barcodes.tsv", "AAAC-1\nAAAG-1\nAAAT-1\n");
  write_file(matrix / "features.tsv",
             "ENSG00000090382\tLYZ\tGene Expression\nENSG00000167286\tCD3D\tGene Expression\n"
             "ENSG00000105374\tNKG7\tGene Expression\n");
  return matrix;
}

}  // namespace

TEST_CASE("plugins check: a decoder without a fault passes, and its ten broken brothers are found out, each by name") {
  const Checked right = check(broken("none"));
  INFO(right.failed);
  CHECK(right.status == 0);
  for (const auto& [name, status] : right.statuses) {
    INFO(name << ": " << right.found.at(name));
    CHECK(status == "passed");
  }
  expect_found("shape", "shapes", "forward has shape [3, 7, 16]; expected [3, 6, any]");
  expect_found("leaking_state", "earlier_batches", "after other batches");
  expect_found("ignored_lengths", "lengths", "goes on after padding");
  expect_found("non_determinism", "determinism", "asked the same");
  expect_found("cut_gradients", "gradients", "no gradient reaches 'remember.bias', 'remember.weight'");
  expect_found("crash", "build", "it crashed: Segmentation fault");
  expect_found("own_exception", "errors", "an exception of a type of its own");
  expect_found("default_dtype", "global_state", "the default dtype was float and is double");
  expect_found("undeclared_setting", "settings", "'hidden_setting' is read and written");
  expect_found("wrong_stamp", "stamp", "its core ABI is");
}

TEST_CASE("plugins check: a check that never ends is a finding, and those behind it are run") {
  const Checked checked = check(broken("endless_loop"), "--seconds 2");
  CHECK(checked.status == 1);
  CHECK(checked.failed == "saving ");
  CHECK(contains(checked.found.at("saving"), "it had not ended after 2 s"));
  CHECK(checked.statuses.at("gradients") == "passed");
}

TEST_CASE("plugins check: a library that throws while it is loaded, and one that does not load, are findings") {
  const auto libraries = build_dir() / "tests/core/plugin/libraries";
  const Outcome throws = command("plugins check --json " + quoted(libraries / "libtest_plugin_thrower.so"),
                                 "CELL2TEXT_TEST_THROW=loading");
  CHECK(throws.status == 1);
  CHECK(contains(throws.out, "no licence was found"));
  CHECK(contains(throws.out, "'loading' did not pass"));
  const Outcome undefined = command("plugins check --json " + quoted(libraries / "libtest_plugin_undefined.so"));
  CHECK(undefined.status == 1);
  CHECK(contains(undefined.out, "cell2text_test_nobody_defines_this"));
}

TEST_CASE("plugins check: for people, a table that says what was found and why it matters") {
  const Outcome outcome = command("plugins check " + quoted(broken("cut_gradients")));
  CHECK(outcome.status == 1);
  CHECK(outcome.err.empty());
  CHECK(contains(outcome.out, "decoder 'broken_cut_gradients'"));
  CHECK(contains(outcome.out, "  stamp           passed\n"));
  CHECK(contains(outcome.out, "  gradients       FAILED\n                  found   no gradient reaches"));
  CHECK(contains(outcome.out, "                  matters what no gradient reaches"));
  CHECK(contains(outcome.out, " passed, 1 failed, 0 not run\n"));
}

TEST_CASE("plugins check: what is no plugin, and settings that build nothing, are status 2") {
  const auto refused = [](const std::string& arguments, const std::string& part) {
    check_refused(command("plugins check " + arguments), {part});
  };
  refused("/nonexistent.so", "does not exist");
  refused("examples/quickstart.toml", "it is not an ELF file");
  refused(quoted(build_dir() / "tests/core/plugin/libraries/libtest_plugin_stranger.so"), "without a plugin stamp");
  refused(quoted(shipped("decoder_llama")), "Give it what it needs with --set KEY=VALUE");
  refused(quoted(shipped("adapter_mlp")) + " --set layrs=3", "did you mean 'layers'?");
  refused(quoted(shipped("adapter_mlp")) + " --set layers", "expected key=value");
  CHECK(command("plugins check").status == 2);
}

TEST_CASE("plugins check: every shipped plugin passes, and says what it needs where it cannot be built without") {
  const TemporaryFolder folder;
  const std::string small =
      "--set architecture.layers=2 --set architecture.width=48 --set architecture.heads=4 "
      "--set architecture.feed_forward=64 ";
  const std::string texts = small + "--set architecture.kv_heads=2 --set tokenizer=data/demo/tokenizer";
  struct Needs {
    std::string settings;
    std::string needed;  ///< a setting without which it is refused, and which the refusal names; empty: none
  };
  const std::map<std::string, Needs> shipped_plugins = {
      {"adapter_linear", {}},
      {"adapter_mlp", {}},
      {"adapter_perceiver", {"--set width=48 --set latents=4 --set heads=4", ""}},
      {"adapter_qformer", {"--set width=48 --set queries=4 --set layers=2", ""}},
      {"baseline_head", {}},
      {"baseline_lightgbm", {}},
      {"baseline_majority", {}},
      {"baseline_nearest", {}},
      {"baseline_template", {}},
      {"decoder_gemma", {texts, "checkpoint"}},
      {"decoder_llama", {texts, "checkpoint"}},
      {"encoder_geneformer", {small + "--set dictionaries=data/demo/genes", "checkpoint"}},
      {"encoder_none", {}},
      {"encoder_scgpt", {small + "--set vocabulary=data/demo/genes/vocab.json", "checkpoint"}},
      {"finetuning_full", {}},
      {"finetuning_lora", {"--set rank=4", ""}},
      {"metric_bertscore", {"--set model=" + quoted(text_model(folder)), "model"}},
      {"metric_calibration", {}},
      {"metric_labels", {}},
      {"metric_overlap", {}},
      {"metric_pagerank", {"--set ontology=data/demo/cl.obo", "ontology"}},
      {"metric_pathways", {"--set descriptions=data/demo/pathways/hallmark_descriptions.tsv", "descriptions"}},
      {"source_h5ad", {"--set path=data/demo/pbmc.h5ad", "path"}},
      {"source_tenx", {"--set path=" + quoted(tenx_folder(folder)), "path"}}};
  std::size_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator(build_dir() / "lib/cell2text/plugins")) {
    const std::string name = file.path().stem().string().substr(std::string("libcell2text_").size());
    CAPTURE(name);
    REQUIRE(shipped_plugins.contains(name));  // a new plugin is told of here
    const auto& [settings, needed] = shipped_plugins.at(name);
    expect_passed(name, settings);
    ++found;
    if (needed.empty()) continue;
    check_refused(command("plugins check " + quoted(shipped(name))),
                  {"cannot be built with these settings", needed, "--set KEY=VALUE"});
  }
  CHECK(found == shipped_plugins.size());
}

TEST_CASE("plugins new: a starter is the example of its kind under another name") {
  const TemporaryFolder folder;
  const auto made = folder / "mine";
  const Outcome outcome = command("plugins new decoder mine -o " + quoted(made));
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.out, "plugins check " + made.string() + "/build/libmine_plugin.so"));
  const std::string code = read_file(made / "mine.cpp");
  CHECK(contains(code, "CELL2TEXT_PLUGIN(decoder, \"mine\", mine_plugin::Decoder"));
  CHECK_FALSE(contains(code, "gru"));
  CHECK(contains(read_file(made / "CMakeLists.txt"), "cell2text_add_plugin(mine_plugin SOURCES mine.cpp)"));
  CHECK(command("plugins new source other -o " + quoted(folder / "other")).status == 0);
  CHECK(std::filesystem::exists(folder / "other/cells.csv"));

  check_refused(command("plugins new decoder mine -o " + quoted(made)), {"is there already"});
  check_refused(command("plugins new dekoder mine -o " + quoted(folder / "x")), {"did you mean 'decoder'?"});
  check_refused(command("plugins new decoder 'my plugin' -o " + quoted(folder / "x")), {"use small letters"});
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
}
