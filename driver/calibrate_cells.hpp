// The cells of known labels that `calibrate` fits temperatures on, and those that it checks them on: of a model's own
// run, or of a file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cell2text/experiment_run.hpp"
#include "open_cells.hpp"

namespace cell2text::driver {

/// Cells whose truth is known: some to fit on, others to check on.
struct CellsToJudge {
  std::unique_ptr<SourceHandle> source;
  std::unique_ptr<DescriptionSource> descriptions;
  std::vector<std::int64_t> fit, check;
  std::string path, about;
};

/// The experiment of the run that a model folder stands in. InputError where it stands in none.
Experiment experiment_of(const std::string& model, const Registry& registry);

/// Fitted on the run's validation cells and checked on its test cells. InputError where a part has none, or the cells
/// are no longer those of the run.
CellsToJudge cells_of_run(const Host& host, const std::string& model, const Experiment& experiment);

/// Half of the file's donors to fit on and half to check on; of one donor half of the cells of each type. `set` says
/// where labels stand (descriptions.cell_type=COLUMN). InputError where one half has no cell of a known type.
CellsToJudge cells_of_file(const Host& host, const CellsArguments& arguments, const std::vector<std::string>& set);

}  // namespace cell2text::driver
