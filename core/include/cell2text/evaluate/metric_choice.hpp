// Which metrics score an experiment or a file of predictions, each with its settings and the name of its scores.
#pragma once

#include <optional>
#include <string>

#include "cell2text/plain_name.hpp"
#include "cell2text/plugin_table.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// What a [[metrics]] table holds beside the plugin's own settings.
struct MetricRole {
  std::optional<std::string> as;

  static void describe(auto& s) {
    s.field("as", &MetricRole::as,
            {.help = "name of its scores, as in NAME.similarity; unset: the plugin's. Two metrics of one plugin, say "
                     "pagerank of cell types and of tissues, need names of their own"});
  }
  void validate() const {
    if (as) expect_plain_name(*as, "the metric's");
  }
};

struct MetricChoice {
  MetricRole role;
  PluginChoice plugin;

  const std::string& name() const { return role.as ? *role.as : plugin.name; }
};

}  // namespace cell2text
