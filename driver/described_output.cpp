#include "described_output.hpp"

#include <fmt/format.h>

#include <cmath>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/io/json_lines.hpp"
#include "h5ad_output.hpp"

namespace cell2text::driver {

namespace {

using Type = DescribedColumn::Type;

std::string value_or_empty(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

double confidence_of(const LabelledCell& one, const std::string& label, double LabelConfidence::*which) {
  const auto found = one.cell.confidences.find(label);
  return found == one.cell.confidences.end() ? std::nan("") : found->second.*which;
}

/// "B cell (CL:0000236) 0.912; T cell (CL:0000084) 0.05".
std::string best_text(const LabelledCell& one, const std::string& label, const ModelCard& card) {
  const auto found = one.cell.confidences.find(label);
  if (found == one.cell.confidences.end()) return "";
  std::string text;
  for (const auto& [name, probability] : found->second.best) {
    const auto id = card.ontology_id(label, name);
    text += fmt::format("{}{}{} {:.4g}", text.empty() ? "" : "; ", name, id ? " (" + *id + ")" : "", probability);
  }
  return text;
}

void add_labels(std::vector<DescribedColumn>& all) {
  for (const std::string label : described_labels) {
    all.push_back({"cell2text_" + label,
                   Type::category,
                   [label](const LabelledCell& c) { return value_or_empty(c.labels, label); },
                   {}});
    if (label == "sex" || label == "development_stage") continue;  // told in words that are no terms
    all.push_back({"cell2text_" + label + "_ontology_term_id",
                   Type::category,
                   [label](const LabelledCell& c) { return value_or_empty(c.ontology_ids, label); },
                   {}});
  }
}

void add_confidences(std::vector<DescribedColumn>& all) {
  for (const std::string label : described_labels) {
    all.push_back({"cell2text_" + label + "_confidence", Type::real, {}, [label](const LabelledCell& c) {
                     return confidence_of(c, label, &LabelConfidence::confidence);
                   }});
    all.push_back({"cell2text_" + label + "_unknown", Type::real, {}, [label](const LabelledCell& c) {
                     return confidence_of(c, label, &LabelConfidence::unknown);
                   }});
  }
}

/// Distinct values in alphabetical order, and a code per cell; an empty text is missing.
LabelColumn categorical(const std::vector<LabelledCell>& cells, const DescribedColumn& column) {
  std::map<std::string, std::int32_t> codes;
  for (const LabelledCell& cell : cells)
    if (const std::string value = column.text(cell); !value.empty()) codes.emplace(value, 0);
  LabelColumn made{"", {}, {}};
  for (auto& [value, code] : codes) code = static_cast<std::int32_t>(made.values.size()), made.values.push_back(value);
  for (const LabelledCell& cell : cells) {
    const std::string value = column.text(cell);
    made.codes.push_back(value.empty() ? -1 : codes.at(value));
  }
  return made;
}

ObsColumn obs_column(const std::vector<LabelledCell>& cells, const DescribedColumn& column) {
  const auto values = [&]<class T>(T, const auto& value_of) {
    std::vector<T> all;
    for (const LabelledCell& one : cells) all.push_back(static_cast<T>(value_of(one)));
    return all;
  };
  switch (column.type) {
    case Type::text:
      return {column.name, values(std::string(), column.text)};
    case Type::category:
      return {column.name, categorical(cells, column)};
    case Type::integer:
      return {column.name, values(std::int64_t(), column.number)};
    case Type::real:
      return {column.name, values(float(), column.number)};
  }
  throw BugError("a column of no type");
}

std::string field(const DescribedColumn& column, const LabelledCell& cell) {
  if (column.text) return csv_field(column.text(cell));
  const double number = column.number(cell);
  if (!std::isfinite(number)) return "";
  return column.type == Type::integer ? std::to_string(static_cast<std::int64_t>(number))
                                      : fmt::format("{:.6g}", number);
}

void write_csv(const DescribedOutput& output, const std::vector<LabelledCell>& cells) {
  AtomicFile file(output.output);
  std::string header = "cell";
  for (const DescribedColumn& column : output.columns) header += "," + column.name;
  file.write(header + "\n");
  for (const LabelledCell& one : cells) {
    std::string line = csv_field(one.cell.name);
    for (const DescribedColumn& column : output.columns) line += "," + field(column, one);
    file.write(line + "\n");
  }
  file.commit();
}

/// Labels that are missing are left out, as are their probabilities; what every cell has is null where it has none.
void add_field(nlohmann::ordered_json& line, const DescribedColumn& column, const LabelledCell& cell) {
  const std::string key = column.name.substr(std::string_view("cell2text_").size());
  if (column.text) {
    const std::string value = column.text(cell);
    if (!value.empty() || column.name == "cell2text_description") line[key] = value;
  } else if (const double number = column.number(cell); column.type == Type::integer) {
    line[key] = static_cast<std::int64_t>(number);
  } else if (!std::isnan(number) || column.name == "cell2text_log_probability") {
    line[key] = number;
  }
}

void write_jsonl(const DescribedOutput& output, const std::vector<LabelledCell>& cells) {
  AtomicFile file(output.output);
  for (const LabelledCell& one : cells) {
    nlohmann::ordered_json line{{"cell", one.cell.name}};
    for (const DescribedColumn& column : output.columns) add_field(line, column, one);
    file.write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  file.commit();
}

}  // namespace

std::vector<DescribedColumn> described_columns(const DescribedColumns& which, const ModelCard& card) {
  std::vector<DescribedColumn> all{
      {"cell2text_description", Type::text, [](const LabelledCell& c) { return c.cell.text; }, {}},
      {"cell2text_status", Type::category, [](const LabelledCell& c) { return status_name(c.cell.status); }, {}},
      {"cell2text_n_genes_used",
       Type::integer,
       {},
       [](const LabelledCell& c) { return static_cast<double>(c.cell.genes_used); }},
      {"cell2text_log_probability", Type::real, {}, [](const LabelledCell& c) { return c.cell.log_probability; }}};
  add_labels(all);
  if (which.given)
    all.push_back({"cell2text_given", Type::category, [](const LabelledCell& c) { return c.given; }, {}});
  if (which.confidence) add_confidences(all);
  for (const std::string label : described_labels) {
    if (which.best)
      all.push_back({"cell2text_" + label + "_best",
                     Type::text,
                     [label, &card](const LabelledCell& c) { return best_text(c, label, card); },
                     {}});
    if (which.raw)
      all.push_back({"cell2text_" + label + "_raw",
                     Type::category,
                     [label](const LabelledCell& c) { return value_or_empty(c.raw, label); },
                     {}});
  }
  return all;
}

void check_output_name(const std::filesystem::path& output) {
  const auto ending = output.extension();
  if (ending != ".h5ad" && ending != ".csv" && ending != ".jsonl")
    throw InputError(output.string() + ": the output's ending is '" + ending.string() +
                     "'; it must be .h5ad, .csv or .jsonl");
}

void check_output(const DescribedOutput& output) {
  const AtomicFile probe(output.output);
  if (output.output.extension() != ".h5ad" || output.overwrite) return;
  H5adNames names{{}, {}, {"cell2text"}};
  for (const DescribedColumn& column : output.columns) names.obs.push_back(column.name);
  expect_new_in_output(output.source, output.input, names);
}

void write_described(const DescribedOutput& output, const std::vector<LabelledCell>& cells, const Value& about) {
  if (output.output.extension() == ".csv") return write_csv(output, cells);
  if (output.output.extension() == ".jsonl") return write_jsonl(output, cells);
  H5adAdditions additions{{}, {}, {{"cell2text", about}}, output.overwrite};
  for (const DescribedColumn& column : output.columns) additions.obs.push_back(obs_column(cells, column));
  write_h5ad_output(output.source, output.input, output.output, std::move(additions));
}

}  // namespace cell2text::driver
