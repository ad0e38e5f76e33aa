// Loading this library writes the file that CELL2TEXT_TEST_FLAG names: shows whether anything of it was run.
#include <cstdlib>
#include <fstream>

#include "cell2text/plugin.hpp"

namespace {

const bool flagged = [] {
  const char* path = std::getenv("CELL2TEXT_TEST_FLAG");
  if (path) std::ofstream(path) << "loaded";
  return path != nullptr;
}();

struct Metric {
  struct Settings {
    static void describe(auto&) {}
  };
  Metric(const Settings&, const cell2text::Context&) {}
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) const {
    return {{{.name = "flagged", .value = flagged}}, {}};
  }
};

}  // namespace

CELL2TEXT_PLUGIN(metric, "initialiser", Metric, "Writes a file when it is loaded.")
