// Findings on obs columns: those that a command needs, and those without which its texts say less.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cell2text/cells/finding.hpp"

namespace cell2text {

/// An obs column and what for.
struct WantedColumn {
  std::string name, purpose;
  bool required = false;
};

/// `command` is the one that wants them; where it is not the one at hand, what is missing is a note at most.
inline Findings check_columns(const std::vector<std::string>& present, const std::vector<WantedColumn>& wanted,
                              const std::string& command, bool at_hand) {
  Findings all;
  std::string missing, there;
  for (const WantedColumn& column : wanted) {
    const bool has = std::ranges::find(present, column.name) != present.end();
    std::string& list = has ? there : missing;
    if (has || !column.required) list += (list.empty() ? "" : ", ") + column.name;
    if (has || !column.required) continue;
    all.push_back({"columns." + column.name, at_hand ? Severity::error : Severity::note,
                   "no obs column '" + column.name + "'", "'" + command + "' needs it for " + column.purpose,
                   "In scanpy: adata.obs[\"" + column.name + "\"] = ...; or name another column in the experiment file",
                   false});
  }
  if (!missing.empty())
    all.push_back({"columns.optional", Severity::note, "no obs columns " + missing, "",
                   "Training texts ('" + command + "') leave out what is not known", false});
  else if (!there.empty())
    all.push_back({"columns", Severity::ok, "obs columns for '" + command + "': " + there, "", "", false});
  return all;
}

}  // namespace cell2text
