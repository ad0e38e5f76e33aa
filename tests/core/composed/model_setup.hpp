// A model of the built plugins at random weights, and folders that it is kept in.
#pragma once

#include <cmath>
#include <ostream>

#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model_folder.hpp"
#include "plugins.hpp"

namespace cell2text::test {

namespace fs = std::filesystem;

struct Setup {
  TemporaryFolder folder;
  Registry registry = built_plugins();
  Host host{registry, {.log = {}, .seed = 5, .threads = 1}};
  ModelCard card;
  fs::path model_folder = folder / "model";

  explicit Setup(Value root = demo_toml(tiny_experiment)) {
    const auto experiment = read_experiment(root, registry);
    card.plan = {experiment.encoder,    experiment.adapter, experiment.decoder,
                 experiment.finetuning, experiment.prompt,  experiment.encoder_role.frozen};
    card.generation = experiment.generation;
    card.name = experiment.general.name;
    card.seed = experiment.general.seed;
    card.trained_cells = 490, card.trained_epochs = 3;
    card.ontology_release = "releases/2025";
    card.labels["cell_type"] = {{"B cell", "CL:0000236", 12}, {"odd cell", std::nullopt, 1}};
  }
  Model build() const { return build_model(host, card.plan); }
  Model load(const fs::path& from, const ModelPlaces& places = {}) const {
    return load_model(host, read_model_card(from, registry, places), from);
  }
};

/// The demo's cells, opened once.
inline const SourceHandle& demo() {
  static const SourceHandle source = [] {
    Value table;
    table.set("path", {(source_dir() / "data/demo/pbmc.h5ad").string(), {}});
    const Context context;
    const auto plugin = built_plugins().load("source", "h5ad");
    return SourceHandle(plugin.build<kinds::source>(table, {&context, nullptr, {}}));
  }();
  return source;
}

/// What a model writes of a cell. Equal: the same text, and log probabilities that differ by rounding at most.
struct Written {
  std::string text;
  double log_probability;
  bool operator==(const Written& other) const {
    return text == other.text && std::abs(log_probability - other.log_probability) < 1e-3;
  }
  friend std::ostream& operator<<(std::ostream& out, const Written& one) {
    return out << one.text << " | " << one.log_probability;
  }
};

/// Texts of three of them.
inline std::vector<Written> texts(const Setup& setup, const Model& model) {
  model.set_training(false);
  CellLoader loader(demo(), *model.encoder, {0, 99, 500}, {3, 1, 0, false});
  std::vector<Written> all;
  for (const auto& cell : describe_cells(model, *loader.next(), setup.card.generation))
    all.push_back({cell.text, cell.log_probability});
  return all;
}

inline nlohmann::json json_of(const fs::path& folder) {
  return read_json(folder / "cell2text.json");
}
inline void write_json(const fs::path& folder, const nlohmann::json& json) {
  write_file(folder / "cell2text.json", json.dump());
}

/// Encoder and base as checkpoints of their own, and a fine-tuning that leaves the base alone.
inline Value with_checkpoints(const Setup& random, const fs::path& folder) {
  const Model model = random.build();
  model.encoder->save(folder / "encoder");
  model.decoder->save(folder / "base");
  Value root = demo_toml(tiny_experiment);
  for (const auto& [role, name] : {std::pair{"encoder", "encoder"}, std::pair{"decoder", "base"}}) {
    root.find(role)->erase("architecture");
    root.find(role)->set("checkpoint", {(folder / name).string(), {}});
  }
  root.find("decoder")->erase("tokenizer");
  for (const char* key : {"token_dictionary", "gene_medians"}) root.find("encoder")->erase(key);
  Value tuning;
  tuning.set("plugin", {std::string("low_rank"), {}});
  tuning.set("scale", {0.7, {}});
  root.set("finetuning", tuning);
  return root;
}

}  // namespace cell2text::test
