// A metric that works: counts a letter, fails in every way it is told to, and says when it goes.
// Its types have the same names as those of twin.cpp.
#include <stdexcept>

#include "cell2text/plugin.hpp"

namespace plug {

// Would be one for all libraries of the process if the compiler made it unique.
inline int& built() {
  static int count = 0;
  return count;
}

struct Settings {
  std::string letter = "a";
  std::string fail = "never";
  static void describe(auto& s) {
    s.field("letter", &Settings::letter, {.help = "what is counted", .required = true});
    s.field("fail", &Settings::fail,
            {.help = "how the constructor fails",
             .choices = {"never", "input", "runtime", "environment", "logic", "bug", "number"}});
  }
};

class Metric {
 public:
  using Settings = plug::Settings;
  Metric(const Settings& settings, const cell2text::Context& context) : settings_(settings), log_(context.log) {
    if (settings.fail == "input") throw cell2text::InputError("letters: an input error");
    if (settings.fail == "runtime") throw std::runtime_error("letters: a runtime error");
    if (settings.fail == "environment") throw cell2text::EnvironmentError("letters: an environment error");
    if (settings.fail == "logic") throw std::logic_error("letters: a logic error");
    if (settings.fail == "bug") throw cell2text::BugError("letters: a bug");
    if (settings.fail == "number") throw 3;
    ++built();
    log_.info("letters: built");
  }
  ~Metric() { log_.warning("letters: gone"); }
  Metric(const Metric&) = delete;

  cell2text::Scores score(std::span<const cell2text::Prediction> predictions, const cell2text::KnownLabels&) const {
    cell2text::Score share{.name = "share"};
    double sum = 0;
    for (const auto& one : predictions) {
      if (one.prediction.empty()) throw cell2text::InputError("letters: the text of '" + one.cell + "' is empty");
      const auto found = std::ranges::count(one.prediction, settings_.letter.at(0));
      share.per_cell.push_back(static_cast<float>(found) / static_cast<float>(one.prediction.size()));
      sum += share.per_cell.back();
    }
    share.value = sum / static_cast<double>(predictions.size());
    return {{share, {.name = "built", .value = built(), .unit = "objects"}}, {}};
  }

 private:
  Settings settings_;
  cell2text::Log log_;
};

}  // namespace plug

CELL2TEXT_PLUGIN(metric, "letters", plug::Metric, "Share of a letter.")
