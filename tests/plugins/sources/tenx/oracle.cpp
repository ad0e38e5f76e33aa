// Against scanpy: random matrices of every form, as scanpy reads them.
#include <nlohmann/json.hpp>
#include <random>

#include "files.hpp"

namespace cell2text::test {
namespace {

using Json = nlohmann::json;

void check_tenx_rows(const TenxSource& source, const std::vector<std::int64_t>& rows, const Json& wanted) {
  const CellBatch batch = source.read(rows);
  REQUIRE(batch.rows == rows);
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    const std::int64_t row = rows[cell];
    INFO("row " << row);
    CHECK(batch.names[cell] == wanted.at("barcodes")[row].get<std::string>());
    std::vector<float> dense(source.genes()->size(), 0);
    const auto columns = batch.columns_of(cell);
    CHECK(std::ranges::adjacent_find(columns, std::ranges::greater_equal{}) == columns.end());
    for (std::size_t i = 0; i < columns.size(); ++i) dense[columns[i]] = batch.counts_of(cell)[i];
    CHECK(dense == wanted.at("counts")[row].get<std::vector<float>>());
    CHECK(batch.totals[cell] == doctest::Approx(wanted.at("totals")[row].get<double>()));
  }
}

void check_tenx_labels(const TenxSource& source, const Json& wanted) {
  REQUIRE(source.columns().size() == wanted.size());
  for (const ColumnInfo& info : source.columns()) {
    INFO("column " << info.name);
    const Json& column = wanted.at(info.name);
    CHECK(column.at("type") == (info.type == ColumnInfo::Type::text      ? "text"
                                : info.type == ColumnInfo::Type::boolean ? "boolean"
                                                                         : "number"));
    const LabelColumn labels = source.labels(info.name);
    REQUIRE(labels.size() == source.size());
    for (std::int64_t cell = 0; cell < labels.size(); ++cell) {
      INFO("cell " << cell);
      const auto found = labels.at(cell);
      const Json& value = column.at("values")[cell];
      REQUIRE(found.has_value() == !value.is_null());
      if (!found) continue;
      if (value.is_number())
        CHECK(std::stod(*found) == value.get<double>());
      else if (value.is_boolean())
        CHECK(lower(*found) == value.dump());
      else
        CHECK(*found == value.get<std::string>());
    }
  }
}

TEST_CASE("oracle: 10x matrices of every form are read as scanpy reads them") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder = oracle("tenx.py", number);
  int cases = 0;
  for (const Json& wanted : Json::parse(read_file(folder / "cases.json"))) {
    INFO("case " << wanted.at("path").get<std::string>());
    TenxSource::Settings settings = tenx_settings(folder / wanted.at("path").get<std::string>());
    settings.min_counts = wanted.at("min_counts");
    if (wanted.contains("genome")) settings.genome = wanted.at("genome").get<std::string>();
    if (wanted.contains("labels")) settings.labels = (folder / wanted.at("labels").get<std::string>()).string();
    const TenxSource source(settings, Context{});
    CHECK(source.genes()->ids == wanted.at("ids").get<std::vector<std::string>>());
    CHECK(source.genes()->symbols == wanted.at("names").get<std::vector<std::string>>());
    REQUIRE(source.size() == std::ssize(wanted.at("barcodes")));
    std::vector<std::int64_t> all(source.size()), some;
    std::iota(all.begin(), all.end(), 0);
    check_tenx_rows(source, all, wanted);
    for (int i = 0; i < 25; ++i) some.push_back(static_cast<std::int64_t>(random() % source.size()));
    check_tenx_rows(source, some, wanted);
    if (wanted.contains("labels")) check_tenx_labels(source, wanted.at("obs"));
    ++cases;
  }
  CHECK(cases == 36);
}

}  // namespace
}  // namespace cell2text::test
