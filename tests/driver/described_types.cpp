// The page of `describe --report` of more cell types than it tells apart, without the command.
#include <algorithm>
#include <random>

#include "../../driver/described_report.hpp"
#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

using namespace cell2text;
using driver::DescribedReport;
using driver::TableColumn;
using nlohmann::json;

// A page of its data alone.
namespace cell2text::driver {
extern const char* const page_frame;
extern const char* const page_style;
extern const char* const page_shared;
extern const char* const described_script;
extern const char* const chart_js;
const char* const page_frame = "@STYLE@@DATA@@CHARTJS@@SHARED@@SCRIPT@";
const char* const page_style = "";
const char* const page_shared = "";
const char* const described_script = "";
const char* const chart_js = "";
}  // namespace cell2text::driver

TEST_CASE("described report: of too many cell types the most frequent are told apart, whenever they come") {
  const std::uint64_t number = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  constexpr std::size_t all = DescribedReport::most_types + 50;
  std::vector<std::string> types;  // type-i in i + 1 cells
  for (std::size_t i = 0; i < all; ++i) types.insert(types.end(), i + 1, "type-" + std::to_string(i));
  std::mt19937_64 random(number);
  std::ranges::sort(types, {}, [](const std::string& type) { return type.size(); });  // rare ones first
  std::shuffle(types.begin() + 5000, types.end(), random);

  std::string samples = "sample=";
  for (std::size_t cell = 0; cell < types.size(); ++cell)
    samples += (cell ? "|" : "") + std::string(cell % 3 ? "a" : "b");
  const auto source = test::toy_source(std::vector<std::int64_t>(types.size(), 1), {samples});
  const std::vector<TableColumn> columns{{"cell2text_status", TableColumn::Type::category},
                                         {"cell2text_n_genes_used", TableColumn::Type::integer},
                                         {"cell2text_cell_type", TableColumn::Type::category}};
  DescribedReport report(columns, source, {"cells.csv", "model", "hash", "", {}});
  for (std::size_t cell = 0; cell < types.size(); ++cell)
    report.add({static_cast<std::int64_t>(cell), "cell", {std::string("ok"), 30.0, types[cell]}});
  const test::TemporaryFolder folder;
  report.write(folder / "page.html");
  const json page = json::parse(test::read_file(folder / "page.html"));

  std::int64_t others = 0;
  for (std::size_t i = 0; i < 50; ++i) others += static_cast<std::int64_t>(i) + 1;
  std::map<std::string, std::int64_t> told;
  for (const json& one : page["types"]) told[one[0].get<std::string>()] = one[1].get<std::int64_t>();
  REQUIRE(told.size() == DescribedReport::most_types + 1);
  CHECK(told["other"] == others);
  for (std::size_t i = 50; i < all; ++i) CHECK(told["type-" + std::to_string(i)] == static_cast<std::int64_t>(i) + 1);
  CHECK(page["types"][0][0] == "other");  // the largest first

  std::map<std::string, std::int64_t> grouped;
  for (const json& group : page["composition"][0]["groups"])
    for (const auto& [type, cells] : group["types"].items()) grouped[type] += cells.get<std::int64_t>();
  CHECK((grouped == told));
}
