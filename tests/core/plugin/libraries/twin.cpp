// Another metric whose types and functions have the same names as those of letters.cpp, and other contents.
#include "cell2text/plugin.hpp"

namespace plug {

inline int& built() {
  static int count = 1000;
  return count;
}

struct Settings {
  std::int64_t base = 7;
  static void describe(auto& s) { s.field("base", &Settings::base, {.help = "what is returned", .min = 0}); }
};

class Metric {
 public:
  using Settings = plug::Settings;
  Metric(const Settings& settings, const cell2text::Context&) : settings_(settings) { ++built(); }
  cell2text::Scores score(std::span<const cell2text::Prediction>, const cell2text::KnownLabels&) const {
    return {{{.name = "base", .value = settings_.base}, {.name = "built", .value = built()}}, {}};
  }

 private:
  Settings settings_;
};

}  // namespace plug

CELL2TEXT_PLUGIN(metric, "twin", plug::Metric, "Its base.")
