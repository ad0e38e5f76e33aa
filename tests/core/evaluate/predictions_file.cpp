// predictions.jsonl there and back, its errors, and the form of metrics.json.
#include "cell2text/evaluate/predictions_file.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/oracle.hpp"

using cell2text::InputError;
using cell2text::Prediction;
using cell2text::read_predictions;
using cell2text::Scores;
using cell2text::test::TemporaryFolder;
using cell2text::test::write_file;

namespace {

std::string refusal(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl", text);
  try {
    read_predictions(folder / "p.jsonl");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("predictions: what is written is read again") {
  std::vector<Prediction> written{{"AAAC-1",
                                   "a \"quoted\"\nβ cell",
                                   "",
                                   -12.34567890123456,
                                   {{"cell_type", "CD8-positive, alpha-beta T cell"}, {"disease", "normal"}}},
                                  {"",
                                   "",
                                   "x",
                                   -std::numeric_limits<double>::infinity(),
                                   {{"tissue", "blood"}, {"sex", "male"}, {"organ", "is not kept"}},
                                   std::vector<std::string>{"HALLMARK_HYPOXIA", "β"},
                                   "donor 1",
                                   {{"cell_type", 0.1}, {"development_stage", 1}, {"organ", 0.5}}}};
  const TemporaryFolder folder;
  {
    cell2text::JsonLinesWriter out(folder / "p.jsonl");
    for (const Prediction& one : written) out.write(cell2text::prediction_json(one));
    out.flush();
  }
  const auto read = read_predictions(folder / "p.jsonl");
  REQUIRE(read.size() == 2);
  CHECK(read[0].cell == written[0].cell);
  CHECK(read[0].reference == written[0].reference);
  CHECK(read[0].prediction.empty());
  CHECK(read[0].log_probability == written[0].log_probability);
  CHECK(read[0].labels == written[0].labels);
  CHECK(std::isnan(read[1].log_probability));
  CHECK(read[1].labels == std::map<std::string, std::string>{{"tissue", "blood"}, {"sex", "male"}});
  CHECK_FALSE(read[0].pathways.has_value());
  CHECK(read[1].pathways == written[1].pathways);
  CHECK(read[0].donor.empty());
  CHECK(read[1].donor == "donor 1");
  CHECK(read[0].confidences.empty());
  CHECK((read[1].confidences == std::map<std::string, double>{{"cell_type", 0.1}, {"development_stage", 1}}));
}

TEST_CASE("predictions: the line has the documented keys in the documented order") {
  const Prediction one{"c", "r", "p", -1.5, {{"tissue", "blood"}, {"cell_type", "T cell"}}};
  CHECK(
      cell2text::prediction_json(one).dump() ==
      R"({"cell":"c","reference":"r","prediction":"p","log_probability":-1.5,"cell_type":"T cell","tissue":"blood"})");
  const Prediction more{
      "c", "r", "p", 0, {{"development_stage", "infant stage"}, {"sex", "male"}}, std::vector<std::string>(), "d"};
  CHECK(cell2text::prediction_json(more).dump() ==
        R"({"cell":"c","reference":"r","prediction":"p","log_probability":0.0,"sex":"male",)"
        R"("development_stage":"infant stage","pathways":[],"donor":"d"})");
  const Prediction sure{"c", "r", "p", 0, {{"tissue", "blood"}}, {}, {}, {{"tissue", 0.5}, {"cell_type", 1}}};
  CHECK(cell2text::prediction_json(sure).dump() ==
        R"({"cell":"c","reference":"r","prediction":"p","log_probability":0.0,"tissue":"blood",)"
        R"("cell_type_confidence":1.0,"tissue_confidence":0.5})");
}

TEST_CASE("predictions: a text cut inside a character is written as valid UTF-8") {
  const Prediction one{"c", "r", "beta \xce", 0, {}};
  CHECK(cell2text::prediction_json(one)["prediction"] == "beta \ufffd");
}

TEST_CASE("predictions: other keys are skipped, and null or empty labels are unknown") {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl",
             "\n{\"cell\":\"c\",\"reference\":\"r\",\"prediction\":\"p\",\"model\":[1],\"tissue\":null,\"disease\":"
             "\"\"}\r\n\n");
  const auto read = read_predictions(folder / "p.jsonl");
  REQUIRE(read.size() == 1);
  CHECK(std::isnan(read[0].log_probability));
  CHECK(read[0].labels.empty());
}

TEST_CASE("predictions: a fault names file, line and key") {
  const std::string good = R"({"cell":"c","reference":"r","prediction":"p","log_probability":-1})"
                           "\n";
  CHECK(holds(refusal(good + R"({"cell":"c","reference":"r"})"), "p.jsonl:2: 'prediction' is missing"));
  CHECK(holds(refusal(good + "\n" + R"({"cell":3,"reference":"r","prediction":"p"})"),
              "p.jsonl:3: 'cell' is a whole number"));
  CHECK(holds(refusal(R"({"cell":"c","reference":"r","prediction":"p","log_probability":"x"})"), "'log_probability'"));
  CHECK(holds(refusal(R"({"cell":"c","reference":"r","prediction":"p","tissue":1})"), "'tissue'"));
  CHECK(holds(refusal(R"({"cell":"c","reference":"r","prediction":"p","pathways":"x"})"), "'pathways'"));
  for (const char* wrong : {"1.01", "-0.5"})
    CHECK(holds(refusal(good + R"({"reference":"r","prediction":"p","sex_confidence":)" + wrong + "}"),
                std::string("p.jsonl:2: 'sex_confidence' is ") + wrong + "; a probability from 0 to 1"));
  CHECK(holds(refusal(R"({"reference":"r","prediction":"p","sex_confidence":"x"})"), "'sex_confidence' is a text"));
  CHECK(holds(refusal(R"({"cell":"c","reference":"r","prediction":"p","donor":7})"), "'donor'"));
  CHECK(holds(refusal("[1]"), "p.jsonl:1: an object"));
  CHECK(holds(refusal(good + "{\"cell\": \n"), "p.jsonl:2:"));
  CHECK(holds(refusal("\n \n"), "holds no predictions"));
  CHECK_THROWS_AS(read_predictions("/nonexistent/p.jsonl"), InputError);
}

TEST_CASE("predictions: malformed lines can be collected instead of refused, but not all of them") {
  const std::string good = "{\"reference\":\"r\",\"prediction\":\"p\"}\n", bad = "{oops\n[1]\n";
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl", bad + good + "{\"reference\":\"r\"}\n" + good + "{\"reference\"");
  std::vector<std::string> malformed;
  CHECK(read_predictions(folder / "p.jsonl", &malformed).size() == 2);
  REQUIRE(malformed.size() == 4);
  CHECK(holds(malformed[0], "p.jsonl:1:"));
  CHECK(holds(malformed[1], "p.jsonl:2: an object"));
  CHECK(holds(malformed[2], "p.jsonl:4: 'prediction' is missing"));
  CHECK(holds(malformed[3], "p.jsonl:6:"));
  write_file(folder / "p.jsonl", bad);
  malformed.clear();
  CHECK_THROWS_WITH_AS(read_predictions(folder / "p.jsonl", &malformed), doctest::Contains("all 2 lines are malformed"),
                       InputError);
}

TEST_CASE("scores: metrics.json has value, low and high, null where nothing can be said") {
  Scores overlap, labels;
  overlap.scores.push_back({.name = "bleu_2", .value = 0.5, .low = 0.25, .high = 0.75});
  labels.scores.push_back({.name = "tissue.accuracy", .note = "one value, says nothing"});
  labels.scores.push_back({.name = "odd", .value = std::nan("")});
  CHECK(cell2text::metrics_json({{"overlap", overlap}, {"labels", labels}}).dump() ==
        R"({"labels":{"tissue.accuracy":{"value":null,"low":null,"high":null,"note":"one value, says nothing"},)"
        R"("odd":{"value":null,"low":null,"high":null}},"overlap":{"bleu_2":{"value":0.5,"low":0.25,"high":0.75}}})");
  labels.scores = {{.name = "merged", .value = 2, .higher_is_better = false, .unit = "names", .compares = false}};
  CHECK(cell2text::metrics_json({{"labels", labels}}).dump() ==
        R"({"labels":{"merged":{"value":2.0,"low":null,"high":null,"unit":"names","higher_is_better":false,)"
        R"("compares":false}}})");
  CHECK(cell2text::metrics_json({}).dump() == "{}");
  CHECK(cell2text::scores_json({}).dump() == "{}");
}

TEST_CASE("scores: metrics.json reads back as it was, and what is no such file is refused by its place") {
  Scores overlap, labels;
  overlap.scores.push_back({.name = "bleu_2", .value = 0.5, .low = 0.25, .high = 0.75});
  overlap.scores.push_back({.name = "exact", .note = "no texts"});
  labels.scores = {{.name = "merged", .value = 2, .higher_is_better = false, .unit = "names", .compares = false}};
  const auto written = cell2text::metrics_json({{"overlap", overlap}, {"labels", labels}});
  const auto read = [](const std::string& text) {
    return cell2text::metrics_from_json(nlohmann::json::parse(text), "m.json");
  };
  CHECK(cell2text::metrics_json(read(written.dump())) == written);
  CHECK(read("{}").empty());
  const auto refused = [&](const std::string& text) {
    try {
      read(text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  CHECK(holds(refused("[1]"), "m.json: the whole is a list"));
  CHECK(holds(refused(R"({"labels": 3})"), "m.json: 'labels' is a whole number"));
  CHECK(holds(refused(R"({"labels": {"a": 3}})"), "m.json: labels.a"));
  CHECK(holds(refused(R"({"labels": {"a": {"value": "high"}}})"), "m.json: labels.a: 'value' is a text"));
}
