// A very small model whose texts follow the template, trained once per test program in some seconds, and its cells:
// for what reads labels from descriptions. It tells cell types better than chance, and sex, disease and stage by
// chance.
#pragma once

#include "cell2text/io/h5ad_writer.hpp"
#include "driver/command.hpp"

namespace cell2text::test {

namespace template_model_detail {

/// Of each cell one of `values`; `choice` says which, -1 where it is not known.
inline LabelColumn drawn(const std::string& name, std::vector<std::string> values, std::size_t cells,
                         const std::function<std::int32_t(std::size_t)>& choice) {
  LabelColumn column{name, std::move(values), {}};
  for (std::size_t cell = 0; cell < cells; ++cell) column.codes.push_back(choice(cell));
  return column;
}

/// A run of `cells`: texts without definitions, which are most of a description's tokens.
inline std::string experiment(const std::filesystem::path& cells) {
  return "name = \"template\"\nseed = 0\nthreads = 1\n[data]\nsource = \"h5ad\"\npath = \"" + cells.string() +
         R"("
[split]
by = "cell"
train = 0.5
validation = 0.25
test = 0.25
[prompt]
system = ""
user = "Cell: "
max_genes = 32
[encoder]
plugin = "geneformer"
frozen = false
dictionaries = "data/demo/genes"
max_tokens = 34
layer = 0
[encoder.architecture]
layers = 1
width = 64
heads = 2
feed_forward = 128
dropout = 0
[adapter]
plugin = "mlp"
layer_norm = true
[decoder]
plugin = "llama"
tokenizer = "data/demo/tokenizer/tokenizer.json"
[decoder.architecture]
layers = 2
width = 96
heads = 4
kv_heads = 2
feed_forward = 256
tied = true
[finetuning]
plugin = "full"
[training]
epochs = 5
batch_size = 8
optimizer = "adamw"
learning_rate = 2e-3
weight_decay = 0.05
schedule = "cosine"
warmup_steps = 20
[generation]
beams = 1
[[metrics]]
plugin = "labels"
)";
}

}  // namespace template_model_detail

/// The demo's cells with more than one tissue, disease, sex and stage. The tissue follows from the cell type but for
/// every fourth cell; the others from nothing.
inline void write_template_cells(const std::filesystem::path& path) {
  using template_model_detail::drawn;
  const auto demo = source_dir() / "data/demo/pbmc.h5ad";
  const LabelColumn types = anndata::DataFrame(hdf5::Group::open_file(demo), "obs").labels("cell_type");
  const std::size_t cells = types.codes.size();
  const auto tissue = [&](std::size_t cell) {
    return static_cast<std::int32_t>(cell % 4 ? types.codes[cell] % 3 : cell / 4 % 3);
  };
  const auto disease = [](std::size_t cell) { return cell * 7919 % 10 < 7 ? 0 : 1; };
  H5adAdditions additions;
  additions.overwrite = true;
  const auto add = [&](const std::string& name, std::vector<std::string> values, const auto& choice) {
    additions.obs.push_back({name, drawn(name, std::move(values), cells, choice)});
  };
  add("tissue", {"blood", "bone marrow", "lymph node"}, tissue);
  add("tissue_ontology_term_id", {"UBERON:0000178", "UBERON:0002371", "UBERON:0000029"}, tissue);
  add("disease", {"normal", "influenza"}, disease);
  add("disease_ontology_term_id", {"PATO:0000461", "MONDO:0005812"}, disease);
  add("sex", {"female", "male"}, [](std::size_t cell) { return static_cast<std::int32_t>(cell * 31 % 11 % 2); });
  add("development_stage", {"25-year-old stage", "67-year-old stage"},
      [](std::size_t cell) { return static_cast<std::int32_t>(cell * 17 % 7 % 2); });
  write_h5ad_copy(demo, path, additions);
}

/// The finished run's folder, with `model` in it; made at the first call.
inline const std::filesystem::path& template_run() {
  static const TemporaryFolder folder;
  static const std::filesystem::path run = [] {
    write_template_cells(folder / "cells.h5ad");
    write_file(folder / "template.toml", template_model_detail::experiment(folder / "cells.h5ad"));
    const Outcome made = command("run " + quoted(folder / "template.toml") + " --out " + quoted(folder / "run"));
    INFO(made.err);
    REQUIRE(made.status == 0);
    return folder / "run";
  }();
  return run;
}
inline std::filesystem::path template_model() {
  return template_run() / "model";
}
/// The cells that it was trained and tested on.
inline std::filesystem::path template_cells() {
  return template_run().parent_path() / "cells.h5ad";
}

}  // namespace cell2text::test
