#include "describe_job.hpp"

#include <algorithm>

#include "cell2text/io/path_contents.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/version.hpp"

namespace cell2text::driver {

namespace {

/// Places, what is told otherwise (the model and the cells by their contents), and what may change last digits at most.
bool changes_no_value(const std::string& option) {
  static constexpr const char* names[] = {"CELLS",     "--model",         "--out",    "--overwrite",
                                          "--encoder", "--base",          "--device", "--threads",
                                          "--profile", "--cluster-table", "--report", "--explain"};
  return std::ranges::find(names, option) != std::end(names);
}

std::int64_t modified(const std::filesystem::path& path) {
  return static_cast<std::int64_t>(std::filesystem::last_write_time(path).time_since_epoch().count());
}

std::int64_t last_modified(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return modified(path);
  std::int64_t latest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) latest = std::max(latest, modified(entry.path()));
  return latest;
}

}  // namespace

nlohmann::json options_of(const CLI::App& command) {
  PathContents contents;
  nlohmann::json all = nlohmann::json::object();
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || changes_no_value(option->get_name())) continue;
    nlohmann::json values = nlohmann::json::array();
    for (const std::string& value : option->results()) {
      values.push_back(value);
      const std::string path = value.substr(value.find('=') + 1);  // all of it where there is none
      std::error_code ignored;
      if (std::filesystem::is_regular_file(path, ignored)) values.push_back(contents.of(path));
    }
    all[option->get_name()] = std::move(values);
  }
  return all;
}

nlohmann::json describe_job(const std::filesystem::path& cells, const ModelCard& card, nlohmann::json options,
                            const std::vector<TableColumn>& columns) {
  nlohmann::json names = nlohmann::json::array();
  for (const TableColumn& column : columns) names.push_back(column.name);
  return {{"cell2text_version", std::string(version)},
          {"model", card.hash},
          {"generation", nlohmann::json(to_json(write_settings(card.generation)))},
          {"cells", {{"contents", PathContents().of(cells)}, {"modified", last_modified(cells)}}},
          {"options", std::move(options)},
          {"columns", std::move(names)}};
}

}  // namespace cell2text::driver
