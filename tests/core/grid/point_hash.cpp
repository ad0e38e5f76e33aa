// The hash of a run: what changes nothing in a result is no part of it, all else is, and a path counts by what it
// names.
#include "cell2text/grid/point_hash.hpp"

#include "files.hpp"

using cell2text::Experiment;
using cell2text::PathContents;
using cell2text::Value;
namespace test = cell2text::test;

namespace {

std::string hash_of(Value root, const std::vector<std::string>& set) {
  const auto registry = test::built_plugins();
  for (const std::string& assignment : set) apply_override(root, assignment);
  PathContents contents;
  return point_hash(read_experiment(root, registry), registry, contents);
}

}  // namespace

TEST_CASE("point hash: names, threads, device, caches and checkpoints do not change it; everything else does") {
  Value root = test::demo_toml(test::tiny_experiment);
  root.set("metrics", cell2text::parse_toml("metrics = [{ plugin = 'overlap' }]", "m").find("metrics")[0]);
  const std::string plain = hash_of(root, {});
  CHECK(hash_of(root, {}) == plain);
  for (const char* same : {"name=other", "threads=7", "device=cpu", "encoder.cache=disk", "encoder.cache_limit=1 GB",
                           "encoder.cache_folder=x", "training.checkpoint_minutes=1", "training.checkpoint_steps=3",
                           "adapter.hidden=auto", "training.epochs=3"}) {
    CAPTURE(same);
    CHECK(hash_of(root, {same}) == plain);  // the last two: what is the default anyway
  }
  std::set<std::string> hashes{plain};
  const std::vector<std::string> others{"seed=6",
                                        "training.epochs=4",
                                        "training.learning_rate=1e-3",
                                        "encoder.layer=-1",
                                        "encoder.frozen=false",
                                        "prompt.max_genes=29",
                                        "decoder.architecture.layers=2",
                                        "adapter.layer_norm=true",
                                        "generation.beams=3",
                                        "generation.batch_size=8",
                                        "evaluation.max_cells=5",
                                        "training.fraction=0.5",
                                        "descriptions.preset=authors",
                                        "metrics.0.bleu=false",
                                        "split.train=0.6999999"};
  for (const std::string& other : others) {
    CAPTURE(other);
    CHECK(hashes.insert(hash_of(root, {other})).second);
  }
}

TEST_CASE("point hash: a file counts by its content, wherever it lies and whatever its path is called") {
  const test::TemporaryFolder folder;
  const auto demo = test::source_dir() / "data/demo";
  std::filesystem::copy(demo / "pbmc.h5ad", folder / "cells.h5ad");
  std::filesystem::copy(demo / "cl.obo", folder / "terms.obo");
  std::filesystem::copy(demo / "genes", folder / "genes", std::filesystem::copy_options::recursive);
  const Value root = test::demo_toml(test::tiny_experiment);
  const std::string ontology = "descriptions.ontology=" + (demo / "cl.obo").string();
  const std::string plain = hash_of(root, {ontology});
  const std::vector<std::string> moved{"data.path=" + (folder / "cells.h5ad").string(),
                                       "descriptions.ontology=" + (folder / "terms.obo").string(),
                                       "encoder.token_dictionary=" + (folder / "genes/token_dictionary.json").string()};
  CHECK(hash_of(root, moved) == plain);
  const std::string terms = test::read_file(folder / "terms.obo");
  test::write_file(folder / "terms.obo", terms + "\n");
  CHECK(hash_of(root, moved) != plain);
  CHECK(hash_of(root, {"descriptions.ontology=" + (folder / "none.obo").string()}) != plain);
}
