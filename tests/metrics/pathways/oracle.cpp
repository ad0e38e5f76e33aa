// Ratios against Python's difflib, and the metric's scores against scikit-learn, on texts made anew.
#include "support/oracle.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "metrics/pathways/pathways.hpp"

TEST_CASE("oracle: ratios equal difflib's to the last bit, and no bound cuts one off") {
  using cell2text::pathways::characters;
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = cell2text::test::oracle("pathways.py", seed, {"ratios"});
  const auto cases = nlohmann::json::parse(cell2text::test::read_file(folder / "ratios.json"));
  CHECK(cases.size() > 1500);
  for (const auto& one : cases) {
    const std::string a = one["a"], b = one["b"];
    INFO("a: " << a << "\nb: " << b);
    const cell2text::pathways::SimilarText text(characters(b));
    const double theirs = one["ratio"];
    CHECK(text.ratio(characters(a)) == theirs);
    CHECK(text.may_reach(characters(a), theirs));
  }
}

TEST_CASE("oracle: pathway scores equal those of difflib's matches and scikit-learn") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto table = cell2text::test::source_dir() / "data/demo/pathways/hallmark_descriptions.tsv";
  const auto folder = cell2text::test::oracle("pathways.py", seed, {"scores", table.string()});
  const cell2text::pathways::Pathways metric({.descriptions = table.string()}, cell2text::Context{});
  const cell2text::pathways::KnownPathways known(table);
  const auto cases = nlohmann::json::parse(cell2text::test::read_file(folder / "scores.json"));
  CHECK(cases.size() == 12);
  for (const auto& one : cases) {
    std::vector<cell2text::Prediction> cells;
    for (const auto& cell : one["cells"]) {
      cells.push_back({.cell = "c", .reference = cell["reference"], .prediction = cell["prediction"], .labels = {}});
      std::vector<std::string> meant;
      for (const std::string& part : cell2text::pathways::pathway_parts(cells.back().prediction))
        if (const auto pathway = known.meant(part))
          meant.push_back(known.names()[*pathway]);
        else
          meant.push_back("");
      INFO("prediction: " << cells.back().prediction);
      CHECK(meant == cell["meant"].get<std::vector<std::string>>());
    }
    for (const auto& score : metric.score(cells).scores) {
      const double theirs = one["scores"][score.name];
      INFO(score.name << ": ours " << *score.value << ", theirs " << theirs);
      CHECK(std::abs(*score.value - theirs) <= 1e-9);
    }
  }
}
