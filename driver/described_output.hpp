// What `describe` writes: the cells as an .h5ad with more columns, or a table as CSV or JSON lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/plugin/handles.hpp"
#include "cell2text/text/label_reader.hpp"

namespace cell2text::driver {

/// A described cell with the labels that its text names; a label that is not readable is missing, never guessed.
struct LabelledCell {
  DescribedCell cell;
  std::map<std::string, std::string> labels, ontology_ids;
};

/// The obs columns that `describe` adds.
inline std::vector<std::string> described_columns() {
  std::vector<std::string> names{"cell2text_description", "cell2text_status", "cell2text_n_genes_used",
                                 "cell2text_log_probability"};
  for (const char* label : DescriptionSource::label_names) {
    names.push_back(std::string("cell2text_") + label);
    names.push_back(std::string("cell2text_") + label + "_ontology_term_id");
  }
  return names;
}

/// Writes OUT by its ending (.h5ad, .csv, .jsonl), under a temporary name first. `about` goes into uns["cell2text"].
/// `source` is `input`, opened.
void write_described(const SourceHandle& source, const std::filesystem::path& input,
                     const std::filesystem::path& output, const std::vector<LabelledCell>& cells, const Value& about,
                     bool overwrite);

/// InputError where `output` has no ending that can be written.
void check_output_name(const std::filesystem::path& output);

/// InputError where columns are taken or the folder is missing, and EnvironmentError where it may not be written to:
/// before any work is done.
void check_output(const SourceHandle& source, const std::filesystem::path& input, const std::filesystem::path& output,
                  bool overwrite);

}  // namespace cell2text::driver
