// Run folders with numbers from nowhere: what a report reads, without a training.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/oracle.hpp"

namespace cell2text::test {

struct MadeUpRun {
  std::string name = "made-up";
  std::string encoder = "geneformer", adapter = "mlp", finetuning = "full";
  std::int64_t layers = 4, seed = 0;
  std::int64_t steps = 400, cells = 60;
  bool point = true;   ///< of a grid, with encoder, adapter and fine-tuning as its axes
  double skill = 0.7;  ///< share of cell types that are told rightly
};

namespace made_up {

using Json = nlohmann::ordered_json;

inline const std::array types{"B cell",
                              "natural killer cell",
                              "CD4-positive, alpha-beta T cell",
                              "platelet",
                              "monocyte",
                              "dendritic cell",
                              "erythrocyte",
                              "neutrophil",
                              "basophil",
                              "hematopoietic stem cell"};

inline std::string described(const std::string& type) {
  return "This sample consists of a " + type +
         ", found with several markers of its kind. It originates from the blood "
         "of a normal individual.";
}

inline Json score(double value) {
  value = std::clamp(value, 0.0, 1.0);
  return {{"value", value}, {"low", std::max(value - 0.04, 0.0)}, {"high", std::min(value + 0.05, 1.0)}};
}

inline Json scores(double skill, bool wording, std::mt19937& random) {
  std::normal_distribution<double> noise(0, 0.01);
  Json all;
  for (const std::string label : {"cell_type", "tissue", "disease", "paper.cell_type", "paper.tissue"})
    for (const std::string name : {"accuracy", "macro_f1", "macro_precision", "macro_recall", "weighted_f1"})
      all["labels"][label + "." + name] = score(skill + noise(random));
  all["labels"]["cell_type.unreadable"] = score((1 - skill) / 4);
  all["labels"]["cell_type.unreadable"].update({{"higher_is_better", false}, {"compares", false}});
  all["labels"]["paper.cell_type.merged_names"] = {
      {"value", 2.0},     {"low", nullptr}, {"high", nullptr}, {"unit", "names"}, {"higher_is_better", false},
      {"compares", false}};
  all["labels"]["sex.accuracy"] = {
      {"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"note", "no cell has a sex"}};
  all["pagerank"]["similarity"] = score(skill + 0.1 + noise(random));
  if (wording)
    for (const std::string name :
         {"bleu_2", "bleu_4", "exact", "rouge_1_f", "rouge_2_f", "rouge_l_f", "rouge_l_precision"})
      all["overlap"][name] = score(skill - 0.05 + noise(random));
  return all;
}

inline void write(const std::filesystem::path& path, const Json& json) {
  write_file(path, json.dump(2) + "\n");
}

inline std::string experiment(const MadeUpRun& run) {
  std::string text = "name = \"" + run.name + "\"\nseed = " + std::to_string(run.seed) + "\n";
  text += "\n[data]\nsource = \"h5ad\"\npath = \"data/demo/pbmc.h5ad\"\n\n[split]\nby = \"cell\"\ntrain = 0.7\n";
  text +=
      "\n[encoder]\nplugin = \"" + run.encoder + "\"\n\n[encoder.architecture]\nlayers = " + std::to_string(run.layers);
  text += "\n\n[adapter]\nplugin = \"" + run.adapter +
          "\"\n\n[decoder]\nplugin = \"llama\"\n\n[finetuning]\nplugin = \"" + run.finetuning + "\"\n";
  if (run.finetuning == "lora") text += "rank = 8\nalpha = 16.0\n";
  for (int i = 0; i < 120; ++i) text += (i ? "option_" : "\n[training]\noption_") + std::to_string(i) + " = 0.5\n";
  return text + "\n[[metrics]]\nplugin = \"overlap\"\n\n[[metrics]]\nplugin = \"labels\"\n";
}

inline void write_log(const std::filesystem::path& path, const MadeUpRun& run, std::mt19937& random) {
  std::normal_distribution<double> noise(0, 0.1);
  std::string log;
  for (std::int64_t step = 1; step <= run.steps; ++step) {
    const double loss = std::exp(noise(random)) * (0.05 + (1.2 - run.skill) * 4 * std::exp(-3.0 * step / run.steps));
    log += Json{{"step", step}, {"epoch", 1 + 8 * (step - 1) / run.steps}, {"loss", loss}, {"cells", 8}}.dump() + "\n";
    if (step % std::max<std::int64_t>(run.steps / 8, 1) == 0)
      log +=
          Json{{"step", step}, {"training_loss", loss}, {"validation_loss", loss * 1.2}, {"best", true}}.dump() + "\n";
  }
  write_file(path, log);
}

}  // namespace made_up

/// The folder, with all files of a finished run but weights and checkpoints.
inline void write_made_up_run(const std::filesystem::path& folder, const MadeUpRun& run) {
  using namespace made_up;
  std::filesystem::create_directories(folder / "model");
  std::mt19937 random(std::hash<std::string>{}(run.encoder + run.adapter + run.finetuning) + run.seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  write_file(folder / "experiment.toml", experiment(run));
  write(folder / "environment.json", {{"device", "cpu"},
                                      {"threads", 2},
                                      {"donors", 1},
                                      {"cells", {{"train", 490}, {"validation", 70}, {"test", run.cells}}},
                                      {"date", "2026-11-0" + std::to_string(1 + run.seed % 9) + "T00:00:00Z"},
                                      {"cell2text", "0.1.0"}});
  write_log(folder / "log.jsonl", run, random);
  write(folder / "metrics.json", scores(run.skill, true, random));

  Json systems = Json::array();
  for (const std::string name : {"majority", "nearest", "head", "shuffled"})
    systems.push_back(
        {{"name", name},
         {"about", name == "shuffled" ? "the model, each cell described from another cell's embeddings" : name},
         {"describes", name != "head"},
         {"scores", scores(run.skill - 0.2, name != "head", random)}});
  systems.push_back({{"name", "lightgbm"}, {"error", "lib_lightgbm.so is not there"}});
  write(folder / "comparisons.json",
        {{"systems", systems}, {"not_told_apart", {{"text", ""}, {"scores", Json::array()}, {"compared", 5}}}});

  std::vector<std::vector<std::int64_t>> counts(types.size(), std::vector<std::int64_t>(types.size() + 1));
  std::string predictions;
  for (std::int64_t cell = 0; cell < run.cells; ++cell) {
    const auto truth = static_cast<std::size_t>(types.size() * std::pow(uniform(random), 2));
    const bool right = uniform(random) < run.skill;
    const auto said = right ? truth : static_cast<std::size_t>(types.size() * uniform(random));
    ++counts[truth][uniform(random) < 0.05 ? types.size() : said];
    // The same cell has the same truth in every run.
    const auto of_cell = static_cast<std::size_t>(cell) % types.size();
    predictions += Json{{"cell", "CELL-" + std::to_string(cell)},
                        {"reference", described(types[of_cell])},
                        {"prediction", described(types[right ? of_cell : said])},
                        {"log_probability", -1.5},
                        {"cell_type", types[of_cell]}}
                       .dump() +
                   "\n";
  }
  write_file(folder / "predictions.jsonl", predictions);
  write(folder / "confusion.json",
        Json::array({{{"label", "cell_type"}, {"classes", types}, {"counts", counts}},
                     {{"label", "paper.cell_type"}, {"classes", types}, {"counts", counts}}}));
  Json labels = Json::array();
  for (std::size_t i = 0; i < types.size(); ++i)
    labels.push_back({{"name", types[i]}, {"cells", i + 1 == types.size() ? 0 : 200 / (i + 1)}});
  write(folder / "model/cell2text.json", {{"labels", {{"cell_type", labels}}}});
  if (run.point)
    write(folder / "grid_point.json",
          {{"axes",
            {{"encoder.plugin", run.encoder}, {"adapter.plugin", run.adapter}, {"finetuning.plugin", run.finetuning}}},
           {"seed", run.seed},
           {"hash", folder.filename().string()}});
}

/// A grid of encoders x adapters x fine-tuning x seeds, the last axis and the last adapters cut off at `count` runs.
inline void write_made_up_grid(const std::filesystem::path& folder, std::size_t count) {
  std::size_t made = 0;
  std::mt19937 random(7);
  for (std::int64_t seed = 0; made < count; ++seed)
    for (const std::string encoder : {"geneformer", "scgpt"})
      for (const std::string adapter : {"mlp", "perceiver", "qformer"})
        for (const std::string finetuning : {"full", "lora"}) {
          if (made == count) return;
          MadeUpRun run{.encoder = encoder, .adapter = adapter, .finetuning = finetuning, .seed = seed, .steps = 2000};
          run.skill = 0.5 + (encoder == "scgpt" ? 0.1 : 0) + (adapter == "mlp" ? 0 : 0.08) +
                      (finetuning == "full" ? 0.05 : 0) + 0.04 * std::uniform_real_distribution<double>(-1, 1)(random);
          char name[16];
          std::snprintf(name, sizeof name, "%08zx", 0x9e3779b9 * ++made % 0xffffffff);
          write_made_up_run(folder / "runs" / name, run);
        }
}

}  // namespace cell2text::test
