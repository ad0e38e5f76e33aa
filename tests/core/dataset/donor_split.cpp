// The split by donor: disjoint donors, covered categories, shares; on tables of labels made anew at each run.
#include "cell2text/dataset/donor_split.hpp"

#include <map>
#include <set>

#include "cell2text/dataset/donors.hpp"
#include "cell2text/io/toml.hpp"
#include "core/dataset/random_labels.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using dataset::DonorSplit;
using dataset::DonorSplitSettings;
using dataset::HeldOut;
using dataset::index_of;
using dataset::split_donors;
using dataset::SplitPart;

namespace {

DonorSplitSettings random_split_settings(std::mt19937_64& random) {
  DonorSplitSettings settings;
  settings.train = 0.3 + 0.1 * static_cast<double>(random() % 7);
  settings.validation = (1 - settings.train) * static_cast<double>(random() % 5) / 4;
  settings.test = 1 - settings.train - settings.validation;
  return settings;
}

/// Random values of one column, seldom all of them.
std::vector<HeldOut> random_holdout(const test::LabelTable& table, std::mt19937_64& random) {
  const LabelColumn* columns[] = {&table.dataset, &table.assay, &table.tissue, &table.cell_type};
  std::vector<HeldOut> held;
  for (std::size_t i = random() % 3; i > 0; --i) {
    const LabelColumn* column = columns[random() % 4];
    held.push_back({column, std::vector<bool>(column->values.size())});
    for (std::size_t value = 1; value < column->values.size(); ++value) held.back().values[value] = random() % 5 == 0;
  }
  return held;
}

/// What a person would call the categories of a row.
std::set<std::string> categories_of_row(const test::LabelTable& table, std::int64_t row) {
  std::set<std::string> all;
  for (const auto* column : {&table.disease, &table.cell_type, &table.tissue_general})
    if (const auto value = known_value(column->at(row))) all.insert(column->name + ":" + *value);
  if (const auto stage = table.stage.at(row))
    if (const auto bucket = age_bucket(*stage)) all.insert("age:" + std::string(*bucket));
  return all;
}

/// Cells of donors with one category each, as LabelView needs them: "DONOR DISEASE NUMBER" a line.
struct SmallTable {
  test::LabelTable table;
  LabelColumn donors;

  explicit SmallTable(const std::vector<std::tuple<std::string, std::string, int>>& groups) {
    std::vector<std::string> ids, diseases;
    for (const auto& [id, disease, cells] : groups)
      for (int i = 0; i < cells; ++i) ids.push_back(id), diseases.push_back(disease);
    table.donor = test::column_of_texts("donor_id", ids);
    table.disease = test::column_of_texts("disease", diseases);
    table.cells.resize(ids.size());
    std::iota(table.cells.begin(), table.cells.end(), 0);
    donors = donors_of(view(), {.donor_key = "donor"});
  }
  dataset::LabelView view() const { return {.donor = &table.donor, .disease = &table.disease, .cells = table.cells}; }
  DonorSplit split(const DonorSplitSettings& settings = {}, std::uint64_t seed = 1) const {
    return split_donors(view(), donors, {}, settings, seed);
  }
  /// The parts of a donor's cells.
  std::set<SplitPart> parts_of(const DonorSplit& split, const std::string& id) const {
    std::set<SplitPart> parts;
    for (std::size_t i = 0; i < split.parts.size(); ++i)
      if (table.donor.at(static_cast<std::int64_t>(i)) == id) parts.insert(split.parts[i]);
    return parts;
  }
};

std::string all_notes(const DonorSplit& split) {
  std::string text;
  for (const std::string& note : split.report.notes) text += note + "\n";
  return text;
}

}  // namespace

TEST_CASE(
    "donor split: on any table no donor is in two parts, train covers every category, and shares hold as they can") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 120; ++round) {
    INFO("round " << round);
    const test::LabelTable table = test::random_labels(test::random_size(round < 5 ? 20000 : 3000, random), random);
    const DonorSplitSettings settings = random_split_settings(random);
    const std::vector<HeldOut> held = random_holdout(table, random);
    const LabelColumn donors = donors_of(table.view(), {});
    const auto is_held = [&](std::int64_t row) {
      return std::ranges::any_of(held, [&](const HeldOut& one) { return one.has(row); });
    };
    const auto num_held = std::ranges::count_if(table.cells, is_held);
    const auto total = static_cast<std::int64_t>(table.cells.size()) - num_held;
    if (total == 0) {
      CHECK_THROWS_AS(split_donors(table.view(), donors, held, settings, seed), InputError);
      continue;
    }
    const DonorSplit split = split_donors(table.view(), donors, held, settings, seed + round);
    CHECK((split_donors(table.view(), donors, held, settings, seed + round).parts == split.parts));
    REQUIRE(split.parts.size() == table.cells.size());

    std::map<std::int32_t, std::set<SplitPart>> parts_of_donor;
    std::map<std::int32_t, std::int64_t> cells_of_donor;
    std::map<SplitPart, std::int64_t> cells;
    std::map<SplitPart, std::set<std::string>> categories;
    std::map<SplitPart, std::set<std::int32_t>> donors_of_part;
    for (std::size_t i = 0; i < split.parts.size(); ++i) {
      const std::int64_t row = table.cells[i];
      const SplitPart part = split.parts[i];
      CHECK((part == SplitPart::holdout) == is_held(row));
      ++cells[part];
      donors_of_part[part].insert(donors.codes[row]);
      if (part == SplitPart::holdout) continue;
      parts_of_donor[donors.codes[row]].insert(part);
      ++cells_of_donor[donors.codes[row]];
      categories[part].merge(categories_of_row(table, row));
    }
    std::int64_t largest = 0;
    for (const auto& [donor, parts] : parts_of_donor) {
      CHECK(parts.size() == 1);
      largest = std::max(largest, cells_of_donor[donor]);
    }
    for (const SplitPart part : {SplitPart::validation, SplitPart::test})
      CHECK(std::ranges::includes(categories[SplitPart::train], categories[part]));
    CHECK(cells[SplitPart::train] > 0);
    CHECK(cells[SplitPart::unused] == 0);

    const auto& report = split.report;
    CHECK(report.uncovered.empty());
    CHECK(report.donors == static_cast<std::int64_t>(parts_of_donor.size()));
    for (std::size_t p = 0; p < 5; ++p) {
      CHECK(report.parts[p].cells == cells[dataset::split_parts[p]]);
      CHECK(report.parts[p].donors == static_cast<std::int64_t>(donors_of_part[dataset::split_parts[p]].size()));
    }
    std::vector<std::int32_t> shared;
    std::ranges::set_intersection(donors_of_part[SplitPart::train], donors_of_part[SplitPart::holdout],
                                  std::back_inserter(shared));
    CHECK(report.holdout_donors_in_train == static_cast<std::int64_t>(shared.size()));
    REQUIRE(report.roles.size() == 4);
    std::int64_t train_categories = 0;
    for (const std::int64_t n : report.parts[0].categories) train_categories += n;
    CHECK(train_categories == static_cast<std::int64_t>(categories[SplitPart::train].size()));

    // Within the target, or one donor alone; no further below it than a donor, where any donor was free to be taken.
    const double targets[] = {settings.test * static_cast<double>(total),
                              settings.validation * static_cast<double>(total)};
    const SplitPart parts[] = {SplitPart::test, SplitPart::validation};
    const auto held_by = [&](int p) { return static_cast<double>(cells[parts[p]]); };
    const bool all_free_taken = report.parts[0].donors == report.reserved_donors;
    for (const int p : {0, 1}) {
      INFO("part " << p << ": " << cells[parts[p]] << " cells of " << targets[p] << ", largest donor " << largest);
      CHECK((held_by(p) <= targets[p] + 1e-6 ||
             (donors_of_part[parts[p]].size() == 1 && cells[parts[p]] <= cells[SplitPart::train])));
      if (targets[p] < 1e-6) {
        CHECK(cells[parts[p]] == 0);
      } else if (!all_free_taken) {
        const double larger_other = std::max(1.0, targets[1 - p] > 1e-6 ? targets[p] / targets[1 - p] : 1);
        CHECK(targets[p] - held_by(p) <= static_cast<double>(largest) * larger_other + 1e-6);
      }
    }
  }
}

TEST_CASE("donor split: many small donors come within one of them of any ratio") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::vector<std::tuple<std::string, std::string, int>> groups;
  for (int donor = 0; donor < 400; ++donor)
    groups.emplace_back("P" + std::to_string(donor), random() % 2 ? "normal" : "flu",
                        static_cast<int>(1 + random() % 9));
  const SmallTable small(groups);
  const DonorSplit split = small.split({}, seed);
  const auto total = static_cast<double>(small.table.cells.size());
  for (const SplitPart part : {SplitPart::validation, SplitPart::test}) {
    CHECK(static_cast<double>(split.report.parts[index_of(part)].cells) <= 0.1 * total + 1e-6);
    CHECK(static_cast<double>(split.report.parts[index_of(part)].cells) > 0.1 * total - 9);
    CHECK(split.report.parts[index_of(part)].wanted == doctest::Approx(0.1 * total));
  }
  CHECK(split.report.reserved_donors <= 2);
  CHECK((small.split({}, seed + 1).parts != split.parts));
}

TEST_CASE("donor split: of the donors that have a category, the smallest one stays in train") {
  const SmallTable small({{"A", "flu", 30},
                          {"B", "flu", 10},
                          {"C", "flu", 20},
                          {"D", "cold", 40},
                          {"B", "normal", 2},
                          {"E", "normal", 11},
                          {"F", "normal", 50}});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const DonorSplit split = small.split({.train = 0.2, .validation = 0.4, .test = 0.4}, seed);
    CHECK((small.parts_of(split, "D") == std::set{SplitPart::train}));  // the only one with a cold
    CHECK(split.report.single_donor_categories == 1);
    CHECK(split.report.reserved_donors == 2);  // D, and B: for the flu, and with it for normal
    CHECK((small.parts_of(split, "B") == std::set{SplitPart::train}));
  }
}

TEST_CASE("donor split: tables that allow no test or validation give a note, not a failure") {
  const DonorSplit one = SmallTable({{"A", "flu", 30}, {"A", "normal", 12}}).split();
  CHECK(one.report.parts[0].cells == 42);
  CHECK(test::has(all_notes(one),
                  "test is empty where 4 are wanted: 1 of 1 donors, with 42 cells, have to be in train so "
                  "that it covers every category (2 categories are of one donor alone)"));
  CHECK(test::has(all_notes(one), "validation is empty"));

  const DonorSplit forced = SmallTable({{"A", "flu", 30}, {"B", "cold", 12}, {"C", "normal", 8}}).split();
  CHECK(forced.report.parts[0].cells == 50);
  CHECK(test::has(all_notes(forced), "3 of 3 donors, with 50 cells"));

  const SmallTable giant({{"A", "flu", 10}, {"B", "flu", 990}});  // a test of 990 cells would leave 10 to train on
  CHECK(giant.split().report.parts[0].cells == 1000);
}

TEST_CASE(
    "donor split: a part that no donor fits into gets the smallest that train can spare, test before validation") {
  const SmallTable two({{"A", "flu", 50}, {"B", "flu", 50}});
  const DonorSplit split = two.split();
  CHECK((two.parts_of(split, "A") == std::set{SplitPart::train}));
  CHECK((two.parts_of(split, "B") == std::set{SplitPart::test}));
  CHECK(test::has(all_notes(split),
                  "test holds 50 cells where 10 are wanted: one donor is all of it, the smallest that "
                  "train could spare"));
  CHECK(test::has(all_notes(split), "validation is empty where 10 are wanted"));

  const SmallTable four({{"A", "flu", 50}, {"B", "flu", 60}, {"C", "flu", 55}, {"D", "flu", 58}});
  const DonorSplit each = four.split();
  CHECK((four.parts_of(each, "C") == std::set{SplitPart::test}));
  CHECK((four.parts_of(each, "D") == std::set{SplitPart::validation}));
  CHECK((four.parts_of(each, "B") == std::set{SplitPart::train}));
}

TEST_CASE("donor split: a part of share 0 stays empty, and a train share of 1 takes all") {
  std::vector<std::tuple<std::string, std::string, int>> groups;
  for (int donor = 0; donor < 30; ++donor) groups.emplace_back("P" + std::to_string(donor), "flu", 5);
  const SmallTable small(groups);
  const DonorSplit split = small.split({.train = 0.8, .validation = 0, .test = 0.2});
  CHECK(split.report.parts[index_of(SplitPart::validation)].cells == 0);
  CHECK(split.report.parts[index_of(SplitPart::test)].cells == 30);
  CHECK(small.split({.train = 1, .validation = 0, .test = 0}).report.parts[0].cells == 150);
}

TEST_CASE("donor split: the training donors of a smaller fraction are among those of a larger one, tests stay") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    INFO("round " << round);
    const test::LabelTable table = test::random_labels(test::random_size(3000, random), random);
    if (table.cells.empty()) continue;
    const LabelColumn donors = donors_of(table.view(), {});
    DonorSplitSettings settings;
    const DonorSplit whole = split_donors(table.view(), donors, {}, settings, seed);
    std::vector<SplitPart> smaller;
    for (const double fraction : {1e-9, 0.1, 0.25, 0.5, 0.9, 1.0}) {
      INFO("fraction " << fraction);
      settings.train_fraction = fraction;
      const DonorSplit split = split_donors(table.view(), donors, {}, settings, seed);
      const auto& report = split.report;
      CHECK(report.parts[0].donors ==
            std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(
                                          fraction * static_cast<double>(whole.report.parts[0].donors) - 1e-9))));
      CHECK(report.parts[0].cells + report.parts[4].cells == whole.report.parts[0].cells);
      std::map<SplitPart, std::set<std::string>> categories;
      for (std::size_t i = 0; i < split.parts.size(); ++i) {
        if (whole.parts[i] != SplitPart::train)
          CHECK(split.parts[i] == whole.parts[i]);
        else
          CHECK((split.parts[i] == SplitPart::train || split.parts[i] == SplitPart::unused));
        if (!smaller.empty() && smaller[i] == SplitPart::train) CHECK(split.parts[i] == SplitPart::train);
        categories[split.parts[i]].merge(categories_of_row(table, table.cells[i]));
      }
      std::size_t uncovered = 0;
      for (const SplitPart part : {SplitPart::validation, SplitPart::test})
        for (const std::string& category : categories[part])
          uncovered += !categories[SplitPart::train].contains(category);
      CHECK(report.uncovered.size() == uncovered);
      smaller = split.parts;
    }
    CHECK((smaller == whole.parts));
  }
}

TEST_CASE("donor split: what a dropped donor leaves uncovered is named") {
  std::vector<std::tuple<std::string, std::string, int>> groups;
  for (int donor = 0; donor < 50; ++donor) groups.emplace_back("N" + std::to_string(donor), "normal", 10);
  for (int donor = 0; donor < 50; ++donor) groups.emplace_back("F" + std::to_string(donor), "flu", 10);
  const SmallTable small(groups);
  const DonorSplit split = small.split({.train_fraction = 0.001});  // one donor: of one disease
  CHECK(split.report.parts[0].donors == 1);
  REQUIRE(!split.report.uncovered.empty());
  const auto& first = split.report.uncovered.front();
  CHECK(first.role == "disease");
  CHECK((first.category == "flu" || first.category == "normal"));
  CHECK(first.category != small.table.disease.at(static_cast<std::int64_t>(
                              std::ranges::find(split.parts, SplitPart::train) - split.parts.begin())));
  CHECK(first.cells > 0);
}

TEST_CASE("donor split: of a dataset that is held out no donor is in train; of a disease, its other cells are") {
  test::LabelTable table;
  std::vector<std::string> datasets, ids, diseases;
  for (int donor = 0; donor < 40; ++donor)
    for (int cell = 0; cell < 6; ++cell) {
      datasets.push_back(donor < 30 ? "a" : "b");
      ids.push_back("P" + std::to_string(donor % 30));
      diseases.push_back(cell == 0 ? "flu" : "normal");
    }
  table.dataset = test::column_of_texts("dataset_id", datasets), table.donor = test::column_of_texts("donor_id", ids);
  table.disease = test::column_of_texts("disease", diseases);
  table.cells.resize(ids.size());
  std::iota(table.cells.begin(), table.cells.end(), 0);
  const dataset::LabelView labels{
      .dataset = &table.dataset, .donor = &table.donor, .disease = &table.disease, .cells = table.cells};
  const LabelColumn donors = donors_of(labels, {});
  const DonorSplit by_dataset =
      split_donors(labels, donors, std::vector<HeldOut>{{&table.dataset, {false, true}}}, {}, 1);
  CHECK(by_dataset.report.parts[index_of(SplitPart::holdout)].cells == 60);
  CHECK(by_dataset.report.parts[index_of(SplitPart::holdout)].donors == 10);
  CHECK(by_dataset.report.holdout_donors_in_train == 0);
  CHECK(by_dataset.report.donors == 30);
  CHECK(by_dataset.report.parts[index_of(SplitPart::test)].wanted == doctest::Approx(18));  // of the 180 others
  const DonorSplit by_disease =
      split_donors(labels, donors, std::vector<HeldOut>{{&table.disease, {true, false}}}, {}, 1);
  CHECK(by_disease.report.parts[index_of(SplitPart::holdout)].cells == 40);
  CHECK(by_disease.report.holdout_donors_in_train == by_disease.report.parts[0].donors);
  CHECK(by_disease.report.parts[0].categories == std::vector<std::int64_t>{1});
  // With ids alone as donors, P0 to P9 are in both datasets.
  const LabelColumn alone = donors_of(labels, {.donor_key = "donor"});
  CHECK(split_donors(labels, alone, std::vector<HeldOut>{{&table.dataset, {false, true}}}, {}, 1)
            .report.holdout_donors_in_train > 0);
}

TEST_CASE("donor split: nothing left to train on is refused, and missing columns are noted") {
  const SmallTable small({{"A", "flu", 3}, {"B", "flu", 4}});
  const std::vector<HeldOut> all{{&small.table.disease, {true}}};
  CHECK(test::message_of<InputError>([&] { split_donors(small.view(), small.donors, all, {}, 1); }) ==
        "no cell is left to train on: split.holdout has all 7 cells; hold out fewer values");
  dataset::LabelView none = small.view();
  none.cells = {};
  CHECK(test::has(test::message_of<InputError>([&] { split_donors(none, small.donors, {}, {}, 1); }),
                  "the dataset has none; loosen its filter"));
  const std::string notes = all_notes(small.split());
  for (const char* role : {"cell_type", "tissue_general", "development_stage"})
    CHECK(test::has(notes, "the cells have no column of the " + std::string(role)));
  CHECK(!test::says(notes, "column of the disease"));
}

TEST_CASE("donor split: the donors of a fixed seed stay the same on every machine") {
  std::vector<std::tuple<std::string, std::string, int>> groups{{"S", "flu", 1}};
  for (int donor = 0; donor < 10; ++donor) groups.emplace_back("P" + std::to_string(donor), "flu", 10);
  const SmallTable small(groups);
  const DonorSplit split = small.split({}, 0);
  std::mt19937_64 random(0);  // the standard fixes its numbers
  random();
  std::vector<int> order{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (std::size_t i = 10; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  CHECK((small.parts_of(split, "P" + std::to_string(order[0])) == std::set{SplitPart::test}));
  CHECK((small.parts_of(split, "P" + std::to_string(order[1])) == std::set{SplitPart::validation}));
  CHECK(split.report.parts[0].donors == 9);
}

TEST_CASE("split settings: each rule that is broken is told") {
  const auto fault = [](const std::string& text) {
    return test::message_of<InputError>([&] {
      DonorSplitSettings settings;
      SettingsFaults faults;
      read_fields(parse_toml(text, "f"), settings, faults, "split.");
      faults.raise();
    });
  };
  CHECK(test::has(fault("train = 0.9"), "add up to 1.1; they must add up to 1"));
  CHECK(test::has(fault("train = 0\nvalidation = 0.5\ntest = 0.5"), "'split.train' is 0"));
  CHECK(test::has(fault("train_fraction = 0"), "'split.train_fraction' is 0; a model needs cells to train on"));
  CHECK(test::has(fault("holdout = { celltype = ['T cell'] }"),
                  "unknown key 'split.holdout.celltype'; did you mean 'cell_type'?"));
}
