// The built plugins, and an experiment on the demo data that is small enough for a unit test.
#pragma once

#include "cell2text/experiment.hpp"
#include "cell2text/io/toml.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

inline Registry built_plugins() {
  return Registry({build_dir() / "lib/cell2text/plugins", build_dir() / "tests/core/composed/libraries"});
}

/// `text` with "DEMO" standing for the folder of the demo data.
inline Value demo_toml(std::string text, const std::string& file = "test.toml") {
  const std::string demo = (source_dir() / "data/demo").string();
  for (auto at = text.find("DEMO"); at != std::string::npos; at = text.find("DEMO")) text.replace(at, 4, demo);
  return parse_toml(text, file);
}

/// Random weights wide enough for texts that differ from cell to cell.
inline constexpr const char* tiny_experiment = R"(
name = "tiny"
seed = 5
[data]
source = "h5ad"
path = "DEMO/pbmc.h5ad"
[prompt]
system = ""
user = "Cell: "
max_genes = 30
[encoder]
plugin = "geneformer"
token_dictionary = "DEMO/genes/token_dictionary.json"
gene_medians = "DEMO/genes/gene_median_dictionary.json"
max_tokens = 40
layer = 0
frozen = true
[encoder.architecture]
layers = 2
width = 16
heads = 2
max_positions = 64
[adapter]
plugin = "mlp"
output_scale = 6
[decoder]
plugin = "llama"
tokenizer = "DEMO/tokenizer/tokenizer.json"
[decoder.architecture]
layers = 1
width = 24
heads = 4
kv_heads = 2
feed_forward = 32
initial_deviation = 0.5
[finetuning]
plugin = "full"
[generation]
beams = 2
max_new_tokens = 8
)";

}  // namespace cell2text::test
