// Which values of a column are categories.
#include "cell2text/dataset/label_view.hpp"

#include "core/dataset/random_labels.hpp"
#include "core/io/message.hpp"

using namespace cell2text;

TEST_CASE("labels: values that tell nothing are no category, and missing ones are in none") {
  const LabelColumn column = test::column_of_texts("disease", {"normal", "unknown", "", "NA", "flu", "normal"});
  const auto known = dataset::known_values("disease", column);
  const std::vector<std::int64_t> all{0, 1, 2, 3, 4, 5};
  CHECK(dataset::count_cells(known, all) == std::vector<std::int64_t>{2, 0, 0, 1});
  CHECK(known.at(1) == -1);
  CHECK(known.at(2) == -1);
  CHECK(known.names[known.at(4)] == "flu");
  const auto every = dataset::every_value("disease", column);
  CHECK(dataset::count_cells(every, all) == std::vector<std::int64_t>{2, 1, 1, 1});
  CHECK(dataset::count_cells(every, std::vector<std::int64_t>{1, 5}) == std::vector<std::int64_t>{1, 1, 0, 0});
}

TEST_CASE("labels: development stages count as their age buckets") {
  const LabelColumn column = test::column_of_texts(
      "development_stage", {"42-year-old stage", "31-year-old stage", "unknown", "newborn stage", "postnatal stage"});
  const auto groups = dataset::development_groups(column);
  CHECK(groups.role == "development_group");
  CHECK(groups.at(0) == groups.at(1));
  CHECK(groups.names[groups.at(0)] == "adulthood");
  CHECK(groups.at(2) == -1);
  CHECK(groups.names[groups.at(3)] == "infancy");
  CHECK(groups.at(4) == -1);
}

TEST_CASE("labels: a column that is needed and missing is told with its role, the reason and a way out") {
  CHECK(test::message_of<InputError>([] { dataset::required(nullptr, "disease", "x is above 0", "set x to 0"); }) ==
        "x is above 0, but the cells have no column of the disease; set x to 0");
}
