// What the user of `describe` knows of the cells: labels that are given, and lists that restrict them.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/generate/constraint_of_rows.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/ontology/label_list.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::driver {

struct GivenLabelsArguments {
  std::vector<std::string> given, allow, ontologies;
  bool ontology_only = false;
};

/// --given, --allow, --ontology, --ontology-only.
void add_given_labels_options(CLI::App& command, GivenLabelsArguments& arguments);

class UserLabels {
 public:
  /// Reads columns, of the rows that will be described, and lists. InputError for what the file does not have or the
  /// model does not know.
  UserLabels(const GivenLabelsArguments& arguments, const SourceHandle& source, const std::vector<std::int64_t>& rows,
             const ModelCard& card);

  /// What restricts the texts; empty where nothing does. InputError where the model's texts cannot be restricted.
  /// `model` must outlive it.
  ConstraintOfRows constraint(const Model& model, const GenerationSettings& settings) const;
  /// What is given of each row; empty where nothing is.
  GivenOfRow given() const;
  /// Makes the model sure of what was given of a described cell; returns the names of these labels ("sex, tissue").
  std::string mark(DescribedCell& cell) const;
  /// Adds what was asked for to what is told of the output.
  void note(Value& about) const;

 private:
  /// A label of each cell.
  struct Given {
    std::vector<std::string> values;   // as the model knows them
    std::vector<std::int32_t> of_row;  // numbers in `values`, where the row is described; empty: all have the first
    const std::string& at(std::int64_t row) const { return values[of_row.empty() ? 0 : of_row[row]]; }
  };

  void give(const std::string& role, const std::string& text, const SourceHandle& source);
  Given column(const std::string& role, const std::string& name, const SourceHandle& source) const;
  /// The name that the model has for a given label. InputError where it has none.
  std::string known_name(const std::string& role, const std::string& text) const;
  void allow(const std::string& role, const std::string& file, const std::vector<Ontology>& ontologies);
  void allow_terms_only();
  void tell_of_prompt(const ModelCard& card) const;
  GivenLabels of(std::int64_t row) const;

  GivenLabelsArguments arguments_;
  std::vector<std::int64_t> rows_;
  std::map<std::string, std::vector<KnownLabel>> known_;
  std::map<std::string, Given> given_;
  LabelLimits limits_;
};

}  // namespace cell2text::driver
