// BERTScore against the package bert-score, on models and texts made anew and on a published model.
#include "support/oracle.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "metrics/bertscore/bertscore.hpp"

TEST_CASE("oracle: precision, recall and F1 equal bert-score's") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = cell2text::test::oracle("bertscore.py", seed);
  const auto cases = nlohmann::json::parse(cell2text::test::read_file(folder / "cases.json"));
  CHECK(cases.size() == 14);
  for (const auto& one : cases) {
    cell2text::bertscore::Settings settings;
    settings.model = one["model"];
    settings.layer.value = one["layer"].get<std::int64_t>();
    settings.idf = one["idf"];
    settings.max_tokens.value = one["max_tokens"].get<std::int64_t>();
    std::vector<cell2text::Prediction> predictions;
    for (std::size_t i = 0; i < one["references"].size(); ++i)
      predictions.push_back(
          {.cell = "", .reference = one["references"][i], .prediction = one["predictions"][i], .labels = {}});
    const auto scores = cell2text::bertscore::BertScore(settings, cell2text::Context{}).score(predictions).scores;
    double furthest = 0, lowest = 1;
    for (std::size_t i = 0; i < predictions.size(); ++i)
      for (std::size_t s = 0; s < 3; ++s) {
        const float ours = scores[s].per_cell[i];
        const auto& theirs = one["scores"][i][s];
        const double apart = theirs.is_null() != std::isnan(ours) ? 9
                             : theirs.is_null()                   ? 0
                                                                  : std::abs(ours - theirs.get<double>());
        furthest = std::max(furthest, apart);
        if (ours > 0) lowest = std::min<double>(lowest, ours);
        if (apart > 1e-4)
          FAIL_CHECK(settings.model << ", layer " << one["layer"] << ", idf " << one["idf"] << ", " << scores[s].name
                                    << ": ours " << ours << ", bert-score's " << theirs
                                    << "\nreference: " << predictions[i].reference.substr(0, 300)
                                    << "\nprediction: " << predictions[i].prediction.substr(0, 300));
      }
    if (predictions.size() > 1) CHECK(lowest < 0.99);  // the texts are not all alike to it
    MESSAGE(settings.model << ": " << predictions.size() << " pairs, at most " << furthest
                           << " apart, the lowest value " << lowest);
  }
}
