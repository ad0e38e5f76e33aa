// The description of each cell of a source: an existing obs column, or the template filled from the
// label columns and the Cell Ontology. The [descriptions] table of an experiment.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/cell_definition.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/obo.hpp"
#include "cell2text/text/pathway_table.hpp"

namespace cell2text {

struct DescriptionSettings {
  std::optional<std::string> column;
  std::optional<std::string> ontology;
  std::optional<std::string> pathways;
  std::string preset = "paper";
  std::string cell_type = "cell_type", tissue = "tissue", tissue_general = "tissue_general", disease = "disease",
              sex = "sex", development_stage = "development_stage";

  static void describe(auto& s) {
    using T = DescriptionSettings;
    s.field("column", &T::column,
            {.help = "obs column that holds finished descriptions; unset: 'description' where the file has it, else "
                     "the template"});
    s.field("ontology", &T::ontology,
            {.help = "OBO file of the Cell Ontology, whose definitions follow the cell type; unset: names only"});
    s.field(
        "pathways", &T::pathways,
        {.help = "table of pathways: lines of a name, a tab and a description. The template then tells those of the "
                 "obs columns pathway_1 and pathway_2; unset: it tells none"});
    s.field("preset", &T::preset,
            {.help = "template: paper, or authors (as their code writes it)", .choices = {"paper", "authors"}});
    s.field("cell_type", &T::cell_type, {.help = "obs column of the cell type"});
    s.field("tissue", &T::tissue, {.help = "obs column of the tissue"});
    s.field("tissue_general", &T::tissue_general,
            {.help = "obs column of the organ, used where the tissue is unknown"});
    s.field("disease", &T::disease, {.help = "obs column of the disease; 'normal' is healthy"});
    s.field("sex", &T::sex, {.help = "obs column of the sex"});
    s.field("development_stage", &T::development_stage, {.help = "obs column of the age or stage"});
  }
};

/// Labels and descriptions by row of a source. Holds a code per cell and column, and no text per cell
/// unless the file itself has one.
class DescriptionSource {
 public:
  /// Labels that are scored and read back.
  static constexpr const char* label_names[] = {"cell_type", "tissue", "disease"};

  DescriptionSource(const SourceHandle& source, const DescriptionSettings& settings) : settings_(settings) {
    const std::pair<const char*, std::string> roles[] = {{"cell_type", settings.cell_type},
                                                         {"tissue", settings.tissue},
                                                         {"tissue_general", settings.tissue_general},
                                                         {"disease", settings.disease},
                                                         {"sex", settings.sex},
                                                         {"development_stage", settings.development_stage}};
    std::vector<std::string> present;
    for (const ColumnInfo& column : source.columns()) present.push_back(column.name);
    auto has = [&](const std::string& name) { return std::ranges::find(present, name) != present.end(); };
    for (const auto& [role, column] : roles) {
      if (has(column)) labels_.emplace(role, source.labels(column));
      if (has(column + "_ontology_term_id")) ids_.emplace(role, source.labels(column + "_ontology_term_id"));
    }
    if (settings.column && !has(*settings.column))
      throw InputError("descriptions.column: the file has no obs column '" + *settings.column + "'" +
                       suggestion(*settings.column, present));
    if (settings.column || has("description")) {
      texts_ = source.labels(settings.column.value_or("description"));
    } else if (!labels_.contains("cell_type")) {
      throw InputError("the file has no obs column '" + settings.cell_type +
                       "', and no description column; a description needs a cell "
                       "type. Name the column with descriptions.cell_type" +
                       suggestion(settings.cell_type, present));
    }
    for (const char* column : {"pathway_1", "pathway_2"})
      if (has(column)) pathways_.push_back(source.labels(column));
    if (settings.pathways) tell_pathways(*settings.pathways);
    if (settings.ontology) {
      ontology_ = std::make_unique<Ontology>(Ontology::read(*settings.ontology));
      define_cell_types();
    }
  }

  /// The description of a row, or nothing where its cell type is unknown, or its own description empty.
  std::optional<std::string> text(std::int64_t row) const {
    if (texts_) {
      const std::optional<std::string> text = texts_->at(row);
      return known_value(text) ? text : std::nullopt;
    }
    CellFacts facts;
    facts.cell_type = label("cell_type", row);
    facts.tissue = label("tissue", row);
    facts.tissue_general = label("tissue_general", row);
    facts.disease = label("disease", row);
    facts.sex = label("sex", row);
    facts.development_stage = label("development_stage", row);
    if (settings_.pathways) facts.pathway_descriptions = pathways(row);
    if (ontology_ && facts.cell_type)
      facts.cell_type_definition = cell_definition(*ontology_, *facts.cell_type, ontology_id("cell_type", row));
    return cell2text::describe(facts, style());
  }

  /// The template filled with facts that are no row's, say predicted ones, as it is for rows: in this style, and with
  /// the definition that the file's cells of this type get.
  std::optional<std::string> text_of(CellFacts facts) const {
    if (ontology_ && facts.cell_type) {
      const auto found = definitions_.find(known_value(facts.cell_type).value_or(""));
      facts.cell_type_definition =
          found == definitions_.end() ? cell_definition(*ontology_, *facts.cell_type, std::nullopt) : found->second;
    }
    return cell2text::describe(facts, style());
  }

  /// "cell_type", "tissue", "tissue_general", "disease", "sex" or "development_stage" of a row, as in the file.
  std::optional<std::string> label(const std::string& role, std::int64_t row) const {
    const auto column = labels_.find(role);
    return column == labels_.end() ? std::nullopt : column->second.at(row);
  }
  /// What the template tells of a row's label: of an unknown tissue the organ, of a stage its age bucket.
  std::optional<std::string> told(const std::string& role, std::int64_t row) const {
    std::optional<std::string> value = known_value(label(role, row));
    if (role == "tissue" && !value) return known_value(label("tissue_general", row));
    if (role != "development_stage" || !value) return value;
    const auto bucket = age_bucket(*value);
    return bucket ? std::optional<std::string>(*bucket) : std::nullopt;
  }
  std::optional<std::string> ontology_id(const std::string& role, std::int64_t row) const {
    const auto column = ids_.find(role);
    return column == ids_.end() ? std::nullopt : column->second.at(row);
  }

  /// The pathways of a row, the strongest first: described where the settings name a table, else as the file has them.
  std::vector<std::string> pathways(std::int64_t row) const {
    std::vector<std::string> all;
    for (const LabelColumn& column : pathways_)
      if (const auto pathway = known_value(column.at(row))) all.push_back(*pathway);
    return all;
  }
  /// Whether the settings name a table of the pathways' descriptions.
  bool tells_pathways() const { return settings_.pathways.has_value(); }

  const Ontology* ontology() const { return ontology_.get(); }
  DescriptionStyle style() const {
    return {settings_.preset == "authors" ? DescriptionStyle::Preset::authors : DescriptionStyle::Preset::paper};
  }

 private:
  // Puts descriptions in the place of the columns' names.
  void tell_pathways(const std::string& table) {
    if (pathways_.empty())
      throw InputError("descriptions.pathways: the file has neither an obs column 'pathway_1' nor 'pathway_2' to tell");
    std::map<std::string, std::string> descriptions;
    for (PathwayLine& line : read_pathway_table(table)) {
      descriptions.emplace(line.description, line.description);
      descriptions.insert_or_assign(line.name, std::move(line.description));
    }
    for (LabelColumn& column : pathways_) {
      std::vector<bool> used(column.values.size());  // a file may list values that no cell has
      for (const std::int32_t code : column.codes)
        if (code >= 0) used[code] = true;
      for (std::size_t code = 0; code < column.values.size(); ++code) {
        std::string& value = column.values[code];
        if (!used[code] || !known_value(value)) continue;
        const auto found = descriptions.find(value);
        if (found == descriptions.end())
          throw InputError("descriptions.pathways: obs column '" + column.name + "' holds '" + value +
                           "', which is neither a name nor a description in " + table);
        value = found->second;
      }
    }
  }

  // Of each cell type, the definition of its first cell that has one.
  void define_cell_types() {
    const auto types = labels_.find("cell_type"), ids = ids_.find("cell_type");
    if (types == labels_.end()) return;
    std::set<std::pair<std::int32_t, std::int32_t>> seen;
    for (std::size_t row = 0; row < types->second.codes.size(); ++row) {
      const std::int32_t type = types->second.codes[row], id = ids == ids_.end() ? -1 : ids->second.codes[row];
      if (type < 0 || !seen.emplace(type, id).second) continue;
      const std::string& name = types->second.values[type];
      if (const auto text = cell_definition(*ontology_, name, id < 0 ? std::nullopt : std::optional(ids->second.values[id])))
        definitions_.emplace(known_value(name).value_or(""), *text);
    }
  }

  DescriptionSettings settings_;
  std::map<std::string, LabelColumn> labels_, ids_;
  std::map<std::string, std::string> definitions_;  // by cell type
  std::vector<LabelColumn> pathways_;
  std::optional<LabelColumn> texts_;
  std::unique_ptr<Ontology> ontology_;
};

}  // namespace cell2text
