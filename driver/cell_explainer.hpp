// Explains cells of a file, as `explain` and `describe --explain` do: finds a cell's labels in its text, and what moved
// each.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cell2text/explain/explain_cell.hpp"
#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/text/label_reader.hpp"
#include "explained_output.hpp"

namespace cell2text::driver {

/// A cell with its text, and where that has which labels.
struct CellToExplain {
  CellBatch cell;
  std::vector<std::int64_t> tokens;
  std::vector<WrittenLabel> labels;  ///< those that will be explained
  std::string text;                  ///< of `tokens`
  bool text_given = false;           ///< by the caller; else the model wrote it
  GivenLabels given;                 ///< what is known of the cell
};

struct ExplainWishes {
  ExplainOptions options = {};
  std::int64_t top = 10;     ///< genes of each label that are shown
  std::int64_t compare = 8;  ///< other cells of the source that are put in its place, drawn by `seed`
  std::int64_t seed = 0;
};

class CellExplainer {
 public:
  /// All of them must outlive it. `file` is what `source` is of, for messages. Of `wanted` what the prompts tell, and
  /// what restricts the texts that the model writes.
  CellExplainer(const Model& model, const ModelCard& card, const SourceHandle& source, std::string file,
                DescribeExtras wanted);

  /// For before long work: InputError where this model's cells cannot be explained. Tried on the first of `rows` with
  /// genes that the encoder knows.
  void try_on(std::span<const std::int64_t> rows) const;

  /// Of a row of the source; `text` empty: what the model writes of it. InputError where the model cannot know anything
  /// of it. There may be no label in the text.
  CellToExplain read(std::int64_t row, const std::string& text) const;

  /// Errors as explain_cell.
  ExplainedCell explain(const CellToExplain& cell, const ExplainWishes& wishes) const;

 private:
  using Labels = std::map<std::string, std::vector<std::string>>;
  CellExplainer(const Model& model, const ModelCard& card, const SourceHandle& source, std::string file,
                DescribeExtras wanted, const Labels& known);
  /// One cell, which may be one that the model cannot know anything of.
  CellBatch cell_at(std::int64_t row) const;

  const Model& model_;
  const ModelCard& card_;
  const SourceHandle& source_;
  std::string file_;
  DescribeExtras wanted_;
  KnownLabelReader reader_;
  LabelQuestions questions_;
};

}  // namespace cell2text::driver
