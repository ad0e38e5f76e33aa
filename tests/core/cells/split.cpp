// Splits: by cell, by donor, by column; on tables made anew at each run.
#include "cell2text/cells/split.hpp"

#include <set>

#include "support/oracle.hpp"

using cell2text::InputError;
using cell2text::LabelColumn;
using cell2text::Split;
using cell2text::SplitSettings;
namespace test = cell2text::test;

namespace {

LabelColumn column_of(const std::vector<std::int32_t>& codes) {
  LabelColumn column{"cell_type", {}, codes};
  const std::int32_t last = codes.empty() ? -1 : *std::ranges::max_element(codes);
  for (std::int32_t code = 0; code <= last; ++code) column.values.push_back("type " + std::to_string(code));
  return column;
}

LabelColumn column_of(const std::vector<std::string>& values) {
  LabelColumn column{"split", values, {}};
  for (std::size_t i = 0; i < values.size(); ++i) column.codes.push_back(static_cast<std::int32_t>(i));
  return column;
}

void check_covers_all(const Split& split, std::int64_t cells) {
  std::multiset<std::int64_t> all;
  for (const auto* part : {&split.train, &split.validation, &split.test}) {
    CHECK(std::ranges::is_sorted(*part));
    all.insert(part->begin(), part->end());
  }
  REQUIRE(static_cast<std::int64_t>(all.size()) == cells);
  std::int64_t next = 0;
  for (const std::int64_t row : all) REQUIRE(row == next++);
}

std::vector<std::int64_t> counts(const LabelColumn& labels, const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> found(labels.values.size() + 1);
  for (const std::int64_t row : rows) ++found[labels.codes[row] < 0 ? labels.values.size() : labels.codes[row]];
  return found;
}

}  // namespace

TEST_CASE("split by cell: any table of labels is shared out within a cell per label and covered once") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    SplitSettings settings;
    settings.train = 0.3 + 0.1 * static_cast<double>(random() % 6);
    settings.validation = (1 - settings.train) * static_cast<double>(random() % 3) / 2;
    settings.test = 1 - settings.train - settings.validation;
    std::vector<std::int32_t> codes;
    const auto labels_count = static_cast<std::int32_t>(1 + random() % 40);
    for (std::int32_t label = -1; label < labels_count; ++label) {
      const auto kind = random() % 3;
      const std::size_t cells = kind == 0 ? 1 + random() % 3 : kind == 1 ? random() % 20 : random() % 200;
      codes.insert(codes.end(), cells, label);
    }
    if (codes.empty()) codes.push_back(0);
    cell2text::split_detail::shuffle(codes, random);
    const LabelColumn labels = column_of(codes);
    const Split split = split_by_cell(labels, settings, seed + round);
    check_covers_all(split, labels.size());
    const auto train = counts(labels, split.train), validation = counts(labels, split.validation),
               tested = counts(labels, split.test);
    for (std::size_t label = 0; label < train.size(); ++label) {
      const std::int64_t n = train[label] + validation[label] + tested[label];
      INFO("label " << label << " with " << n << " cells");
      if (n == 0) continue;
      CHECK(train[label] >= 1);
      if (train[label] > 1)
        CHECK(std::abs(static_cast<double>(train[label]) - settings.train * static_cast<double>(n)) < 1);
      CHECK(static_cast<double>(validation[label]) < settings.validation * static_cast<double>(n) + 1);
      CHECK(static_cast<double>(tested[label]) < settings.test * static_cast<double>(n) + 1);
      if (settings.train * static_cast<double>(n) >= 1) {
        CHECK(static_cast<double>(validation[label]) > settings.validation * static_cast<double>(n) - 1);
        CHECK(static_cast<double>(tested[label]) > settings.test * static_cast<double>(n) - 1);
      }
    }
    if (settings.validation == 0) CHECK(split.validation.empty());
    if (settings.test < 1e-12) CHECK(split.test.empty());
    const Split again = split_by_cell(labels, settings, seed + round);
    CHECK(again.train == split.train);
    CHECK(again.test == split.test);
  }
}

TEST_CASE("split by cell: odd cells keep the ratio of the whole file") {
  std::vector<std::int32_t> codes;
  for (std::int32_t label = 0; label < 100; ++label) codes.insert(codes.end(), 7, label);  // 4.9 / 0.7 / 1.4 each
  const Split split = split_by_cell(column_of(codes), {}, 3);
  CHECK(std::abs(static_cast<double>(split.train.size()) - 490) <= 2);
  CHECK(std::abs(static_cast<double>(split.validation.size()) - 70) <= 2);
  CHECK(std::abs(static_cast<double>(split.test.size()) - 140) <= 2);
}

TEST_CASE("split by cell: many labels of one cell do not take the large label's training cells") {
  std::vector<std::int32_t> codes;
  for (std::int32_t label = 0; label < 500; ++label) codes.push_back(label);
  codes.insert(codes.end(), 20, 500);
  const LabelColumn labels = column_of(codes);
  const Split split = split_by_cell(labels, {}, 1);
  CHECK(counts(labels, split.train)[500] == 14);
  CHECK(counts(labels, split.validation)[500] == 2);
  CHECK(counts(labels, split.test)[500] == 4);
}

TEST_CASE("split by cell: another seed chooses other cells, as many of them") {
  const LabelColumn labels = column_of(std::vector<std::int32_t>(200, 0));
  const Split one = split_by_cell(labels, {}, 1), other = split_by_cell(labels, {}, 2);
  CHECK(one.test != other.test);
  CHECK(one.test.size() == 40);
  CHECK(other.test.size() == 40);
}

TEST_CASE("split by cell: the cells of a fixed seed stay the same on every machine") {
  const Split split = split_by_cell(column_of(std::vector<std::int32_t>(10, 0)), {}, 0);
  std::mt19937_64 random(0);  // the standard fixes its numbers
  std::vector<std::int64_t> rows{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (std::size_t i = 10; i > 1; --i) std::swap(rows[i - 1], rows[random() % i]);
  std::sort(rows.begin(), rows.begin() + 7);
  CHECK(split.train == std::vector<std::int64_t>(rows.begin(), rows.begin() + 7));
  CHECK(split.validation == std::vector<std::int64_t>{rows[7]});
}

TEST_CASE("split by donor: no donor stands in two parts, and every part has one") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    std::vector<std::int32_t> codes;
    const auto donors = static_cast<std::int32_t>(3 + random() % 12);
    const bool some_unknown = random() % 2;
    for (std::int32_t donor = some_unknown ? -1 : 0; donor < donors; ++donor)
      codes.insert(codes.end(), 1 + random() % 50, donor);
    cell2text::split_detail::shuffle(codes, random);
    const LabelColumn labels = column_of(codes);
    const Split split = split_by_donor(labels, {}, seed + round);
    check_covers_all(split, labels.size());
    CHECK(!split.train.empty());
    CHECK(!split.validation.empty());
    CHECK(!split.test.empty());
    const auto train = counts(labels, split.train), validation = counts(labels, split.validation),
               tested = counts(labels, split.test);
    for (std::size_t donor = 0; donor < train.size(); ++donor)
      CHECK((train[donor] > 0) + (validation[donor] > 0) + (tested[donor] > 0) <= 1);
    CHECK(split_by_donor(labels, {}, seed + round).test == split.test);
  }
}

TEST_CASE("split by donor: fewer donors than parts are refused, and two are enough without validation") {
  std::vector<std::int32_t> codes(10, 0);
  codes.insert(codes.end(), 6, 1);
  CHECK_THROWS_WITH_AS(split_by_donor(column_of(codes), {}, 0), doctest::Contains("holds 2 donor(s)"), InputError);
  SplitSettings settings;
  settings.train = 0.8, settings.validation = 0, settings.test = 0.2;
  const Split split = split_by_donor(column_of(codes), settings, 0);
  CHECK(split.train.size() == 10);
  CHECK(split.test.size() == 6);
  CHECK(split.validation.empty());
}

TEST_CASE("split by column: the file's words are followed, other words leave a cell out") {
  const Split split =
      split_by_column(column_of(std::vector<std::string>{"train", "val", "test", "validation", "unused", "valid"}));
  CHECK(split.train == std::vector<std::int64_t>{0});
  CHECK(split.validation == std::vector<std::int64_t>{1, 3, 5});
  CHECK(split.test == std::vector<std::int64_t>{2});
  CHECK_THROWS_WITH_AS(split_by_column(column_of(std::vector<std::string>{"Train", "test"})),
                       doctest::Contains("'train' for no cell"), InputError);
  LabelColumn missing = column_of(std::vector<std::string>{"train", "test"});
  missing.codes = {0, -1, 1};
  CHECK(split_by_column(missing).test == std::vector<std::int64_t>{2});
}

TEST_CASE("split settings: shares must add up to one and leave cells to train on") {
  SplitSettings settings;
  settings.test = 0.5;
  CHECK_THROWS_WITH_AS(settings.validate(), doctest::Contains("add up to 1.3"), InputError);
  settings.train = 0, settings.validation = 0.5, settings.test = 0.5;
  CHECK_THROWS_WITH_AS(settings.validate(), doctest::Contains("needs cells to train on"), InputError);
}
