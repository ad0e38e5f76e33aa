// An experiment file as types: the core's own tables, and one choice of plugin per role with its settings.
// Reading checks everything, plugins' settings included, and reports all faults at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cell2text/baselines/settings.hpp"
#include "cell2text/byte_size.hpp"
#include "cell2text/cells/split.hpp"
#include "cell2text/evaluate/evaluation_settings.hpp"
#include "cell2text/evaluate/metric_choice.hpp"
#include "cell2text/generate/settings.hpp"
#include "cell2text/plugin_table.hpp"
#include "cell2text/prompt.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/description_source.hpp"
#include "cell2text/train/settings.hpp"

namespace cell2text {

/// The keys at the top of the file.
struct GeneralSettings {
  std::string name;
  std::int64_t seed = 0;
  std::int64_t threads = 0;
  std::string device = "auto";

  static void describe(auto& s) {
    using T = GeneralSettings;
    s.field("name", &T::name,
            {.help = "of the run; its folder is runs/NAME unless --out says otherwise", .required = true});
    s.field("seed", &T::seed, {.help = "of the split, the initial weights, the order of cells and dropout", .min = 0});
    s.field("threads", &T::threads, {.help = "CPU threads; 0 = as many as cores", .min = 0, .max = 4096});
    s.field(
        "device", &T::device,
        {.help = "cpu, cuda, or auto: cuda where a GPU and its driver are found", .choices = {"auto", "cpu", "cuda"}});
  }
};

/// What [encoder] holds beside the plugin's own settings.
struct EncoderRole {
  bool frozen = true;
  std::string cache = "none";
  std::optional<std::string> cache_folder;
  ByteSize cache_limit{20'000'000'000};

  static void describe(auto& s) {
    using T = EncoderRole;
    s.field("frozen", &T::frozen, {.help = "false trains the encoder with the rest"});
    s.field("cache", &T::cache,
            {.help = "disk keeps what a frozen encoder gives, so that a later epoch, or another run with the same "
                     "encoder and cells, does not compute it again; auto: the same where all cells of the run fit into "
                     "cache_limit and on the disk, else none",
             .choices = {"none", "disk", "auto"}});
    s.field("cache_folder", &T::cache_folder,
            {.help = "of the cache; runs may share it. Unset: $XDG_CACHE_HOME/cell2text/embeddings, else "
                     "~/.cache/cell2text/embeddings"});
    s.field("cache_limit", &T::cache_limit,
            {.help = "size of the cache, as in \"20 GB\"; beyond it, the least recently used cells go",
             .unit = "bytes",
             .min = 1e6});
  }
  void validate() const {
    if (cache != "none" && !frozen)
      throw InputError("'encoder.cache' is '" + cache +
                       "' and 'encoder.frozen' is false: what an encoder gives changes with each step while "
                       "it is trained. Set encoder.cache = \"none\", or freeze the encoder");
  }
};

/// A model to compare with.
struct BaselineChoice {
  BaselineRole role;
  PluginChoice plugin;

  const std::string& name() const { return role.name ? *role.name : plugin.name; }
};

struct Experiment {
  GeneralSettings general;
  SplitSettings split;
  DescriptionSettings descriptions;
  PromptSettings prompt;
  EncoderRole encoder_role;
  TrainingSettings training;
  GenerationSettings generation;
  EvaluationSettings evaluation;
  PluginChoice data, encoder, adapter, decoder, finetuning;
  std::vector<MetricChoice> metrics;
  std::vector<BaselineChoice> baselines;

  /// The file with every default written out.
  Value resolved() const {
    Value root = write_settings(general);
    root.set("split", write_settings(split));
    root.set("descriptions", write_settings(descriptions));
    root.set("prompt", write_settings(prompt));
    root.set("training", write_settings(training));
    root.set("generation", write_settings(generation));
    if (evaluation.any()) root.set("evaluation", write_settings(evaluation));
    auto plugin_table = [](const PluginChoice& choice, const char* key) {
      Value table = choice.resolved;
      table.set(key, Value{choice.name, {}});
      return table;
    };
    root.set("data", plugin_table(data, "source"));
    auto with_role = [&](const PluginChoice& choice, const auto& settings) {
      Value table = plugin_table(choice, "plugin");
      const Value role = write_settings(settings);
      for (const Entry& entry : *role.template get_if<Value::Table>()) table.set(entry.key, entry.value);
      return table;
    };
    root.set("encoder", with_role(encoder, encoder_role));
    root.set("adapter", plugin_table(adapter, "plugin"));
    root.set("decoder", plugin_table(decoder, "plugin"));
    root.set("finetuning", plugin_table(finetuning, "plugin"));
    Value::Array list;
    for (const MetricChoice& metric : metrics) list.push_back(with_role(metric.plugin, metric.role));
    root.set("metrics", Value{std::move(list), {}});
    Value::Array compared;
    for (const BaselineChoice& baseline : baselines) compared.push_back(with_role(baseline.plugin, baseline.role));
    if (!baselines.empty()) root.set("baselines", Value{std::move(compared), {}});
    return root;
  }
};

namespace experiment_detail {

/// Adds a baseline; its name must be its own, and the one whose labels it takes must stand above.
inline void add_baseline(Value table, const std::string& path, const Registry& registry, Experiment& experiment,
                         SettingsFaults& faults) {
  const Where where = table.where;
  BaselineChoice baseline;
  baseline.plugin = choose_with_role({std::move(table), "baseline", "plugin", path}, baseline.role, registry, faults);
  std::vector<std::string> above;
  for (const BaselineChoice& other : experiment.baselines) above.push_back(other.name());
  const auto stands_above = [&](const std::string& name) { return std::ranges::find(above, name) != above.end(); };
  if (baseline.name() == shuffled_name)
    faults.add(where, "'shuffled' is the name of the report's control; give the baseline another 'name'");
  if (!baseline.name().empty() && stands_above(baseline.name()))
    faults.add(where, "two baselines are called '" + baseline.name() + "'; give one of them a 'name'");
  if (baseline.role.labels_of && !stands_above(*baseline.role.labels_of))
    faults.add(where, "'" + path + "labels_of' is '" + *baseline.role.labels_of +
                          "', which no baseline above is called" + suggestion(*baseline.role.labels_of, above));
  experiment.baselines.push_back(std::move(baseline));
}

}  // namespace experiment_detail

/// Types and checks a parsed file. InputError with every fault, each with its place.
inline Experiment read_experiment(const Value& root, const Registry& registry) {
  using namespace experiment_detail;
  Experiment experiment;
  SettingsFaults faults;
  static const char* const tables[] = {"data",       "split",   "descriptions", "prompt",   "encoder",
                                       "adapter",    "decoder", "finetuning",   "training", "generation",
                                       "evaluation", "metrics", "baselines"};
  const std::vector<std::string> known_tables(std::begin(tables), std::end(tables));

  Value top = root;
  for (const auto& name : known_tables) top.erase(name);
  std::vector<std::string> known = known_tables;
  for (const FieldInfo& field : describe_settings<GeneralSettings>()) known.push_back(field.name);
  for (const Entry& entry : *root.get_if<Value::Table>())
    if (std::ranges::find(known, entry.key) == known.end()) {
      faults.add(entry.value.where, "unknown " + std::string(entry.value.is_table() ? "table [" : "key '") + entry.key +
                                        (entry.value.is_table() ? "]" : "'") + suggestion(entry.key, known));
      top.erase(entry.key);
    }
  read_fields(top, experiment.general, faults, "");

  const Value empty{Value::Table{}, root.where};
  auto table = [&](const char* name) -> const Value& {
    const Value* found = root.find(name);
    if (!found) return empty;
    if (found->is_table()) return *found;
    settings_detail::wrong_type(*found, name, "a table", faults);
    return empty;
  };
  read_fields(table("split"), experiment.split, faults, "split.");
  read_fields(table("descriptions"), experiment.descriptions, faults, "descriptions.");
  read_fields(table("prompt"), experiment.prompt, faults, "prompt.");
  read_fields(table("training"), experiment.training, faults, "training.");
  read_fields(table("generation"), experiment.generation, faults, "generation.");
  read_fields(table("evaluation"), experiment.evaluation, faults, "evaluation.");

  experiment.data = choose({table("data"), "source", "source", "data."}, registry, faults);
  experiment.encoder =
      choose_with_role({table("encoder"), "encoder", "plugin", "encoder."}, experiment.encoder_role, registry, faults);
  try {
    if (const bool told = gene_field(experiment.prompt.user).has_value();
        told != (experiment.encoder.name == no_encoder))
      faults.add(table("encoder").where,
                 told
                     ? "'prompt.user' tells genes by name ({genes:N}) and 'encoder.plugin' is '" +
                           experiment.encoder.name + "'; cells as text have encoder.plugin = \"none\""
                     : "'encoder.plugin' is 'none', and 'prompt.user' does not say how many genes the decoder is told; "
                       "end it with {genes:100}");
  } catch (const InputError&) {  // told where the prompt was read
  }
  if (experiment.training.given_dropout && experiment.prompt.user.find("{given") == std::string::npos)
    faults.add(table("training").where,
               "'training.given_dropout' is set, and 'prompt.user' tells nothing that is given; name the labels there, "
               "as in user = \"{given:tissue,sex}" +
                   PromptSettings().user + "\", or leave it out");
  experiment.adapter = choose({table("adapter"), "adapter", "plugin", "adapter."}, registry, faults);
  experiment.decoder = choose({table("decoder"), "decoder", "plugin", "decoder."}, registry, faults);
  experiment.finetuning = choose({table("finetuning"), "finetuning", "plugin", "finetuning."}, registry, faults);
  each_table(root, "metrics", faults, [&](const Value& one, const std::string& path) {
    MetricChoice metric;
    metric.plugin = choose_with_role({one, "metric", "plugin", path}, metric.role, registry, faults);
    if (!metric.name().empty() &&
        std::ranges::find(experiment.metrics, metric.name(), &MetricChoice::name) != experiment.metrics.end())
      faults.add(one.where, "two metrics are called '" + metric.name() + "'; give one of them another name with 'as'");
    experiment.metrics.push_back(std::move(metric));
  });
  each_table(root, "baselines", faults,
             [&](const Value& one, const std::string& path) { add_baseline(one, path, registry, experiment, faults); });
  faults.raise();
  return experiment;
}

}  // namespace cell2text
