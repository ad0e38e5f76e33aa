// cell2text ontology map LABELS.csv: which terms of an ontology a lab's own names are.
#include <fmt/format.h>

#include <set>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/ontology/graph.hpp"
#include "commands.hpp"
#include "console.hpp"

namespace cell2text::driver {

namespace {

struct MapArguments {
  std::string labels, obo, out;
};

constexpr const char* map_help =
    "Writes a table with the columns label, id, name, match: for each name its term where the ontology\n"
    "has it as a name or as an exact synonym, in any case; match says which. Where nothing matches for\n"
    "sure, id and name stay empty for a person to fill in: nothing is guessed.\n\n"
    "Example:\n"
    "  cell2text ontology map labels.csv --obo data/demo/cl.obo -o map.csv\n"
    "labels.csv has a header line and the names in its first column; each name counts once.";

void map_labels(const MapArguments& arguments) {
  const Ontology ontology = Ontology::read(arguments.obo);
  const CsvTable labels = read_csv(arguments.labels);
  if (labels.rows.empty())
    throw InputError(arguments.labels +
                     " holds no names; a header line and one name a line in the first column are expected");
  if (const std::string& header = labels.header.front(); find_term(ontology, header))
    throw InputError(
        fmt::format("{}: the first line must be a header, and '{}' is the name of a term; put a line 'label' above it",
                    arguments.labels, header));
  std::string table = "label,id,name,match\n";
  std::set<std::string> seen;
  std::size_t matched = 0;
  for (const CsvRow& row : labels.rows) {
    const std::string label(trim(row.fields.front()));
    if (label.empty() || !seen.insert(label).second) continue;
    const Term* term = find_term(ontology, label);
    matched += term != nullptr;
    const char* match = !term                             ? ""
                        : ontology.current(label) == term ? "id"
                        : ontology.by_name(label) == term ? "name"
                                                          : "synonym";
    table +=
        csv_field(label) + "," + (term ? csv_field(term->id) + "," + csv_field(term->name) : ",") + "," + match + "\n";
  }
  if (arguments.out.empty())
    fmt::print("{}", table);
  else
    write_atomically(arguments.out, table);
  log().info(fmt::format("{} of {} names have a term in {}; fill in id and name of the others by hand", matched,
                         seen.size(), arguments.obo));
}

}  // namespace

void add_ontology_map(CLI::App& ontology) {
  static MapArguments arguments;
  auto* command = ontology.add_subcommand("map", "Terms for a lab's own names, as a table to be completed by hand");
  command->footer(map_help);
  command->add_option("LABELS", arguments.labels, "CSV file with a header line; names in the first column")->required();
  command->add_option("--obo", arguments.obo, "OBO file of the ontology")->required();
  command->add_option("-o,--out", arguments.out, "Write the table here instead of printing it");
  command->callback([] { map_labels(arguments); });
}

}  // namespace cell2text::driver
