// Donors of cells: pairs of dataset and id, and blocks of those without.
#include "cell2text/dataset/donors.hpp"

#include <map>
#include <set>

#include "cell2text/io/toml.hpp"
#include "core/dataset/random_labels.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using dataset::donors_of;
using dataset::DonorSettings;
using test::column_of_texts;

TEST_CASE("donors: the same id in two datasets is two donors, unless the id alone is the key") {
  const LabelColumn datasets = column_of_texts("dataset_id", {"a", "a", "b", "b", "a", ""});
  const LabelColumn ids = column_of_texts("donor_id", {"P1", "P2", "P1", "P1", "P1", "P1"});
  const std::vector<std::int64_t> cells{0, 1, 2, 3, 4, 5};
  const dataset::LabelView labels{.dataset = &datasets, .donor = &ids, .cells = cells};
  const LabelColumn pairs = donors_of(labels, {});
  CHECK(pairs.codes == std::vector<std::int32_t>{0, 1, 2, 2, 0, 3});
  CHECK(pairs.values == std::vector<std::string>{"a/P1", "a/P2", "b/P1", "(no dataset)/P1"});
  CHECK(pairs.name == "donor");
  const LabelColumn alone = donors_of(labels, {.donor_key = "donor"});
  CHECK(alone.codes == std::vector<std::int32_t>{0, 1, 0, 0, 0, 0});
  CHECK(alone.values == std::vector<std::string>{"P1", "P2"});
}

TEST_CASE("donors: ids that name nobody are one block in each dataset, or in all where the id alone is the key") {
  const std::vector<std::string> nobody{"unknown", "NA", " Pooled ", "", "   ", "P1"};
  std::vector<std::string> datasets, ids;
  for (const char* name : {"a", "b"})
    for (const std::string& id : nobody) datasets.emplace_back(name), ids.push_back(id);
  const LabelColumn dataset_column = column_of_texts("dataset_id", datasets),
                    id_column = column_of_texts("donor_id", ids);
  std::vector<std::int64_t> cells(ids.size());
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.dataset = &dataset_column, .donor = &id_column, .cells = cells};
  CHECK(donors_of(labels, {}).codes == std::vector<std::int32_t>{0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 3});
  CHECK(donors_of(labels, {}).values[2] == "b/(no donor id)");
  const LabelColumn alone = donors_of(labels, {.donor_key = "donor"});
  CHECK(alone.codes == std::vector<std::int32_t>{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1});
  const LabelColumn own = donors_of(labels, {.unknown_donors = {"p1"}});
  CHECK(own.values == std::vector<std::string>{"a/unknown", "a/NA", "a/ Pooled ", "a/(no donor id)", "b/unknown",
                                               "b/NA", "b/ Pooled ", "b/(no donor id)"});
}

TEST_CASE("donors: any table gets dense codes that agree with pairs of texts, and none for cells not in play") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40; ++round) {
    INFO("round " << round);
    const test::LabelTable table = test::random_labels(test::random_size(3000, random), random);
    const LabelColumn donors = donors_of(table.view(), {});
    REQUIRE(donors.size() == table.donor.size());
    std::map<std::string, std::set<std::int32_t>> codes_of_text;
    std::set<std::int32_t> codes;
    std::vector<bool> in_play(donors.codes.size());
    for (const std::int64_t row : table.cells) {
      in_play[row] = true;
      const std::string id = table.donor.at(row).value_or("NA");
      const bool nobody = id == "NA" || id == "unknown" || id == "pooled";
      codes_of_text[table.dataset.at(row).value_or("-") + "|" + (nobody ? "" : id)].insert(donors.codes[row]);
      codes.insert(donors.codes[row]);
    }
    CHECK(codes_of_text.size() == codes.size());
    for (const auto& [text, of_text] : codes_of_text) CHECK(of_text.size() == 1);
    CHECK(codes.size() == donors.values.size());
    if (!codes.empty()) CHECK((*codes.begin() == 0 && *codes.rbegin() == static_cast<std::int32_t>(codes.size()) - 1));
    for (std::size_t row = 0; row < in_play.size(); ++row)
      if (!in_play[row]) CHECK(donors.codes[row] == -1);
    CHECK(std::set<std::string>(donors.values.begin(), donors.values.end()).size() == donors.values.size());
  }
}

TEST_CASE("donors: a missing column is told, and the settings are read strictly") {
  const LabelColumn ids = column_of_texts("donor_id", {"P1"});
  const std::vector<std::int64_t> cells{0};
  CHECK(test::has(test::message_of<InputError>([&] { donors_of({.cells = cells}, {}); }), "no column of the donor"));
  CHECK(test::has(test::message_of<InputError>([&] { donors_of({.donor = &ids, .cells = cells}, {}); }),
                  "donor_key is \"dataset+donor\", but the cells have no column of the dataset"));
  CHECK(donors_of({.donor = &ids, .cells = cells}, {.donor_key = "donor"}).values == std::vector<std::string>{"P1"});
  DonorSettings settings;
  SettingsFaults faults;
  read_fields(parse_toml("donor_key = 'id'", "f"), settings, faults, "");
  CHECK(test::has(faults.text(), "it must be one of 'dataset+donor', 'donor'"));
}
