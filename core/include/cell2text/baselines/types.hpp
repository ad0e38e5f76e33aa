// What flows between a baseline and the core: cells as features and labels, and what is answered for them.
// Plain data and one tensor; who makes it is baselines/inputs.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// What of the cells a baseline looks at; the rest is not made for it.
struct BaselineNeeds {
  bool embeddings = false;      ///< the encoder's embedding of each cell
  bool counts = false;          ///< raw counts of all genes
  bool labels = false;          ///< in `fit`: what is true of the cells; at least one label is known then
  bool another_labels = false;  ///< in `predict`: the labels that another baseline has predicted
};

/// N cells as a baseline sees them. What it does not need is undefined or empty.
struct BaselineCells {
  std::int64_t size = 0;  ///< N
  Tensor embeddings_NE;   ///< float32, contiguous, on the CPU, finite
  CellBatch counts;
  /// Each [N], named as in prediction_labels, code -1 where unknown; values as descriptions tell them (a development
  /// stage is its age bucket). In `fit` the truth, without columns of which no cell knows a value; in `predict` another
  /// baseline's answers, else empty.
  std::vector<LabelColumn> labels = {};
  /// The active pathways of a cell, as texts tell them, the strongest first: columns of [N], code -1 where a cell has
  /// no more. Empty where they are not known.
  std::vector<LabelColumn> pathways = {};
};

/// A long fit asks it now and then, between two steps that take no longer than a few seconds: true says to leave off.
/// What was learned until then is thrown away.
using StopQuestion = std::function<bool()>;

/// What a baseline says of N cells. One that gives `texts` or `copied`, or whose labels are to be filled in, describes
/// cells like the model does; one that gives labels alone is scored by what of a text are labels.
struct BaselineAnswers {
  std::vector<LabelColumn> labels = {};    ///< each [N], as in BaselineCells; -1: no answer
  std::vector<LabelColumn> pathways = {};  ///< as in BaselineCells
  std::vector<std::string> texts = {};     ///< [N] descriptions; or empty
  std::vector<std::int64_t> copied = {};   ///< [N] training cells (from 0) whose descriptions are the answer; or empty
  /// Labels and pathways are filled into the template as the run's own descriptions are, with definitions.
  bool fill_template = false;
};

}  // namespace cell2text
