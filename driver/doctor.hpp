// The checks of cells as the commands use them: before the work, and by `cell2text doctor`.
#pragma once

#include <string>

#include "cell2text/doctor.hpp"
#include "cell2text/experiment_run.hpp"

namespace cell2text::driver {

/// "NOT READY: 1 error, 2 warnings", then each finding with what was expected and what to do, the worst first.
std::string findings_text(const std::string& title, const Findings& findings);

/// {"file", "cells", "genes", "verdict", "findings": [{"check", "severity", "found", "expected", "fix"}]}
std::string findings_json(const std::string& file, const CellReport& report);

/// Logs warnings. InputError with all errors, unless `force` and they can be forced; then they are logged too.
void act_on(const Findings& findings, const std::string& file, bool force);

/// Lets the source of an experiment take values that do not look like counts (`data.any_values`), where it knows how.
void allow_any_values(Value& experiment, const Registry& registry);

/// Before cells are described; returns what was found, if it is no reason to stop. `base_bytes`: resident memory before
/// there was a model.
Findings check_before_describing(const SourceHandle& source, const Model& model, const GenerationSettings& generation,
                                 const std::string& file, double base_bytes, bool force);

/// Before a model is trained.
void check_before_training(const ExperimentData& data, const Experiment& experiment, const Model& model, bool force);

/// The columns that the experiment, or the usual one, makes its texts and its split of. `present`: those of the file.
std::vector<WantedColumn> wanted_columns(const DescriptionSettings& descriptions, const SplitSettings& split,
                                         const std::vector<std::string>& present);

}  // namespace cell2text::driver
