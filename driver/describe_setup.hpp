// What `describe` knows before it loads the model's weights: all that can be wrong with its arguments, the cells and
// the output is found here, and said before any work is done.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/model_calibration.hpp"
#include "describe_choice.hpp"
#include "describe_tables.hpp"
#include "described_output.hpp"
#include "given_labels.hpp"
#include "host.hpp"
#include "open_cells.hpp"
#include "sure_cell_type.hpp"

namespace cell2text::driver {

struct DescribeArguments {
  CellsArguments cells;
  ChoiceArguments choice;
  GivenLabelsArguments labels;
  nlohmann::json options;  // as options_of has them
  std::string model, out, report, encoder, base, device = "auto";
  std::int64_t threads = 0;
  std::optional<std::int64_t> beams, batch_size;
  std::optional<std::string> profile;
  std::optional<double> min_confidence;
  std::int64_t best = 0, explain = 0;
  std::vector<std::string> set;
  bool overwrite = false, force = false, no_confidence = false;
};

/// Its members are built in their order; what each refuses is an InputError.
struct DescribeSetup {
  DescribeSetup(const DescribeArguments& arguments, const Host& host);
  DescribeSetup(const DescribeSetup&) = delete;  // members refer to each other

  ModelCard card;
  SourceHandle source;
  CellChoice choice;
  UserLabels user_labels;
  std::optional<SureCellType> sure;  ///< where an ontology is given for the roll-up
  std::vector<DescribedColumn> columns;
  DescribedTables tables;
  std::map<std::string, double> temperatures;
};

}  // namespace cell2text::driver
