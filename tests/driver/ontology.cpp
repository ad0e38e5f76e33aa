// `cell2text ontology`: similarities of terms, their distribution, all pairs as a file, and terms of a lab's own names.
#include <nlohmann/json.hpp>

#include "cell2text/io/safetensors.hpp"
#include "driver/command.hpp"

using namespace cell2text::test;

namespace {

Outcome similar(const std::string& arguments, const std::string& obo = "data/demo/cl.obo") {
  return command("ontology similarity --obo '" + obo + "' " + arguments);
}

const std::string small_obo =
    "ontology: small\n\n[Term]\nid: S:1\nname: cell\n\n[Term]\nid: S:2\nname: T cell\nis_a: S:1\n\n"
    "[Term]\nid: S:3\nname: B cell, naive\nis_a: S:1\n";

}  // namespace

TEST_CASE("ontology similarity: of two terms by id, name or synonym, and the nearest ones") {
  const Outcome outcome = similar("--from 't CELL' --to CL:0000236 --json");
  REQUIRE(outcome.status == 0);
  const auto pair = nlohmann::json::parse(outcome.out);
  CHECK(pair["from"]["id"] == "CL:0000084");
  CHECK(pair["to"]["name"] == "B cell");
  CHECK(pair["similarity"].get<double>() > 0.1);
  CHECK(pair["similarity"].get<double>() < 0.9);
  const auto other_way = nlohmann::json::parse(similar("--from 'B cell' --to 'T-lymphocyte' --json").out);
  CHECK(other_way["similarity"].get<double>() == doctest::Approx(pair["back"].get<double>()));
  const auto itself = nlohmann::json::parse(similar("--from 'T cell' --to 'T cell' --json").out);
  CHECK(itself["similarity"] == 1);
  CHECK(contains(similar("--from 'T cell' --to 'B cell'").out, "from CL:0000084 (T cell) to CL:0000236 (B cell)"));

  const auto nearest = nlohmann::json::parse(similar("--from 'T cell' --json").out)["nearest"];
  REQUIRE(nearest.size() == 10);
  for (std::size_t i = 1; i < nearest.size(); ++i)
    CHECK(nearest[i - 1]["similarity"].get<double>() >= nearest[i]["similarity"].get<double>());
  CHECK(contains(similar("--from 'T cell'").out, "lymphocyte"));
}

TEST_CASE("ontology similarity: statistics of all pairs, as the paper's Table 6") {
  struct Expected {
    const char* tolerance;
    double mean, median, sd, p95, p99;
  };
  for (const Expected& e : {Expected{"exact", .0468, .0120, .0881, .2172, .4393},
                            Expected{"networkx", .0490, .0158, .0867, .2154, .4382}}) {
    CAPTURE(e.tolerance);
    const auto stats = nlohmann::json::parse(similar(std::string("--stats --json --tolerance ") + e.tolerance).out);
    CHECK(stats["terms"] == 3129);
    CHECK(stats["edges"] == 4350);
    for (const auto& [name, value] :
         {std::pair{"mean", e.mean}, {"median", e.median}, {"sd", e.sd}, {"p95", e.p95}, {"p99", e.p99}}) {
      CAPTURE(name);
      CHECK(std::abs(stats[name].get<double>() - value) < 0.00005001);
    }
    CHECK(stats["histogram"]["pairs"].size() == 50);
    CHECK(stats["cumulative"]["share"].back() == 1);
    CHECK(stats["rank_frequency"]["r2"].get<double>() > 0.5);
  }
  CHECK(contains(similar("--stats").out, "mean             0.0467"));
}

TEST_CASE("ontology similarity: all pairs as safetensors and as CSV") {
  const TemporaryFolder folder;
  const std::string obo = (folder / "small.obo").string();
  write_file(obo, small_obo);
  REQUIRE(similar("-o " + quoted(folder / "m.safetensors") + " --tau 0.01", obo).status == 0);
  const auto file = cell2text::MappedFile::open(folder / "m.safetensors");
  const auto layout = cell2text::SafetensorsLayout::parse(*file);
  REQUIRE(layout.find("similarity"));
  CHECK(layout.find("similarity")->shape == std::vector<std::int64_t>{3, 3});
  CHECK(nlohmann::json::parse(layout.metadata.at("ids")) == nlohmann::json{"S:1", "S:2", "S:3"});
  CHECK(nlohmann::json::parse(layout.metadata.at("names"))[2] == "B cell, naive");
  CHECK(layout.metadata.at("tau") == "0.01");
  CHECK(layout.metadata.at("tolerance") == "exact");
  std::vector<float> values(9);
  std::memcpy(values.data(), file->data().data() + layout.find("similarity")->offset, 36);
  CHECK(values[4] == 1);

  REQUIRE(similar("-o " + quoted(folder / "m.csv") + " --tau 0.01", obo).status == 0);
  const std::string csv = read_file(folder / "m.csv");
  CHECK(csv.starts_with("id,S:1,S:2,S:3\nS:1,1,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
  const auto json = nlohmann::json::parse(similar("--from S:1 --to S:2 --json --tau 0.01", obo).out);
  CHECK(std::abs(json["similarity"].get<double>() - values[1]) < 1e-6);
}

TEST_CASE("ontology similarity: rings and relations that lead nowhere are told, and do no harm") {
  const TemporaryFolder folder;
  const std::string obo = (folder / "odd.obo").string();
  write_file(obo,
             small_obo + "is_a: GO:9\n\n[Term]\nid: S:4\nname: x\nis_a: S:5\n\n[Term]\nid: S:5\nname: y\nis_a: S:4\n");
  const Outcome outcome = similar("--from S:2 --to S:3", obo);
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err, "1 relations lead to terms that the file does not define"));
  CHECK(contains(outcome.err, "S:4 -> S:5 -> S:4"));
  const auto stats = nlohmann::json::parse(similar("--stats --json", obo).out);
  CHECK(stats["terms"] == 5);
  CHECK(stats["edges"] == 3);
  CHECK(stats["missing_parents"] == 1);
}

TEST_CASE("ontology similarity: what cannot be answered is status 2 and says what to do") {
  const TemporaryFolder folder;
  const std::string obo = (folder / "small.obo").string();
  write_file(obo, small_obo + "\n[Term]\nid: S:9\nname: gone\nis_obsolete: true\n");
  write_file(folder / "empty.obo", "");
  write_file(folder / "list.obo", "[Term]\nid: S:1\nname: cell\n");
  write_file(folder / "packed.obo.gz", "\x1f\x8b ...");
  struct Case {
    std::string arguments, obo, message;
  };
  for (const Case& c : {Case{"", obo, "nothing is asked for"},
                        {"--to 'T cell'", obo, "needs --from"},
                        {"--from 'T cell' --stats", obo, "ask one at a time"},
                        {"--from 'T cel'", obo, "did you mean 'T cell'?"},
                        {"--from 'T cell' --to zzzzzzzzzz", obo, "give an id"},
                        {"--from S:9", obo, "obsolete in"},
                        {"--stats --damping 1", obo, "a damping of 1"},
                        {"--stats --tau 0", obo, "a tau of 0"},
                        {"--stats --tolerance networkx", obo, "use \"exact\""},
                        {"--stats --tolerance exactly", obo, "exactly"},
                        {"--stats --relations part_of", obo, "part_of"},
                        {"-o m.npy", obo, "must be .safetensors"},
                        {"-o /nonexistent/m.csv", obo, "does not exist"},
                        {"--stats", "/nonexistent.obo", "/nonexistent.obo"},
                        {"--stats", (folder / "empty.obo").string(), "holds no [Term]"},
                        {"--stats", (folder / "list.obo").string(), "none of its 1 current terms"},
                        {"--stats", (folder / "packed.obo.gz").string(), "gunzip"}}) {
    CAPTURE(c.arguments);
    CAPTURE(c.obo);
    const Outcome outcome = similar(c.arguments, c.obo);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    INFO(outcome.err);
    CHECK(contains(outcome.err, c.message));
  }
}

TEST_CASE("ontology map: names, synonyms and ids are matched, the rest stays empty for a person") {
  const TemporaryFolder folder;
  write_file(folder / "labels.csv",
             "my label,cells\nT cell,5\nt-lymphocyte,3\n\"CD8-positive, alpha-beta T cell\",2\nT_cells_3,9\nT cell,1\n"
             "CL:0000236,1\n,4\n");
  const Outcome outcome = command("ontology map " + quoted(folder / "labels.csv") + " --obo data/demo/cl.obo");
  CHECK(outcome.status == 0);
  CHECK(outcome.out ==
        "label,id,name,match\nT cell,CL:0000084,T cell,name\nt-lymphocyte,CL:0000084,T cell,synonym\n"
        "\"CD8-positive, alpha-beta T cell\",CL:0000625,\"CD8-positive, alpha-beta T cell\",name\nT_cells_3,,,\n"
        "CL:0000236,CL:0000236,B cell,id\n");
  CHECK(contains(outcome.err, "4 of 5 names have a term"));
  const Outcome written = command("ontology map " + quoted(folder / "labels.csv") + " --obo data/demo/cl.obo -o " +
                                  quoted(folder / "map.csv"));
  CHECK(written.status == 0);
  CHECK(written.out.empty());
  CHECK(read_file(folder / "map.csv") == outcome.out);

  write_file(folder / "header.csv", "label\n");
  write_file(folder / "none.csv", "T cell\nB cell\n");
  write_file(folder / "open.csv", "label\n\"T cell\n");
  for (const auto& [file, message] : {std::pair{"header.csv", "holds no names"},
                                      {"none.csv", "none.csv: the first line must be a header"},
                                      {"open.csv", "open.csv:2: a quote is opened"},
                                      {"missing.csv", "does not exist"}}) {
    CAPTURE(file);
    const Outcome bad = command("ontology map " + quoted(folder / file) + " --obo data/demo/cl.obo");
    CHECK(bad.status == 2);
    CHECK(contains(bad.err, message));
  }
}

TEST_CASE("evaluate: the metric pagerank takes the ontology of the command line, and asks for it") {
  const TemporaryFolder folder;
  write_file(
      folder / "p.jsonl",
      "{\"prediction\": \"This sample consists of a B cell.\", \"reference\": \"x\", \"cell_type\": \"B cell\"}\n"
      "{\"prediction\": \"This sample consists of a B cell.\", \"reference\": \"x\", \"cell_type\": \"T cell\"}\n");
  const std::string evaluate = "evaluate " + quoted(folder / "p.jsonl") + " --metrics pagerank --json";
  const Outcome outcome = command(evaluate + " --ontology data/demo/cl.obo");
  REQUIRE(outcome.status == 0);
  const double value = nlohmann::json::parse(outcome.out)["pagerank"]["similarity"]["value"];
  const auto pair = nlohmann::json::parse(similar("--from 'B cell' --to 'T cell' --json").out);
  CHECK(value == doctest::Approx((1 + pair["similarity"].get<double>()) / 2).epsilon(1e-5));
  const Outcome without = command(evaluate);
  CHECK(without.status == 2);
  CHECK(contains(without.err, "'ontology' is missing"));

  const Outcome both = command(evaluate + " --metrics rough=pagerank --set rough.tau=0.01 --ontology data/demo/cl.obo");
  REQUIRE(both.status == 0);
  const auto scores = nlohmann::json::parse(both.out);
  CHECK(scores["pagerank"]["similarity"]["value"].get<double>() == doctest::Approx(value));
  CHECK(scores["rough"]["similarity"]["value"].get<double>() != doctest::Approx(value));
  const Outcome twice = command(evaluate + " --metrics pagerank --ontology data/demo/cl.obo");
  CHECK(twice.status == 2);
  CHECK(contains(twice.err, "--metrics names 'pagerank' twice"));
}
