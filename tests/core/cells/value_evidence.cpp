// What values are judged to be: made by hand, and by scanpy and stand-ins of correction programs.
#include "cell2text/cells/value_evidence.hpp"

#include <cmath>
#include <fstream>
#include <random>

#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

ValueJudgement judge(const std::vector<std::vector<float>>& cells) {
  ValueEvidence evidence;
  for (const auto& cell : cells) evidence.add_cell(cell);
  return evidence.judge();
}

ValueJudgement judge_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const auto number = [&] {
    std::int64_t n = 0;
    in.read(reinterpret_cast<char*>(&n), sizeof n);
    return n;
  };
  ValueEvidence evidence;
  for (std::int64_t cells = number(); cells > 0; --cells) {
    std::vector<float> values(number());
    in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
    evidence.add_cell(values);
  }
  REQUIRE(in.good());
  return evidence.judge();
}

}  // namespace

TEST_CASE("value kinds: whole numbers are counts, of few cells and many") {
  CHECK(judge({{1, 2, 0, 40}}).kind == ValueKind::counts);
  CHECK(judge({{1, 2, 3}, {}, {5}}).kind == ValueKind::counts);
  CHECK(judge({{1, 2, 3}}).text.empty());
  CHECK(judge({{1, 2, 3}}).is_counts());
}

TEST_CASE("value kinds: what cannot be used at all is named before anything else") {
  CHECK(judge({}).kind == ValueKind::empty);
  CHECK(judge({{0, 0}, {0}}).kind == ValueKind::empty);
  CHECK(judge({{1, -2, 3}}).kind == ValueKind::scaled);
  CHECK(judge({{1, std::nanf(""), -3}}).kind == ValueKind::not_finite);
  CHECK(judge({{1, INFINITY}}).kind == ValueKind::not_finite);
  for (const auto& cells : {std::vector<std::vector<float>>{{-1}}, {{0}}, {{NAN}}}) CHECK(!judge(cells).is_usable());
}

TEST_CASE("value kinds: fractions without cells to judge by are unclear, and so is a matrix seen by columns") {
  CHECK(judge({{0.5F, 1.25F}}).kind == ValueKind::unclear);
  ValueEvidence columns;
  columns.add_values(std::vector<float>{0.7F, 1.3F, 2.2F});
  CHECK(columns.judge().kind == ValueKind::unclear);
  columns.add_values(std::vector<float>{120.5F, 43.3F});
  CHECK(columns.judge().kind == ValueKind::unclear);
  CHECK(columns.judge().is_counts());  // said in a warning, not refused
}

TEST_CASE("value kinds: half molecules of multi-mapped reads are counts, not steps of a normalisation") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  std::vector<std::vector<float>> cells(50);
  for (auto& cell : cells)
    for (std::uint64_t gene = 0; gene < 100 + random() % 900; ++gene)
      cell.push_back(static_cast<float>(1 + random() % 6) / (random() % 3 ? 1 : 2));
  CHECK(judge(cells).kind == ValueKind::corrected_counts);
}

TEST_CASE("value kinds: TPM cut to some genes is not taken for counts without a word") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  std::lognormal_distribution<float> level(2, 2);
  std::vector<std::vector<float>> cells(60);
  for (auto& cell : cells)
    for (int gene = 0; gene < 4000; ++gene) cell.push_back(level(random));
  CHECK(judge(cells).kind == ValueKind::unclear);
}

TEST_CASE("oracle: matrices as scanpy and corrections leave them are judged as what they are") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder = oracle("value_kinds.py", number);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".cells") continue;
    const std::string name = entry.path().filename().string();
    const ValueJudgement judgement = judge_file(entry.path());
    CAPTURE(name);
    CAPTURE(judgement.text);
    const std::string allowed = "+" + name.substr(0, name.find("__")) + "+";
    const std::string found = std::string("+") + kind_name(judgement.kind) + "+";
    CHECK(allowed.find(found) != std::string::npos);
    ++files;
  }
  CHECK(files == 128);
}
