// cell2text model info DIR, cell2text model merge DIR -o OUT
#include <fmt/format.h>

#include "cell2text/model_calibration.hpp"
#include "cell2text/model_merge.hpp"
#include "commands.hpp"
#include "host.hpp"

namespace cell2text::driver {

namespace {

struct InfoArguments {
  std::string folder;
  bool verify = false, json = false;
};

struct MergeArguments {
  std::string folder, out, encoder, base;
};

/// Whole-file hashes of everything in the folder against those written when it was saved.
void verify_files(const std::filesystem::path& folder, const nlohmann::json& root) {
  const std::string where = (folder / "cell2text.json").string();
  const auto files = required<nlohmann::json>(root, "files", where);
  for (const auto& [name, unused] : files.items()) {
    const auto hash = required<std::string>(files, name, where);
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) throw InputError(file.string() + " is missing from the model folder");
    if (const auto found = sha256_file(file); found != hash)
      throw InputError(file.string() + ": SHA-256 is " + found + "; the model was written with " + hash);
  }
}

void info(const InfoArguments& arguments) {
  const std::filesystem::path folder = arguments.folder;
  const Registry registry;
  const ModelCard card = read_model_card(folder, registry);
  const nlohmann::json root = read_json(folder / "cell2text.json");
  if (arguments.verify) verify_files(folder, root);
  if (arguments.json) return fmt::print("{}\n", root.dump(2));
  fmt::print("{} (hash {})\n", card.name, card.hash.substr(0, 16));
  for (const PluginChoice* part : {&card.plan.encoder, &card.plan.adapter, &card.plan.decoder, &card.plan.finetuning})
    fmt::print("  {:<12} {}\n", part->kind, part->name);
  if (!card.merged_from.empty()) fmt::print("  merged from  {}\n", card.merged_from);
  fmt::print("  trained on   {} cells, {} epochs, seed {}\n", card.trained_cells, card.trained_epochs, card.seed);
  if (const auto given = given_field(card.plan.prompt.user))
    for (const std::string& label : given->labels) fmt::print("  is told      {}, where given\n", label);
  if (!card.ontology_release.empty()) fmt::print("  ontology     {}\n", card.ontology_release);
  for (const auto& [label, temperature] : read_temperatures(folder, card.hash))
    fmt::print("  calibrated   {}, temperature {:.4g}\n", label, temperature);
  for (const auto& [label, values] : card.labels) {
    fmt::print("  {} ({} values)\n", label, values.size());
    for (const TrainedLabel& value : values)
      fmt::print("    {:>7} cells  {}  {}\n", value.cells, value.ontology_id.value_or("(no id)"), value.name);
  }
  if (arguments.verify) fmt::print("  all files are as they were written\n");
}

void merge(const MergeArguments& arguments) {
  const Registry registry;
  const Host host = make_host(registry, "cpu", 0, 0);
  ModelPlaces places;
  if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
  if (!arguments.base.empty()) places.decoder = arguments.base;
  merge_model(host, arguments.folder, arguments.out, places);
  log().info("model: " + arguments.out);
}

}  // namespace

void add_model(CLI::App* model) {
  static InfoArguments arguments;
  model->require_subcommand(1);
  auto* command = model->add_subcommand("info", "Parts, training, labels seen with their counts");
  command->add_option("DIR", arguments.folder, "Model folder (…/model)")->required();
  command->add_flag("--verify", arguments.verify, "Compare the SHA-256 of every file");
  command->add_flag("--json", arguments.json, "Print JSON");
  command->callback([] { info(arguments); });

  static MergeArguments merging;
  auto* merged = model->add_subcommand("merge", "Write the model anew with LoRA weights merged into a plain decoder");
  merged->add_option("DIR", merging.folder, "Model folder (…/model)")->required();
  merged->add_option("-o,--out", merging.out, "The new model folder; must not exist")->required();
  merged->add_option("--encoder", merging.encoder, "Where the encoder's checkpoint is now");
  merged->add_option("--base", merging.base, "Where the decoder's checkpoint is now");
  merged->callback([] { merge(merging); });
}

}  // namespace cell2text::driver
