// A metric whose `score` is not const.
#include "cell2text/plugin.hpp"

#ifdef CELL2TEXT_COMPLETE
#define CONST const
#else
#define CONST
#endif

namespace {

struct LateMetric {
  struct Settings {
    static void describe(auto&) {}
  };
  LateMetric(const Settings&, const cell2text::Context&) {}
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) CONST { return {}; }
};

}  // namespace

CELL2TEXT_PLUGIN(metric, "late", LateMetric, "Its score is not const.")
