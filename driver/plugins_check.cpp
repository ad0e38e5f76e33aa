// cell2text plugins check FILE.so: the conformance suite on a library.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cell2text/conformance/library_checks.hpp"
#include "cell2text/io/toml.hpp"
#include "check_in_child.hpp"
#include "plugin_commands.hpp"

namespace cell2text::driver {

namespace {

using conformance::Result;
using conformance::Status;

constexpr const char* check_examples =
    "Exit codes: 0 all that was checked is right, 1 something is not, 2 bad usage or settings that build nothing.\n"
    "Everything of the plugin runs in a process of its own, which may crash.\n\n"
    "Examples:\n"
    "  cell2text plugins check build/libgru_plugin.so\n"
    "  cell2text plugins check build/libcsv_cells_plugin.so --set path=cells.csv\n"
    "  cell2text plugins check libcell2text_decoder_llama.so --set 'architecture={}' --set tokenizer=tokenizer.json";

struct CheckArguments {
  std::string file;
  std::vector<std::string> set;
  double seconds = 60;
  bool json = false;
};

std::ptrdiff_t count(const std::vector<Result>& results, Status status) {
  return std::ranges::count(results, status, &Result::status);
}

std::string in_lines(const std::string& text, const std::string& indent) {
  std::string all;
  for (const char letter : text) all += letter == '\n' ? "\n" + indent : std::string(1, letter);
  return all;
}

void print_table(const PluginFile& file, const std::vector<Result>& results) {
  fmt::print("{} '{}', {} ({}, {})\n", file.kind, file.name, file.path.string(), file.compiler, file.build_type);
  for (const Result& result : results) {
    const bool failed = result.status == Status::failed;
    const std::string indent(18, ' ');
    fmt::print("  {:<16}{}{}\n", result.name, failed ? "FAILED" : conformance::name_of(result.status),
               failed || result.detail.empty() ? "" : ": " + in_lines(result.detail, indent));
    if (failed)
      fmt::print("{}found   {}\n{}matters {}\n", indent, in_lines(result.detail, indent + "        "), indent,
                 result.why);
  }
  fmt::print("{} passed, {} failed, {} not run\n", count(results, Status::passed), count(results, Status::failed),
             count(results, Status::not_run));
}

void print_json(const PluginFile& file, const std::vector<Result>& results) {
  nlohmann::ordered_json root{{"kind", file.kind},
                              {"name", file.name},
                              {"path", file.path.string()},
                              {"passed", count(results, Status::failed) == 0},
                              {"checks", nlohmann::ordered_json::array()}};
  for (const Result& result : results)
    root["checks"].push_back({{"name", result.name},
                              {"status", conformance::name_of(result.status)},
                              {"found", result.detail},
                              {"matters", result.why}});
  fmt::print("{}\n", root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void check(const CheckArguments& arguments) {
  const auto file = read_plugin_file(arguments.file);
  if (!file)
    throw InputError(arguments.file + " is a library without a plugin stamp; register the class with CELL2TEXT_PLUGIN");
  conformance::Subject subject{.settings = Value{Value::Table{}}, .file = file->path};
  for (const std::string& assignment : arguments.set) apply_override(subject.settings, assignment);
  std::vector<conformance::Check> checks = conformance::library_checks();
  for (auto& one : conformance::checks_of(file->kind)) checks.push_back(std::move(one));
  const std::vector<Result> results = check_in_child(checks, subject, arguments.seconds);
  if (const auto unusable = std::ranges::find(results, Status::unusable, &Result::status); unusable != results.end())
    throw InputError(arguments.file + ": the " + file->kind + " '" + file->name +
                     "' cannot be built with these settings: " + unusable->detail +
                     "\nGive it what it needs with --set KEY=VALUE; its settings: cell2text plugins info " +
                     file->name);
  arguments.json ? print_json(*file, results) : print_table(*file, results);
  if (count(results, Status::failed) > 0) throw CLI::RuntimeError(1);  // all is said
}

}  // namespace

void add_plugins_check(CLI::App& plugins) {
  static CheckArguments arguments;
  auto* command = plugins.add_subcommand("check", "Is a plugin right? Builds it, asks it, saves it, trains it");
  command->add_option("FILE", arguments.file, "The plugin's library (.so)")->required();
  command->add_option("--set", arguments.set, "A setting of the plugin, e.g. --set width=32 (may be repeated)")
      ->take_all();
  command->add_option("--seconds", arguments.seconds, "What a single check may take")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command->add_flag("--json", arguments.json, "Print JSON");
  command->footer(check_examples);
  command->callback([] { check(arguments); });
}

}  // namespace cell2text::driver
