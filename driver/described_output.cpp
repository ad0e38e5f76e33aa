#include "described_output.hpp"

#include <fmt/format.h>

#include <cmath>

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

/// What labels, ids and confidences have under the name of SureCellType.
void add_sure(std::vector<DescribedColumn>& all) {
  const std::string label = "cell_type_sure", name = "cell2text_" + label;
  all.push_back({name, Type::category, [label](const LabelledCell& c) { return value_or_empty(c.labels, label); }, {}});
  all.push_back({name + "_ontology_term_id",
                 Type::category,
                 [label](const LabelledCell& c) { return value_or_empty(c.ontology_ids, label); },
                 {}});
  all.push_back({name + "_confidence", Type::real, {}, [label](const LabelledCell& c) {
                   return confidence_of(c, label, &LabelConfidence::confidence);
                 }});
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
  if (which.sure) add_sure(all);
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

std::vector<TableColumn> table_columns(const std::vector<DescribedColumn>& columns) {
  std::vector<TableColumn> all;
  for (const DescribedColumn& column : columns) all.push_back({column.name, column.type});
  return all;
}

TableRow table_row(const std::vector<DescribedColumn>& columns, const LabelledCell& cell) {
  TableRow row{cell.cell.row, cell.cell.name, {}};
  for (const DescribedColumn& column : columns)
    if (column.text)
      row.values.emplace_back(column.text(cell));
    else
      row.values.emplace_back(column.number(cell));
  return row;
}

std::vector<TableValue> not_described(const std::vector<TableColumn>& columns) {
  std::vector<TableValue> values;
  for (const TableColumn& column : columns)
    if (column.holds_text())
      values.emplace_back(column.name == "cell2text_status" ? "not_described" : "");
    else
      values.emplace_back(column.type == Type::real ? std::nan("") : 0.0);
  return values;
}

}  // namespace cell2text::driver
