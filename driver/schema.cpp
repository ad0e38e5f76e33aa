// cell2text schema [PLUGIN] [--dataset] [--markdown]: the experiment file, or a dataset's build file, key by key.
#include <fmt/format.h>

#include "cell2text/dataset/build_file.hpp"
#include "cell2text/experiment.hpp"
#include "commands.hpp"
#include "fields.hpp"

namespace cell2text::driver {

namespace {

/// The core's tables of an experiment file, in the order one writes them; "" is the top of the file.
std::vector<std::pair<std::string, std::vector<FieldInfo>>> core_tables() {
  return {{"", describe_settings<GeneralSettings>()},
          {"split", describe_settings<SplitSettings>()},
          {"descriptions", describe_settings<DescriptionSettings>()},
          {"prompt", describe_settings<PromptSettings>()},
          {"encoder", describe_settings<EncoderRole>()},
          {"training", describe_settings<TrainingSettings>()},
          {"generation", describe_settings<GenerationSettings>()},
          {"evaluation", describe_settings<EvaluationSettings>()},
          {"metrics", describe_settings<MetricRole>()},
          {"baselines", describe_settings<BaselineRole>()}};
}

/// The tables of a dataset's build file.
std::vector<std::pair<std::string, std::vector<FieldInfo>>> dataset_tables() {
  using namespace dataset;
  return {{"", describe_settings<dataset::GeneralSettings>()}, {"columns", describe_settings<ColumnSettings>()},
          {"filter", describe_settings<FilterSettings>()},     {"sample", describe_settings<SampleSettings>()},
          {"donors", describe_settings<DonorSettings>()},      {"split", describe_settings<DonorSplitSettings>()},
          {"genes", describe_settings<GeneSettings>()},        {"pathways", describe_settings<PathwaySettings>()},
          {"descriptions", describe_settings<TextSettings>()}, {"write", describe_settings<WriteSettings>()}};
}

struct Role {
  const char *table, *kind, *key;
};
constexpr Role roles[] = {{"data", "source", "source"},           {"encoder", "encoder", "plugin"},
                          {"adapter", "adapter", "plugin"},       {"decoder", "decoder", "plugin"},
                          {"finetuning", "finetuning", "plugin"}, {"metrics", "metric", "plugin"},
                          {"baselines", "baseline", "plugin"}};

bool is_role(std::string_view table) {
  return std::ranges::find(roles, table, [](const Role& role) { return std::string_view(role.table); }) !=
         std::end(roles);
}

std::vector<FieldInfo> plugin_fields(const Registry& registry, const PluginFile& plugin) {
  std::vector<FieldInfo> fields;
  registry.load(plugin.kind, plugin.name).descriptor->schema(fields).raise();
  return fields;
}

nlohmann::ordered_json experiment_schema(const Registry& registry) {
  using Json = nlohmann::ordered_json;
  const auto tables = core_tables();
  Json schema = json_schema(tables[0].second);
  schema = Json{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Cell2Text experiment"}};
  schema.update(json_schema(tables[0].second));
  for (std::size_t i = 1; i < tables.size(); ++i)
    if (!is_role(tables[i].first)) schema["properties"][tables[i].first] = json_schema(tables[i].second);
  for (const Role& role : roles) {
    Json any = Json::array();
    for (const PluginFile& plugin : registry.plugins()) {
      if (plugin.kind != role.kind || !plugin.refusal.empty()) continue;
      auto fields = plugin_fields(registry, plugin);
      for (const auto& [name, own] : tables)
        if (name == role.table) fields.insert(fields.end(), own.begin(), own.end());
      Json table = json_schema(fields);
      table["properties"][role.key] = {{"const", plugin.name},
                                       {"description", registry.load(plugin.kind, plugin.name).descriptor->help}};
      table["required"].push_back(role.key);
      any.push_back(table);
    }
    const Json one{{"anyOf", any}};
    const bool list = std::string_view(role.table) == "metrics" || std::string_view(role.table) == "baselines";
    schema["properties"][role.table] = list ? Json{{"type", "array"}, {"items", one}} : one;
    if (!list) schema["required"].push_back(role.table);
  }
  return schema;
}

void print_rows(const std::vector<FieldInfo>& fields, const std::string& prefix) {
  for (const FieldInfo& field : fields) {
    const std::string allowed = allowed_text(field);
    fmt::print("| `{}{}` | {} | `{}` | {} |\n", prefix, field.name, field.type, default_text(field),
               field.about.help + (allowed.empty() ? "" : " (" + [&] {
                 std::string escaped;
                 for (const char c : allowed) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
                 return escaped;
               }() + ")"));
    print_rows(field.fields, prefix + field.name + ".");
  }
}

void print_table(const std::string& title, const std::string& help, const std::vector<FieldInfo>& fields) {
  fmt::print("\n## {}\n\n{}", title, help.empty() ? "" : help + "\n\n");
  if (fields.empty()) return fmt::print("No settings.\n");
  fmt::print("| key | type | default | meaning |\n|---|---|---|---|\n");
  print_rows(fields, "");
}

void print_markdown(const Registry& registry) {
  fmt::print(
      "# The experiment file, key by key\n\n"
      "Made by `cell2text schema --markdown`; a test holds this page against the program. "
      "Paths are relative to the folder the command is called from.\n");
  for (const auto& [table, fields] : core_tables())
    print_table(table.empty() ? "Top of the file" : "[" + table + "]", "", fields);
  for (const Role& role : roles)
    for (const PluginFile& plugin : registry.plugins())
      if (plugin.kind == role.kind && plugin.refusal.empty())
        print_table(fmt::format("[{}] {} = \"{}\"", role.table, role.key, plugin.name),
                    registry.load(plugin.kind, plugin.name).descriptor->help, plugin_fields(registry, plugin));
}

nlohmann::ordered_json dataset_schema(const Registry& registry) {
  using Json = nlohmann::ordered_json;
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Cell2Text dataset"}};
  for (const auto& [table, fields] : dataset_tables()) {
    if (table.empty())
      schema.update(json_schema(fields));
    else
      schema["properties"][table] = json_schema(fields);
  }
  Json any = Json::array();
  for (const PluginFile& plugin : registry.plugins()) {
    if (plugin.kind != "source" || !plugin.refusal.empty()) continue;
    Json table = json_schema(plugin_fields(registry, plugin));
    table["properties"]["plugin"] = {{"const", plugin.name}};
    table["required"].push_back("plugin");
    any.push_back(table);
  }
  schema["properties"]["sources"] = {{"type", "array"}, {"minItems", 1}, {"items", {{"anyOf", any}}}};
  schema["required"].push_back("sources");
  return schema;
}

void print_dataset_markdown() {
  fmt::print(
      "# The build file of a dataset, key by key\n\n"
      "Made by `cell2text schema --dataset --markdown`; a test holds this page against the program. "
      "Beside these tables stand one or more `[[sources]]`: `plugin`, and the plugin's keys, as in "
      "[experiment.md](experiment.md) under [data]; a `path` may be a pattern (`cells/*.h5ad`).\n");
  for (const auto& [table, fields] : dataset_tables())
    print_table(table.empty() ? "Top of the file" : "[" + table + "]", "", fields);
}

void schema(const std::string& name, bool dataset, bool markdown) {
  const Registry registry;
  if (dataset && markdown) return print_dataset_markdown();
  if (dataset) return fmt::print("{}\n", dataset_schema(registry).dump(2));
  if (markdown) return print_markdown(registry);
  if (name.empty()) return fmt::print("{}\n", experiment_schema(registry).dump(2));
  std::vector<std::string> names;
  for (const PluginFile& plugin : registry.plugins()) {
    if (plugin.name == name) return fmt::print("{}\n", json_schema(plugin_fields(registry, plugin)).dump(2));
    names.push_back(plugin.name);
  }
  throw InputError("no plugin is called '" + name + "'" + suggestion(name, names));
}

}  // namespace

void add_schema(CLI::App* command) {
  static std::string name;
  static bool dataset = false, markdown = false;
  command->add_option("PLUGIN", name, "Only this plugin's settings");
  command->add_flag("--dataset", dataset, "The build file of a dataset instead of the experiment file");
  command->add_flag("--markdown", markdown, "All keys as a page of documentation");
  command->callback([] { schema(name, dataset, markdown); });
}

}  // namespace cell2text::driver
