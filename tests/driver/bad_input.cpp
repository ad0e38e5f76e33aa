// Bad input to the real command: a message that names file and cause, exit code 2, nothing written over, nothing left.
#include <sys/stat.h>

#include <random>

#include "driver/tiny_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

fs::path demo() {
  return source_dir() / "data/demo/pbmc.h5ad";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) FAIL("the text does not hold " << from);
  return text.replace(at, from.size(), to);
}

/// The quickstart with the parts of the tiny model as checkpoints in `folder`.
std::string with_checkpoints(const TemporaryFolder& folder) {
  for (const char* part : {"encoder", "decoder"})
    fs::copy(tiny_model() / part, folder / part, fs::copy_options::recursive);
  std::string text;
  std::istringstream lines(read_file(source_dir() / "examples/quickstart.toml"));
  bool architecture = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) architecture = line.find(".architecture]") != std::string::npos;
    if (architecture || line.starts_with("token_dictionary") || line.starts_with("gene_medians")) continue;
    if (line.starts_with("tokenizer = ")) line = "checkpoint = \"" + (folder / "decoder").string() + "\"";
    if (line == "plugin = \"geneformer\"") line += "\ncheckpoint = \"" + (folder / "encoder").string() + "\"";
    text += line + "\n";
  }
  return text;
}

/// Runs an experiment that must be refused: nothing is left in its folder.
void check_not_run(const fs::path& experiment, const std::vector<std::string>& parts, const std::string& more = "") {
  const TemporaryFolder folder;
  const Outcome outcome =
      command("run " + quoted(experiment) + " --out " + quoted(folder / "run") + tiny_settings() + " " + more);
  check_refused(outcome, parts);
  CHECK((!fs::exists(folder / "run") || fs::is_empty(folder / "run")));
}

}  // namespace

TEST_CASE("bad input: what is no file of cells is named, with the way to an .h5ad") {
  const TemporaryFolder folder;
  auto with = [&](const std::string& name, const std::string& bytes, std::vector<std::string> parts) {
    write_file(folder / name, bytes);
    check_not_described(folder / name, std::move(parts));
  };
  check_not_described(folder / "missing.h5ad", {"does not exist"});
  with("empty.h5ad", "", {"is empty"});
  with("text.h5ad", "cell,gene\n", {"is no HDF5 file"});
  with("pointer.h5ad", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
       {"Git LFS pointer", "git lfs install && git -C '" + folder.path().string() + "' lfs pull"});
  with("seurat.rds", "\x1f\x8b\x08 and more", {"an R object", "zellkonverter::writeH5AD(readRDS('"});
  with("cells.h5ad.gz", "\x1f\x8b\x08 and more", {"gzip", "gunzip '" + (folder / "cells.h5ad.gz").string()});
  REQUIRE(::mkfifo((folder / "pipe.h5ad").c_str(), 0600) == 0);
  check_not_described(folder / "pipe.h5ad", {"not a regular file"});
}

TEST_CASE("bad input: folders are refused, Zarr stores with their conversion line") {
  const TemporaryFolder folder;
  for (const char* name : {"plain.h5ad", "cells.zarr"}) fs::create_directory(folder / name);
  check_not_described(folder / "plain.h5ad", {"is a folder"});
  check_not_described(folder / "cells.zarr", {"a Zarr store", "import anndata; anndata.read_zarr('" +
                                                                  (folder / "cells.zarr").string() + "').write_h5ad("});
}

TEST_CASE("bad input: a file that was cut, or holds anything, is refused by its name") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const std::string whole = read_file(demo());
  for (int i = 0; i < 3; ++i) {
    const auto size = random() % (i < 1 ? 4096 : whole.size());
    INFO("cut to " << size << " bytes");
    write_file(folder / "cut.h5ad", whole.substr(0, size));
    check_not_described(folder / "cut.h5ad", {});
  }
  std::string noise(100'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  write_file(folder / "noise.h5ad", whole.substr(0, 8) + noise);
  check_not_described(folder / "noise.h5ad", {"opening as HDF5"});
}

TEST_CASE("bad input: columns that are missing are answered with the nearest or with all names") {
  const auto example = source_dir() / "examples/quickstart.toml";
  check_not_run(example, {"'celltype'", "did you mean 'cell_type'?"}, "--set split.stratify=celltype");
  check_not_run(example, {"no obs column 'celltype'", "did you mean 'cell_type'?"},
                "--set descriptions.column=celltype");
  check_not_run(example, {"pbmc.h5ad", "has no column 'n_count'", "n_counts"}, "--set data.totals=n_count");
}

TEST_CASE("bad input: broken files of an experiment are named with their line") {
  const TemporaryFolder folder;
  const std::string example = read_file(source_dir() / "examples/quickstart.toml");
  write_file(folder / "broken.toml", "name = \"a\"\nseed = = 0\n");
  check_not_run(folder / "broken.toml", {"broken.toml:2:"});

  write_file(folder / "broken.obo", "format-version: 1.2\n\n[Term]\nid: CL:0000000\nname\n");
  const auto with = [&](const std::string& from, const fs::path& to) {
    write_file(folder / "bad.toml", replaced(example, from, to.string()));
  };
  with("data/demo/cl.obo", folder / "broken.obo");
  check_not_run(folder / "bad.toml", {"broken.obo:5"});
  with("data/demo/cl.obo", folder / "missing.obo");
  check_not_run(folder / "bad.toml", {"missing.obo", "does not exist"});

  const std::string tokenizer = read_file(source_dir() / "data/demo/tokenizer/tokenizer.json");
  write_file(folder / "tokenizer.json", tokenizer.substr(0, tokenizer.size() / 2));
  with("data/demo/tokenizer/tokenizer.json", folder / "tokenizer.json");
  check_not_run(folder / "bad.toml", {"tokenizer.json:", "not valid JSON"});
  std::filesystem::create_directory(folder / "genes");
  std::filesystem::copy(source_dir() / "data/demo/genes/gene_median_dictionary.json", folder / "genes");
  write_file(folder / "genes/token_dictionary.pkl", "cos\nsystem\n(S'true'\ntR.");
  with("data/demo/genes", folder / "genes");
  check_not_run(folder / "bad.toml", {"token_dictionary.pkl"});

  // Metrics work after the training, and their folders are looked at before.
  std::filesystem::create_directory(folder / "bert");
  write_file(folder / "bad.toml",
             example + "\n[[metrics]]\nplugin = \"bertscore\"\nmodel = \"" + (folder / "bert").string() + "\"\n");
  check_not_run(folder / "bad.toml", {(folder / "bert").string(), "no tokenizer"});
}

TEST_CASE("bad input: a checkpoint whose config does not fit its weights never starts from random values") {
  const TemporaryFolder folder;
  const auto experiment = folder / "checkpoints.toml";
  write_file(experiment, with_checkpoints(folder));
  struct Case {
    const char *part, *from, *to;
    std::vector<std::string> says;
  };
  const Case cases[] = {
      {"decoder", "\"hidden_size\": 192", "\"hidden_size\": 96", {"[4000, 192]", "[4000, 96]"}},
      {"decoder", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", {"model.layers.2.", "missing"}},
      {"decoder",
       "\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 1",
       {"tensors that this model does not have", "model.layers.1."}},
      {"decoder", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"", {"config.json", "mamba"}},
      {"decoder", "{", "{,", {"config.json:1:2", "not valid JSON"}},
      {"encoder", "\"hidden_size\": 128", "\"hidden_size\": 96", {"[20275, 128]", "[20275, 96]"}},
      {"encoder", "\"intermediate_size\": 512", "\"intermediate_size\": 500", {"512", "500"}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.part);
    CAPTURE(one.to);
    const auto config = folder / (std::string(one.part) + "/config.json");
    const std::string whole = read_file(config);
    write_file(config, replaced(whole, one.from, one.to));
    std::vector<std::string> parts = one.says;
    parts.push_back((folder / one.part).string());
    check_not_run(experiment, parts);
    write_file(config, whole);
  }
  fs::resize_file(folder / "decoder/model.safetensors", 5000);
  check_not_run(experiment, {(folder / "decoder/model.safetensors").string()});
  fs::remove(folder / "decoder/model.safetensors");
  check_not_run(experiment, {(folder / "decoder").string()});
}

TEST_CASE("bad input: a model folder that is damaged is refused, and says which file") {
  const TemporaryFolder folder;
  fs::copy(tiny_model(), folder / "model", fs::copy_options::recursive);
  const auto info = [&] { return command("model info " + quoted(folder / "model")); };
  REQUIRE(info().status == 0);
  const std::string card = read_file(folder / "model/cell2text.json");
  write_file(folder / "model/cell2text.json", card.substr(0, card.size() / 2));
  check_refused(info(), {"cell2text.json:"});
  write_file(folder / "model/cell2text.json", "[]");
  check_refused(info(), {"cell2text.json"});
  write_file(folder / "model/cell2text.json", card);
  fs::resize_file(folder / "model/adapter.safetensors", 100);
  const Outcome outcome = command("describe " + quoted(demo()) + " --model " + quoted(folder / "model") + " -o " +
                                  quoted(folder / "out.csv"));
  check_refused(outcome, {"adapter.safetensors"});
  CHECK_FALSE(fs::exists(folder / "out.csv"));
}

TEST_CASE("bad input: predictions that cannot be read are named with their line") {
  const TemporaryFolder folder;
  const std::string good = "{\"prediction\": \"a\", \"reference\": \"b\"}\n";
  auto with = [&](const std::string& bytes, const std::vector<std::string>& parts) {
    write_file(folder / "p.jsonl", bytes);
    write_file(folder / "metrics.json", "precious");
    check_refused(command("evaluate " + quoted(folder / "p.jsonl") + " -o " + quoted(folder / "metrics.json")), parts);
    CHECK(read_file(folder / "metrics.json") == "precious");
  };
  with(good + good + "{\"prediction\": \n", {"p.jsonl:3"});
  with(good + "[1, 2]\n", {"p.jsonl:2"});
  with(good + "{\"prediction\": \"a\"}\n", {"p.jsonl:2", "reference"});
  with(good + "{\"prediction\": 3, \"reference\": \"b\"}\n", {"p.jsonl:2", "prediction"});
  with(good + "{\"prediction\": \"\xff\", \"reference\": \"b\"}\n", {"p.jsonl:2"});
  with("", {"p.jsonl"});
  with(read_file(demo()).substr(0, 5000), {"p.jsonl:1"});
  check_refused(command("evaluate " + quoted(folder / "none.jsonl")), {"none.jsonl", "does not exist"});
}

TEST_CASE("bad input: an output that cannot be written is refused before cells are described") {
  const TemporaryFolder folder;
  for (const char* name : {"nowhere/out.csv", "nowhere/out.h5ad"}) {
    const Outcome outcome = describe(demo(), folder / name);
    check_refused(outcome, {"the folder " + (folder / "nowhere").string() + " does not exist"});
    CHECK_FALSE(contains(outcome.err, "describing"));
  }
  fs::create_directory(folder / "out.csv");
  check_refused(describe(demo(), folder / "out.csv"), {"out.csv", "it exists and is not a file"});
}

TEST_CASE("bad input: plugins that cannot be used are listed with the reason, and the others work") {
  const TemporaryFolder folder;
  const auto libraries = build_dir() / "tests/core/plugin/libraries";
  const auto copy = [&](const char* name, const char* to) {
    fs::copy_file(libraries / ("libtest_plugin_" + std::string(name) + ".so"), folder / to);
  };
  copy("letters", "letters.so");
  copy("stranger", "stranger.so");
  copy("undefined", "undefined.so");
  copy("thrower", "thrower.so");
  write_file(folder / "text.so", "not a library at all\n");
  // The number of the core's ABI stands behind the stamp's magic and size.
  std::string other = read_file(libraries / "libtest_plugin_twin.so");
  const auto stamp = other.find("cell2text-plugin");
  REQUIRE(stamp != std::string::npos);
  other[stamp + 20] = 77;
  write_file(folder / "twin.so", other);

  const std::string path = "CELL2TEXT_PLUGIN_PATH=" + quoted(folder.path()) + " ";
  const Outcome list = command("plugins list", path);
  CHECK(list.status == 0);
  for (const char* part : {"letters.so", "llama", "refused: its core ABI is 77, this program ", "thrower.so"}) {
    CAPTURE(part);
    CHECK(contains(list.out, part));
  }
  CHECK(contains(list.err, "stranger.so: a library without a plugin stamp"));
  CHECK(contains(list.err, "text.so"));

  write_file(folder / "p.jsonl", "{\"prediction\": \"a\", \"reference\": \"b\"}\n");
  const auto score = [&](const std::string& metrics, const std::string& more = "") {
    return command("evaluate " + quoted(folder / "p.jsonl") + " --metrics " + metrics, path + more);
  };
  check_refused(score("twin"), {"twin.so", "its core ABI is 77, this program "});
  check_refused(score("undefined"), {"undefined.so", "cannot be loaded", "cell2text_test_nobody_defines_this"});
  check_refused(score("thrower", "CELL2TEXT_TEST_THROW=loading "),
                {"thrower.so", "threw while it was being loaded", "no licence was found"});
  const Outcome building = score("thrower", "CELL2TEXT_TEST_THROW=building ");
  CHECK(building.status == 1);
  CHECK(building.err == "cell2text: no licence server answers\n");
  CHECK(score("thrower,overlap").status == 0);
  CHECK(command("plugins info letters", path).status == 0);
}
