// A baseline with a setting that its table in an experiment would hide.
#include "cell2text/plugin.hpp"

namespace {

class Hiding {
 public:
  struct Settings {
    std::string embedding = "own";
    static void describe(auto& s) { s.field("embedding", &Settings::embedding, {.help = "never reached"}); }
  };

  Hiding(const Settings&, const cell2text::Context&) {}
  cell2text::BaselineNeeds needs() const { return {}; }
  void fit(const cell2text::BaselineCells&, const cell2text::BaselineCells&) {}
  cell2text::BaselineAnswers predict(const cell2text::BaselineCells&) const { return {}; }
  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}
};

}  // namespace

CELL2TEXT_PLUGIN(baseline, "hiding", Hiding, "Has a setting of the name of a key of every baseline.")
