// A table of pathways: lines of a name, a tab and the description that texts use. Finding the pathway that a text means
// is the metric's.
#pragma once

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

struct PathwayLine {
  std::string name, description;
  std::string where;  ///< file and line, for messages
};

/// In the order of the file; empty lines are skipped. InputError naming file and line: no tab or more than one, an
/// empty description, or a name twice; or a file without any pathway. Errors of the file as InputFile.
inline std::vector<PathwayLine> read_pathway_table(const std::filesystem::path& path) {
  const InputFile file(path);
  std::string text(file.size(), '\0');
  text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
  refuse_git_lfs_pointer(text, path);
  std::vector<PathwayLine> lines;
  std::set<std::string> names;
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || line.find('\t', tab + 1) != std::string_view::npos)
      throw InputError(where + ": " + std::to_string(std::ranges::count(line, '\t')) +
                       " tabs; a name, one tab and a description are expected");
    PathwayLine one{std::string(trim(line.substr(0, tab))), std::string(trim(line.substr(tab + 1))), where};
    if (one.description.empty()) throw InputError(where + ": the description of " + one.name + " is empty");
    if (!names.insert(one.name).second) throw InputError(where + ": the pathway " + one.name + " is listed twice");
    lines.push_back(std::move(one));
  }
  if (lines.empty())
    throw InputError(path.string() + " holds no pathways; lines of a name, a tab and a description are expected");
  return lines;
}

}  // namespace cell2text
