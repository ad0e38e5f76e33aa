// cell2text embed: an encoder alone, by the built command.
#include <sstream>

#include "cell2text/io/tensors.hpp"
#include "driver/tiny_model.hpp"
#include "support/difference.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

const std::filesystem::path& demo_cells() {
  static const std::filesystem::path cells = source_dir() / "data/demo/pbmc.h5ad";
  return cells;
}

Outcome embed(const std::filesystem::path& cells, const std::filesystem::path& encoder,
              const std::filesystem::path& out, const std::string& more = "") {
  return command("embed " + quoted(cells) + " --encoder " + quoted(encoder) + " -o " + quoted(out) + " --threads 1 " +
                 more);
}

/// An embedding that scanpy is to find in obsm, and its values.
struct InObsm {
  std::filesystem::path file;
  std::string key;
  at::Tensor expected;
};

void check_obsm(const std::vector<InObsm>& all, std::uint64_t seed) {
  std::vector<std::string> arguments;
  for (const InObsm& one : all) arguments.insert(arguments.end(), {"--check", one.file.string(), one.key});
  const auto folder = oracle("embedding.py", seed, arguments);
  const TensorFiles found = TensorFiles::open(folder / "obsm.safetensors");
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].file.string());
    CHECK(difference(found.tensor(std::to_string(i)), all[i].expected) < 1e-4);
  }
}

void compare_genes(const std::filesystem::path& made, const TensorFiles& expected, std::int64_t layer) {
  const TensorFiles genes = TensorFiles::open(made);
  REQUIRE(torch::equal(genes.tensor("lengths"), expected.tensor("lengths")));
  CHECK(torch::equal(genes.tensor("token_ids"), expected.tensor("token_ids")));
  const at::Tensor hidden = expected.tensor("hidden_" + std::to_string(layer));
  REQUIRE(genes.shape("values") == hidden.sizes().vec());
  CHECK(difference(genes.tensor("values"), hidden) < 1e-4);  // padding is zero in both
  CHECK(hidden.abs().max().item<double>() > 0.1);
}

}  // namespace

TEST_CASE("oracle: embed: real cells in every layer and at every level as transformers sees them, v2 and v1") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto made_by_python = oracle("embedding.py", seed);
  std::vector<InObsm> in_obsm;
  for (const std::string version : {"v2", "v1"}) {
    CAPTURE(version);
    const auto folder = made_by_python / version;
    const TensorFiles expected = TensorFiles::open(folder / "expected.safetensors");
    const auto cells = folder / "cells.h5ad", model = folder / "model";
    for (const std::int64_t layer : {0, -1, -2, -3}) {
      const auto out = folder / ("genes" + std::to_string(-layer) + ".safetensors");
      const Outcome made = embed(cells, model, out, "--level gene --batch-size 5 --layer " + std::to_string(layer));
      INFO(made.err);
      REQUIRE(made.status == 0);
      compare_genes(out, expected, 3 + layer);
    }
    const auto out = folder / "out.h5ad";
    const Outcome made = embed(cells, model, out);  // v2 has a <cls>, v1 has none
    INFO(made.err);
    REQUIRE(made.status == 0);
    CHECK(contains(made.err, "use_rep='X_geneformer'"));
    in_obsm.push_back({out, "X_geneformer", expected.tensor(version == "v1" ? "mean_2" : "cls_2").clone()});
    const Outcome mean = embed(out, model, folder / "both.h5ad", "--level mean --layer 0 --name X_mean --batch-size 3");
    INFO(mean.err);
    REQUIRE(mean.status == 0);
    in_obsm.push_back({folder / "both.h5ad", "X_mean", expected.tensor("mean_3").clone()});
  }
  check_obsm(in_obsm, seed);
}

TEST_CASE("embed: the encoder of a trained model; what is there is not replaced") {
  const TemporaryFolder folder;
  const auto out = folder / "out.h5ad";
  const Outcome made = embed(demo_cells(), tiny_model(), out, "--batch-size 64");
  INFO(made.err);
  REQUIRE(made.status == 0);
  check_refused(embed(out, tiny_model(), folder / "again.h5ad"), {"obsm matrix 'X_geneformer'", "--overwrite"});
  CHECK_FALSE(std::filesystem::exists(folder / "again.h5ad"));
  const Outcome over = embed(out, tiny_model(), out, "--overwrite --batch-size 64");
  INFO(over.err);
  CHECK(over.status == 0);
}

TEST_CASE("embed: by scGPT, values of any scale; its own name in obsm") {
  const TemporaryFolder folder;
  const Outcome made = embed(demo_cells(), tiny_scgpt(), folder / "out.h5ad", "--batch-size 64");
  INFO(made.err);
  REQUIRE(made.status == 0);
  CHECK(contains(made.err, "obsm['X_scgpt']"));
  const Outcome genes =
      embed(demo_cells(), tiny_scgpt(), folder / "out.safetensors", "--level gene --set max_tokens=40");
  INFO(genes.err);
  REQUIRE(genes.status == 0);
  const TensorFiles files = TensorFiles::open(folder / "out.safetensors");
  CHECK(files.shape("values") == std::vector<std::int64_t>{700, 39, 128});
  CHECK(files.shape("token_ids") == std::vector<std::int64_t>{700, 39});
  CHECK(files.tensor("values").isfinite().all().item<bool>());
}

TEST_CASE("embed: the experiments of the two encoders differ in one line") {
  std::istringstream a(read_file(source_dir() / "examples/quickstart.toml")),
      b(read_file(source_dir() / "examples/quickstart-scgpt.toml"));
  std::vector<std::string> different;
  std::string line_a, line_b;
  while (std::getline(a, line_a)) {
    REQUIRE(std::getline(b, line_b));
    if (line_a != line_b) different.push_back(line_a), different.push_back(line_b);
  }
  CHECK_FALSE(std::getline(b, line_b));
  CHECK(different == std::vector<std::string>{"plugin = \"geneformer\"", "plugin = \"scgpt\""});
}

TEST_CASE("embed: what cannot be done is refused before the work") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::filesystem::path& encoder, const std::string& out, const std::string& more,
                           const std::vector<std::string>& parts) {
    check_refused(embed(demo_cells(), encoder, folder / out, more), parts);
    CHECK_FALSE(std::filesystem::exists(folder / out));
  };
  refused(tiny_model(), "out.csv", "", {"ending is '.csv'", ".h5ad"});
  refused(tiny_model(), "out.h5ad", "--level gene", {".safetensors"});
  refused(tiny_model(), "none/out.h5ad", "", {"does not exist"});
  refused(folder / "none", "out.h5ad", "", {"--encoder", "does not exist"});
  refused(folder.path(), "out.h5ad", "", {"config.json", "args.json", "--plugin"});
  refused(tiny_model(), "out.h5ad", "--layer -7", {"'layer' is -7"});
  refused(tiny_model(), "out.h5ad", "--set levle=mean", {"levle"});
  write_file(folder / "config.json", R"({"model_type": "mamba"})");
  refused(folder.path(), "out.h5ad", "", {"'mamba'", "bert (geneformer)", "scgpt (scgpt)"});
  refused(folder.path(), "out.h5ad", "--plugin nobody", {"nobody"});
  std::filesystem::remove(folder / "config.json");
  write_file(folder / "args.json", "{}");
  refused(folder.path(), "out.h5ad", "", {"vocab.json"});
}
