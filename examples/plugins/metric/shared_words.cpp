// A metric from outside the repository: how many of the true description's words the predicted one has.
#include <cell2text/plugin.hpp>
#include <set>
#include <sstream>
namespace shared_words_plugin {
using cell2text::Prediction;

class Metric {
 public:
  struct Settings {
    std::int64_t shortest = 1;
    static void describe(auto& s) {
      s.field("shortest", &Settings::shortest, {.help = "words of fewer letters do not count", .min = 1});
    }
  };

  Metric(const Settings& settings, const cell2text::Context&) : settings_(settings) {}

  /// One value per cell and their mean: intervals and comparisons are the core's.
  cell2text::Scores score(std::span<const Prediction> predictions, const cell2text::KnownLabels&) const {
    cell2text::Score share{.name = "share"};
    double sum = 0;
    for (const Prediction& one : predictions) {
      share.per_cell.push_back(shared(words(one.reference), words(one.prediction)));
      sum += share.per_cell.back();
    }
    if (predictions.empty())
      share.note = "no predictions";
    else
      share.value = sum / static_cast<double>(predictions.size());
    return {{share}, {}};
  }

 private:
  using Words = std::set<std::string>;
  Words words(const std::string& text) const {
    Words all;
    std::istringstream stream(text);
    for (std::string word; stream >> word;)
      if (std::ssize(word) >= settings_.shortest) all.insert(word);
    return all;
  }
  static float shared(const Words& truth, const Words& found) {
    if (truth.empty()) return 1;
    std::size_t both = 0;
    for (const std::string& word : truth) both += found.count(word);
    return static_cast<float>(both) / static_cast<float>(truth.size());
  }
  Settings settings_;
};
}  // namespace shared_words_plugin

CELL2TEXT_PLUGIN(metric, "shared_words", shared_words_plugin::Metric, "Share of the reference's words in the text.")
