// Which cells a list names. The list is the user's; names of a file are read a part at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// Names, one a line; blanks around them and empty lines do not count. InputError: no name at all, one that stands
/// there twice, a file that is no text; errors of MappedFile.
inline std::vector<std::string> read_cell_names(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  std::string_view rest = file->text();
  if (!is_utf8(rest) || rest.find('\0') != std::string_view::npos)
    throw InputError(path.string() + ": is no text in UTF-8; names of cells are expected, one a line");
  take_prefix(rest, "\xEF\xBB\xBF");
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> lines;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string name(trim(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty()) continue;
    const auto [found, is_new] = lines.try_emplace(name, line);
    if (!is_new)
      throw InputError(path.string() + ":" + std::to_string(line) + ": '" + name + "' stands on line " +
                       std::to_string(found->second) + " already; each cell is named once");
    names.push_back(name);
  }
  if (names.empty()) throw InputError(path.string() + ": names no cells; one name a line is expected");
  return names;
}

/// The rows of the cells of these names, which differ, ascending. `names_of(first, count)` gives names of the `cells`
/// cells of `file` in their order. InputError, with the nearest name, where one is not in the file, and where two cells
/// share it. Memory: that of the list.
template <class NamesOf>
std::vector<std::int64_t> rows_of_names(const std::vector<std::string>& names, std::int64_t cells,
                                        const NamesOf& names_of, const std::string& list, const std::string& file) {
  constexpr std::int64_t step = 1024;  // a source that tells names reads counts as well
  std::unordered_map<std::string, std::int64_t> rows;
  for (const std::string& name : names) rows.emplace(name, -1);
  const auto each_part = [&](const auto& visit) {
    for (std::int64_t first = 0; first < cells; first += step)
      visit(first, names_of(first, std::min(step, cells - first)));
  };
  each_part([&](std::int64_t first, const std::vector<std::string>& part) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto found = rows.find(part[i]);
      if (found == rows.end()) continue;
      const std::int64_t row = first + static_cast<std::int64_t>(i);
      if (found->second >= 0)
        throw InputError(list + ": '" + part[i] + "' is the name of two cells of " + file + " (rows " +
                         std::to_string(found->second) + " and " + std::to_string(row) +
                         "); give each its own name first (in Python: adata.obs_names_make_unique())");
      found->second = row;
    }
  });
  std::vector<std::int64_t> chosen;
  std::vector<std::string> missing;
  for (const std::string& name : names)
    if (const std::int64_t row = rows.at(name); row >= 0)
      chosen.push_back(row);
    else
      missing.push_back(name);
  if (!missing.empty()) {
    std::vector<std::string> near;  // the nearest of each part
    each_part([&](std::int64_t, const std::vector<std::string>& part) {
      if (std::string best = nearest_name(missing.front(), part); !best.empty()) near.push_back(std::move(best));
    });
    throw InputError(list + ": '" + missing.front() + "'" +
                     (missing.size() > 1 ? " and " + std::to_string(missing.size() - 1) + " others are" : " is") +
                     " not among the cells of " + file + (near.empty() ? "" : suggestion(missing.front(), near)));
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace cell2text
