// What `describe` writes: the cells as an .h5ad with more columns, or a table as CSV or JSON lines.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/plugin/handles.hpp"
#include "cell2text/text/label_reader.hpp"

namespace cell2text::driver {

/// The labels that are read from a text, by role.
inline constexpr std::array<const char*, 5> described_labels = {"cell_type", "tissue", "disease", "sex",
                                                                "development_stage"};

/// A described cell with the labels that its text names; a label that is not readable is missing, never guessed.
struct LabelledCell {
  DescribedCell cell;
  std::map<std::string, std::string> labels, ontology_ids;
  std::map<std::string, std::string> raw;  ///< labels as read, where `labels` says "unassigned" of unsure ones
  std::string given;                       ///< roles of the labels that the user knew, as text
};

/// Which columns there are.
struct DescribedColumns {
  bool confidence = true;
  bool best = false;   ///< the most probable labels
  bool raw = false;    ///< labels before unsure ones were taken away
  bool given = false;  ///< which labels the user knew
};

/// A column of the output. In JSON lines its name is without "cell2text_".
struct DescribedColumn {
  enum class Type { text, category, integer, real };
  std::string name;
  Type type;
  std::function<std::string(const LabelledCell&)> text;  ///< of text and category; empty: missing
  std::function<double(const LabelledCell&)> number;     ///< of integer and real; NaN: missing
};
/// `card` must outlive them.
std::vector<DescribedColumn> described_columns(const DescribedColumns& which, const ModelCard& card);

/// What is written, and where.
struct DescribedOutput {
  const SourceHandle& source;
  std::filesystem::path input;  ///< which `source` is, opened
  std::filesystem::path output;
  std::vector<DescribedColumn> columns;
  bool overwrite = false;
};

/// InputError where `output` has no ending that can be written.
void check_output_name(const std::filesystem::path& output);

/// InputError where columns are taken or the folder is missing, and EnvironmentError where it may not be written to:
/// before any work is done.
void check_output(const DescribedOutput& output);

/// Writes by the ending (.h5ad, .csv, .jsonl), under a temporary name first. `about` goes into uns["cell2text"].
void write_described(const DescribedOutput& output, const std::vector<LabelledCell>& cells, const Value& about);

}  // namespace cell2text::driver
