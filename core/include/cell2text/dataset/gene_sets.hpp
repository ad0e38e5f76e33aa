// Gene sets from a GMT file, and which columns of a table of genes they mean. Scoring cells is aucell.hpp's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/gene_names.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text::dataset {

struct GeneSet {
  std::string name;
  std::string description;         ///< the second field: a text or an address, perhaps empty
  std::vector<std::string> genes;  ///< symbols (or whatever the file has), each once, in the order of the file
  std::string where;               ///< file and line, for messages
};

namespace gene_sets_detail {

inline std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.push_back(trim(line.substr(0, tab)));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

inline GeneSet parse_line(std::string_view line, const std::string& where) {
  std::vector<std::string_view> fields = fields_of(line);
  while (fields.size() > 2 && fields.back().empty()) fields.pop_back();  // Enrichr ends its lines with a tab
  if (fields.size() < 3)
    throw InputError(where + ": " + std::to_string(fields.size()) +
                     " fields; a name, a description and at least one gene are expected, with tabs between them");
  GeneSet set{std::string(fields[0]), std::string(fields[1]), {}, where};
  std::set<std::string_view> seen;
  for (const std::string_view gene : std::span(fields).subspan(2)) {
    if (gene.empty()) throw InputError(where + ": an empty field among the genes of '" + set.name + "'; two tabs?");
    if (seen.insert(gene).second) set.genes.emplace_back(gene);
  }
  if (set.name.empty()) throw InputError(where + ": a gene set without a name; the first field is empty");
  return set;
}

}  // namespace gene_sets_detail

/// Reads a GMT file: a set a line, name, description and genes with tabs between them, as MSigDB and Enrichr write it.
/// Empty lines and those that begin with '#' are passed over; a gene written twice in a set counts once. InputError
/// naming file and line: no UTF-8, fewer than three fields, an empty name or gene, a set twice; or a file without any
/// set. Errors of the file as MappedFile.
inline std::vector<GeneSet> read_gene_sets(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  std::string_view rest = file->text();
  take_prefix(rest, "\xEF\xBB\xBF");
  std::vector<GeneSet> sets;
  std::unordered_map<std::string, std::string> places;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    take_suffix(line, "\r");
    if (trim(line).empty() || line.starts_with('#')) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    if (!is_utf8(line))
      throw InputError(where + ": bytes that are no UTF-8 text; a GMT file is expected, unpacked where it came packed");
    GeneSet set = gene_sets_detail::parse_line(line, where);
    const auto [place, is_new] = places.try_emplace(set.name, where);
    if (!is_new)
      throw InputError(where + ": the gene set '" + set.name + "' is there already (" + place->second +
                       "); rename or remove one of the two");
    sets.push_back(std::move(set));
  }
  if (sets.empty())
    throw InputError(path.string() +
                     " holds no gene sets; lines of a name, a description and genes are expected, with tabs between");
  return sets;
}

/// What is left of a gene set in a table of genes.
struct MappedGeneSet {
  std::string name;
  std::int64_t genes = 0;             ///< in the set
  std::int64_t found = 0;             ///< of them in the table
  std::vector<std::int32_t> columns;  ///< of the found ones that are selected, ascending, each once

  /// The share of the set's genes that are left: what AUCell can still see of it.
  double coverage() const { return static_cast<double>(columns.size()) / static_cast<double>(genes); }
};

/// Finds the sets' genes in a table by its symbols where it has them, else by its ids, without versions and genome
/// prefixes; of several columns of one name the first counts. `selected` [genes of the table]: 0 for a gene that the
/// ranking leaves out. InputError where not one gene of any set is in the table.
inline std::vector<MappedGeneSet> map_gene_sets(std::span<const GeneSet> sets, const GeneTable& table,
                                                std::span<const std::uint8_t> selected) {
  const std::vector<std::string>& names = table.symbols.empty() ? table.ids : table.symbols;
  std::unordered_map<std::string_view, std::int32_t> column_of;
  for (std::size_t column = 0; column < names.size(); ++column)
    column_of.try_emplace(parse_gene_name(names[column]).name, static_cast<std::int32_t>(column));
  std::vector<MappedGeneSet> mapped;
  std::int64_t found = 0;
  for (const GeneSet& set : sets) {
    MappedGeneSet& one = mapped.emplace_back();
    one.name = set.name;
    one.genes = static_cast<std::int64_t>(set.genes.size());
    for (const std::string& gene : set.genes) {
      const auto at = column_of.find(gene);
      if (at == column_of.end()) continue;
      ++one.found;
      if (selected[at->second]) one.columns.push_back(at->second);
    }
    std::ranges::sort(one.columns);
    found += one.found;
  }
  if (found == 0 && !sets.empty() && !names.empty())
    throw InputError(sets.front().where + ": no gene of any set is in the data; the sets speak of '" +
                     sets.front().genes.front() + "', the data of '" + names.front() +
                     "'. Give sets in the names of the data, or data that has gene symbols too");
  return mapped;
}

/// The columns of each set, none for a set of which less than `min_coverage` is left: such a set is scored 0 in every
/// cell (ctxcore's rule, at 0.8).
inline std::vector<std::vector<std::int32_t>> available_columns(std::span<const MappedGeneSet> sets,
                                                                double min_coverage) {
  std::vector<std::vector<std::int32_t>> columns;
  for (const MappedGeneSet& set : sets)
    columns.push_back(set.coverage() < min_coverage ? std::vector<std::int32_t>() : set.columns);
  return columns;
}

}  // namespace cell2text::dataset
