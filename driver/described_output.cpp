#include "described_output.hpp"

#include <fmt/format.h>

#include <cmath>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/io/json_lines.hpp"
#include "h5ad_output.hpp"

namespace cell2text::driver {

namespace {

/// Distinct values in alphabetical order, and a code per cell; an empty text is missing.
template <class ValueOf>
LabelColumn categorical(const std::vector<LabelledCell>& cells, const std::string& name, ValueOf value_of) {
  std::map<std::string, std::int32_t> codes;
  for (const LabelledCell& cell : cells)
    if (const std::string value = value_of(cell); !value.empty()) codes.emplace(value, 0);
  LabelColumn column{name, {}, {}};
  for (auto& [value, code] : codes)
    code = static_cast<std::int32_t>(column.values.size()), column.values.push_back(value);
  for (const LabelledCell& cell : cells) {
    const std::string value = value_of(cell);
    column.codes.push_back(value.empty() ? -1 : codes.at(value));
  }
  return column;
}

std::string value_or_empty(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

std::vector<ObsColumn> obs_columns(const std::vector<LabelledCell>& cells) {
  std::vector<std::string> texts;
  std::vector<std::int64_t> genes;
  std::vector<float> log_probabilities;
  for (const LabelledCell& one : cells) {
    texts.push_back(one.cell.text);
    genes.push_back(one.cell.genes_used);
    log_probabilities.push_back(static_cast<float>(one.cell.log_probability));
  }
  std::vector<ObsColumn> columns{
      {"cell2text_description", texts},
      {"cell2text_status",
       categorical(cells, "", [](const LabelledCell& c) { return std::string(status_name(c.cell.status)); })},
      {"cell2text_n_genes_used", genes},
      {"cell2text_log_probability", log_probabilities}};
  for (const std::string label : DescriptionSource::label_names) {
    columns.push_back({"cell2text_" + label,
                       categorical(cells, "", [&](const LabelledCell& c) { return value_or_empty(c.labels, label); })});
    columns.push_back({"cell2text_" + label + "_ontology_term_id", categorical(cells, "", [&](const LabelledCell& c) {
                         return value_or_empty(c.ontology_ids, label);
                       })});
  }
  return columns;
}

void write_csv(const std::filesystem::path& output, const std::vector<LabelledCell>& cells) {
  AtomicFile file(output);
  std::string header = "cell";
  for (const std::string& column : described_columns()) header += "," + column;
  file.write(header + "\n");
  for (const LabelledCell& one : cells) {
    std::string line = csv_field(one.cell.name) + "," + csv_field(one.cell.text) + "," + status_name(one.cell.status) +
                       "," + std::to_string(one.cell.genes_used) + "," +
                       (std::isfinite(one.cell.log_probability) ? fmt::format("{:.6g}", one.cell.log_probability) : "");
    for (const std::string label : DescriptionSource::label_names)
      line +=
          "," + csv_field(value_or_empty(one.labels, label)) + "," + csv_field(value_or_empty(one.ontology_ids, label));
    file.write(line + "\n");
  }
  file.commit();
}

void write_jsonl(const std::filesystem::path& output, const std::vector<LabelledCell>& cells) {
  AtomicFile file(output);
  for (const LabelledCell& one : cells) {
    nlohmann::ordered_json line{{"cell", one.cell.name},
                                {"description", one.cell.text},
                                {"status", status_name(one.cell.status)},
                                {"n_genes_used", one.cell.genes_used},
                                {"log_probability", one.cell.log_probability}};
    for (const std::string label : DescriptionSource::label_names) {
      if (one.labels.contains(label)) line[label] = one.labels.at(label);
      if (one.ontology_ids.contains(label)) line[label + "_ontology_term_id"] = one.ontology_ids.at(label);
    }
    file.write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  file.commit();
}

}  // namespace

void check_output_name(const std::filesystem::path& output) {
  const auto ending = output.extension();
  if (ending != ".h5ad" && ending != ".csv" && ending != ".jsonl")
    throw InputError(output.string() + ": the output's ending is '" + ending.string() +
                     "'; it must be .h5ad, .csv or .jsonl");
}

void check_output(const SourceHandle& source, const std::filesystem::path& input, const std::filesystem::path& output,
                  bool overwrite) {
  const AtomicFile probe(output);
  if (output.extension() == ".h5ad" && !overwrite)
    expect_new_in_output(source, input, {described_columns(), {}, {"cell2text"}});
}

void write_described(const SourceHandle& source, const std::filesystem::path& input,
                     const std::filesystem::path& output, const std::vector<LabelledCell>& cells, const Value& about,
                     bool overwrite) {
  if (output.extension() == ".csv") return write_csv(output, cells);
  if (output.extension() == ".jsonl") return write_jsonl(output, cells);
  write_h5ad_output(source, input, output, {obs_columns(cells), {}, {{"cell2text", about}}, overwrite});
}

}  // namespace cell2text::driver
