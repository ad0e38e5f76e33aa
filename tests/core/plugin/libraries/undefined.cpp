// Calls a function that nobody defines: its stamp fits, and loading it fails.
#include "cell2text/plugin.hpp"

extern "C" void cell2text_test_nobody_defines_this();

namespace {

struct Metric {
  struct Settings {
    static void describe(auto&) {}
  };
  Metric(const Settings&, const cell2text::Context&) {}
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) const {
    cell2text_test_nobody_defines_this();
    return {};
  }
};

}  // namespace

CELL2TEXT_PLUGIN(metric, "undefined", Metric, "Cannot be loaded.")
