// cell2text dataset build FILE.toml: from files of cells to a filtered, sampled, split and described dataset.
#include <fmt/format.h>

#include "cell2text/dataset/build.hpp"
#include "cell2text/io/toml.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "dataset_commands.hpp"
#include "host.hpp"
#include "interrupts.hpp"

namespace cell2text::driver {

namespace {

struct BuildArguments {
  std::string file, out, until;
  std::vector<std::string> set;
  std::int64_t threads = 0;
  bool skip_damaged = false, dry_run = false;
};

constexpr const char* build_examples =
    "Stages: filter, sample, split, genes, pathways, describe, write. Each leaves its table in\n"
    "FOLDER/stages/NAME/table.csv; one whose inputs and settings have not changed is not done again, and a build\n"
    "that was ended goes on where it was.\n\n"
    "Examples:\n"
    "  cell2text dataset build examples/dataset.toml\n"
    "  cell2text dataset build build.toml --set sample.cells=100000 --out datasets/small\n"
    "  cell2text dataset build build.toml --until sample     then look at stages/sample/table.csv\n"
    "Then train on it: [data] path = \"datasets/NAME\", [split] by = \"column\".";

/// One line a stage, with what it found.
std::string line_of(const dataset::Stage& stage, bool computed) {
  std::string text;
  for (const auto& [key, value] : stage.facts().items()) {
    if (key == "key" || key == "seconds" || value.is_structured() ||
        (value.is_string() && value.get<std::string>().empty()))
      continue;
    text += (text.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return fmt::format("{}: {} ({})", stage.name(), text, computed ? duration_text(stage.seconds()) : "found");
}

void build(const BuildArguments& arguments) {
  Value root = read_toml(arguments.file);
  for (const std::string& assignment : arguments.set) apply_override(root, assignment);
  const Registry registry;
  const dataset::BuildFile file = dataset::read_build_file(root, registry);
  if (arguments.dry_run) {
    fmt::print("{}", write_toml(file.resolved()));
    for (const PluginChoice& source : file.sources) {
      Value table = source.resolved;
      table.set("plugin", Value(source.name));
      Value list;
      list.set("sources", Value(Value::Array{table}));
      fmt::print("\n{}", write_toml(list));
    }
    return;
  }
  const Interrupts interrupts;
  const Host host =
      make_host(registry, "cpu", arguments.threads ? arguments.threads : file.general.threads, file.general.seed);
  dataset::BuildOptions options;
  options.folder = arguments.out.empty() ? "datasets/" + file.general.name : arguments.out;
  options.threads = host.context.threads;
  options.skip_damaged = arguments.skip_damaged;
  options.until = arguments.until;
  std::string shown;
  std::optional<Progress> progress;
  dataset::BuildObserver observer;
  observer.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) {
    if (stage != shown) progress.emplace(stage, total, "cells"), shown = stage;
    progress->update(done);
    interrupts.check("in the stage '" + stage + "'; the same command goes on from there");
  };
  observer.finished = [&](const dataset::Stage& stage, bool computed) {
    progress.reset(), shown.clear();
    log().info(line_of(stage, computed));
  };
  dataset::build(registry, host.context, file, options, observer);
  if (arguments.until.empty()) log().info("dataset: " + options.folder.string());
}

}  // namespace

void add_dataset_build(CLI::App& dataset) {
  static BuildArguments arguments;
  auto* command = dataset.add_subcommand("build", "Make a dataset to train on from files of cells");
  command->add_option("FILE", arguments.file, "Build file (.toml); all keys: docs/dataset_file.md")->required();
  command->add_option("--set", arguments.set, "Replace a setting, e.g. --set sample.cells=10000 (may be repeated)")
      ->take_all();
  command->add_option("--out", arguments.out, "Folder of the dataset (default datasets/NAME)");
  command->add_option("--until", arguments.until, "End after this stage")
      ->check(
          CLI::IsMember(std::vector<std::string>(std::begin(dataset::stage_names), std::end(dataset::stage_names))));
  command->add_flag("--skip-damaged", arguments.skip_damaged, "Leave out, and count, sources that cannot be read");
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as the file says")->check(CLI::Range(0, 4096));
  command->add_flag("--dry-run", arguments.dry_run, "Check the file, print it with all defaults, and stop");
  command->footer(build_examples);
  command->callback([] { build(arguments); });
}

void add_dataset(CLI::App* command) {
  command->require_subcommand(1);
  add_dataset_build(*command);
  add_dataset_stats(*command);
}

}  // namespace cell2text::driver
