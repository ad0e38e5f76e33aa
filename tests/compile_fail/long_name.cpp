// A name that does not fit into the stamp.
#include "cell2text/plugin.hpp"

#ifdef CELL2TEXT_COMPLETE
#define NAME "short"
#else
#define NAME "a name of more than sixty-three characters, which is more than its field has"
#endif

namespace {

struct Metric {
  struct Settings {
    static void describe(auto&) {}
  };
  Metric(const Settings&, const cell2text::Context&) {}
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) const { return {}; }
};

}  // namespace

CELL2TEXT_PLUGIN(metric, NAME, Metric, "Its name is too long.")
