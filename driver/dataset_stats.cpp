// cell2text dataset stats DIR: what a built dataset holds, as tables, as JSON, and as a page with the paper's figures.
#include <fmt/format.h>

#include "cell2text/cells/cell_summary.hpp"
#include "cell2text/dataset/statistics.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/model_folder.hpp"
#include "console.hpp"
#include "dataset_commands.hpp"
#include "host.hpp"
#include "page.hpp"

namespace cell2text::driver {

extern const char* const dataset_script;

namespace {

using Json = nlohmann::ordered_json;

struct StatsArguments {
  std::string folder, out, model;
  std::int64_t length_cells = 20'000;
  bool json = false;
};

constexpr const char* stats_examples =
    "Examples:\n"
    "  cell2text dataset stats datasets/demo\n"
    "  cell2text dataset stats datasets/demo -o datasets/demo/stats.html\n"
    "  cell2text dataset stats datasets/demo --model runs/quickstart/model   lengths in that model's tokens";

/// Lengths of some cells: genes and bytes of text, or with a model its gene and text tokens.
std::vector<Histogram> lengths(const StatsArguments& arguments, const Host& host, const SourceHandle& source) {
  const auto rows = sampled_rows(source.size(), arguments.length_cells, 0);
  const std::optional<LabelColumn> texts =
      source.has_column("description") ? std::optional(source.labels("description")) : std::nullopt;
  std::optional<Model> model;
  if (!arguments.model.empty())
    model = load_model(host, read_model_card(arguments.model, host.registry), arguments.model);
  NumberCounts genes, words;
  for (std::size_t first = 0; first < rows.size(); first += 1024) {
    const std::span part(rows.data() + first, std::min<std::size_t>(1024, rows.size() - first));
    const CellBatch cells = source.read(part);
    if (model) {
      const GeneTokens tokens = model->encoder->tokenize(cells);
      for (const std::int64_t length : tokens.lengths) ++genes[length];
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (!model)
        ++genes[std::ranges::count_if(cells.counts_of(static_cast<std::int64_t>(i)), [](float n) { return n > 0; })];
      if (const auto text = texts ? texts->at(part[i]) : std::nullopt)
        ++words[model ? std::ssize(model->decoder->encode_text(*text))
                      : std::ranges::count(fold_spaces(*text), ' ') + 1];
    }
  }
  return {histogram(model ? "gene tokens per cell" : "genes per cell", genes),
          histogram(model ? "text tokens per description" : "words per description", words)};
}

Json to_json(const dataset::DatasetStatistics& all) {
  Json json{{"parts", Json::array()}, {"uncovered", Json::array()}, {"donors_in_two_parts", all.donors_in_two_parts}};
  for (const auto& part : all.parts)
    json["parts"].push_back({{"part", part.part},
                             {"cells", part.cells},
                             {"donors", part.donors},
                             {"cell_types", part.cell_types},
                             {"tissues", part.tissues},
                             {"diseases", part.diseases}});
  for (const auto& one : all.uncovered)
    json["uncovered"].push_back({{"part", one.part}, {"label", one.label}, {"value", one.value}, {"cells", one.cells}});
  for (const auto& label : all.frequencies) {
    json["frequencies"][label.label] = Json::array();
    for (const auto& [value, cells] : label.values) json["frequencies"][label.label].push_back({value, cells});
  }
  json["histograms"] = Json::array();
  for (const auto& one : all.histograms) json["histograms"].push_back(histogram_json(one));
  return json;
}

/// What the build knew and the files do not tell: diversity before and after sampling.
Json diversity(const std::filesystem::path& folder) {
  const auto about = folder / "stages/sample/stage.json";
  std::error_code unknown;
  if (!std::filesystem::exists(about, unknown)) return Json::array();
  return Json::parse(read_json(about).value("diversity", nlohmann::json::array()).dump());
}

void print(const Json& json) {
  fmt::print("{:<12} {:>10} {:>8} {:>11} {:>8} {:>9}\n", "PART", "CELLS", "DONORS", "CELL TYPES", "TISSUES",
             "DISEASES");
  for (const Json& part : json["parts"])
    fmt::print("{:<12} {:>10} {:>8} {:>11} {:>8} {:>9}\n", part["part"].get<std::string>(),
               part["cells"].get<std::int64_t>(), part["donors"].get<std::int64_t>(),
               part["cell_types"].get<std::int64_t>(), part["tissues"].get<std::int64_t>(),
               part["diseases"].get<std::int64_t>());
  if (!json["diversity"].empty())
    fmt::print("\n{:<16} {:>8} {:>8}  normalised Shannon diversity\n", "LABEL", "BEFORE", "AFTER");
  for (const Json& one : json["diversity"])
    fmt::print("{:<16} {:>8.4f} {:>8.4f}\n", one["label"].get<std::string>(), one["before"].get<double>(),
               one["after"].get<double>());
  fmt::print("\n");
  for (const Json& one : json["histograms"])
    if (one["numbers"].get<std::int64_t>() > 0)
      fmt::print("{}: mean {:.1f}, from {} to {} ({} cells looked at)\n", one["what"].get<std::string>(),
                 one["mean"].get<double>(), one["smallest"].get<std::int64_t>(), one["largest"].get<std::int64_t>(),
                 one["numbers"].get<std::int64_t>());
  for (const auto& [label, values] : json["frequencies"].items()) {
    fmt::print("\n{} ({}):", label, values.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(5, values.size()); ++i)
      fmt::print("{} {} {}", i ? "," : "", values[i][0].get<std::string>(), values[i][1].get<std::int64_t>());
  }
  fmt::print("\n\n");
  for (const Json& one : json["uncovered"])
    fmt::print("not in train: {} '{}', {} cells of {}\n", one["label"].get<std::string>(),
               one["value"].get<std::string>(), one["cells"].get<std::int64_t>(), one["part"].get<std::string>());
  for (const Json& donor : json["donors_in_two_parts"])
    fmt::print("in two parts: donor {}\n", donor.get<std::string>());
  if (json["uncovered"].empty() && json["donors_in_two_parts"].empty())
    fmt::print("no donor is in two parts, and train has every category of validation and test\n");
}

void stats(const StatsArguments& arguments) {
  const std::filesystem::path folder = arguments.folder, toml = folder / "dataset.toml";
  std::error_code unknown;
  if (!std::filesystem::exists(toml, unknown))
    throw InputError(folder.string() +
                     ": no dataset.toml in it; the folder of a finished 'cell2text dataset build' is "
                     "expected");
  const Value about = read_toml(toml);
  const Registry registry;
  const Host host = make_host(registry, "cpu", 0, 0);
  Value settings;
  settings.set("path", {arguments.folder, {"DIR", 0, 0}});
  const SourceHandle source(
      registry.load("source", "h5ad").build<kinds::source>(settings, {&host.context, nullptr, {}}));
  dataset::DatasetStatistics statistics = dataset::dataset_statistics(source);
  statistics.histograms = lengths(arguments, host, source);
  Json json = to_json(statistics);
  json["diversity"] = diversity(folder);
  if (!arguments.out.empty()) {
    Json data = json;
    data["name"] = *about.find("name")->get_if<std::string>();
    data["toml"] = write_toml(about);
    write_atomically(arguments.out, filled_page(dataset_script, data));
    log().info("page: " + arguments.out);
  }
  if (arguments.json) return fmt::print("{}\n", json.dump(2));
  print(json);
}

}  // namespace

void add_dataset_stats(CLI::App& dataset) {
  static StatsArguments arguments;
  auto* command = dataset.add_subcommand("stats", "What a dataset holds: parts, labels, lengths, checks of the split");
  command->add_option("DIR", arguments.folder, "Folder of a dataset")->required();
  command->add_option("-o,--out", arguments.out, "Also write a page with plots (.html) here");
  command->add_option("--model", arguments.model, "Tell lengths in the tokens of this trained model");
  command->add_option("--length-cells", arguments.length_cells, "Cells whose lengths are looked at")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  command->add_flag("--json", arguments.json, "Print all of it as JSON");
  command->footer(stats_examples);
  command->callback([] { stats(arguments); });
}

}  // namespace cell2text::driver
