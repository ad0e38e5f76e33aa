// A build file (TOML) as types: where cells come from, and the settings of every stage.
#pragma once

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/donors.hpp"
#include "cell2text/dataset/sample_settings.hpp"
#include "cell2text/dataset/settings.hpp"
#include "cell2text/dataset/split_settings.hpp"
#include "cell2text/plugin_table.hpp"

namespace cell2text::dataset {

struct BuildFile {
  GeneralSettings general;
  ColumnSettings columns;
  FilterSettings filter;
  SampleSettings sample;
  DonorSettings donors;
  DonorSplitSettings split;
  GeneSettings genes;
  PathwaySettings pathways;
  TextSettings descriptions;
  WriteSettings write;
  std::vector<PluginChoice> sources;  ///< one for each file that a pattern stands for

  /// The file with every default written out, but for the sources.
  Value resolved() const {
    Value root = write_settings(general);
    root.set("columns", write_settings(columns));
    root.set("filter", write_settings(filter));
    root.set("sample", write_settings(sample));
    root.set("donors", write_settings(donors));
    root.set("split", write_settings(split));
    root.set("genes", write_settings(genes));
    root.set("pathways", write_settings(pathways));
    root.set("descriptions", write_settings(descriptions));
    root.set("write", write_settings(write));
    return root;
  }
};

namespace build_file_detail {

/// The files that a pattern ("cells/*.h5ad") stands for, in the order of their names; a path without * ? [ is itself.
inline std::vector<std::string> paths_of(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos || std::filesystem::exists(pattern)) return {pattern};
  glob_t found = {};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

/// Adds the source of one [[sources]] table for each file.
inline void add_sources(const Value& table, const std::string& path, const Registry& registry, BuildFile& file,
                        SettingsFaults& faults) {
  const Value* named = table.find("path");
  const auto* pattern = named ? named->get_if<std::string>() : nullptr;
  const auto paths = pattern ? paths_of(*pattern) : std::vector<std::string>{""};
  if (paths.empty())
    return faults.add(named->where, "'" + path + "path' is '" + *pattern + "', which no file is called like");
  for (const std::string& one : paths) {
    Value own = table;
    if (pattern) own.find("path")->data = one;
    PluginChoice choice = experiment_detail::choose({std::move(own), "source", "plugin", path}, registry, faults);
    const auto same = [&](const PluginChoice& other) {
      return differing_keys(other.resolved, choice.resolved).empty() && other.name == choice.name;
    };
    if (pattern && std::ranges::any_of(file.sources, same))
      faults.add(named->where, "'" + path + "path': " + one + " is already a source; a cell must not be taken twice");
    file.sources.push_back(std::move(choice));
  }
}

}  // namespace build_file_detail

/// Types and checks a parsed file. InputError with every fault, each with its place.
inline BuildFile read_build_file(const Value& root, const Registry& registry) {
  BuildFile file;
  SettingsFaults faults;
  Value top = root;
  std::vector<std::string> known{"sources"};
  const auto table = [&](const char* name, auto& settings) {
    known.push_back(name);
    if (const Value* found = root.find(name)) read_fields(*found, settings, faults, std::string(name) + ".");
    top.erase(name);
  };
  table("columns", file.columns);
  table("filter", file.filter);
  table("sample", file.sample);
  table("donors", file.donors);
  table("split", file.split);
  table("genes", file.genes);
  table("pathways", file.pathways);
  table("descriptions", file.descriptions);
  table("write", file.write);
  top.erase("sources");
  for (const FieldInfo& field : describe_settings<GeneralSettings>()) known.push_back(field.name);
  const Value named = top;
  for (const Entry& entry : *named.get_if<Value::Table>())
    if (std::ranges::find(known, entry.key) == known.end()) {
      faults.add(entry.value.where, "unknown " + std::string(entry.value.is_table() ? "table [" : "key '") + entry.key +
                                        (entry.value.is_table() ? "]" : "'") + suggestion(entry.key, known));
      top.erase(entry.key);
    }
  read_fields(top, file.general, faults, "");
  experiment_detail::each_table(root, "sources", faults, [&](const Value& one, const std::string& path) {
    build_file_detail::add_sources(one, path, registry, file, faults);
  });
  if (faults.list.empty() && file.sources.empty())
    faults.add(root.where,
               "no [[sources]]: the files that cells come from, as in\n[[sources]]\nplugin = \"h5ad\"\npath = "
               "\"cells/*.h5ad\"");
  faults.raise();
  return file;
}

}  // namespace cell2text::dataset
