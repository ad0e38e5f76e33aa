// Throws where CELL2TEXT_TEST_THROW says: "loading", in a static initialiser, or "building", in its constructor.
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "cell2text/plugin.hpp"

namespace {

bool throws_at(std::string_view moment) {
  const char* chosen = std::getenv("CELL2TEXT_TEST_THROW");
  return chosen && chosen == moment;
}

const bool loaded = [] {
  if (throws_at("loading")) throw std::runtime_error("no licence was found");
  return true;
}();

struct Metric {
  struct Settings {
    static void describe(auto&) {}
  };
  Metric(const Settings&, const cell2text::Context&) {
    if (throws_at("building")) throw std::runtime_error("no licence server answers");
  }
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) const {
    return {{{.name = "loaded", .value = loaded}}, {}};
  }
};

}  // namespace

CELL2TEXT_PLUGIN(metric, "thrower", Metric, "Throws when it is told to.")
