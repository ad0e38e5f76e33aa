// The text parsers: Matrix Market files and tables, in pieces of any size.
#include <random>

#include "files.hpp"
#include "plugins/sources/tenx/market_parser.hpp"
#include "plugins/sources/tenx/tables.hpp"

namespace cell2text::test {
namespace {

using MarketEntry = std::tuple<std::int32_t, std::int32_t, float>;

/// Feeds `text` in pieces of `step` bytes.
std::vector<MarketEntry> parse_market(const std::string& text, std::size_t step = 1 << 20) {
  std::vector<MarketEntry> all;
  tenx::MarketParser parser("m.mtx");
  const auto add = [&](std::int32_t row, std::int32_t column, float value) { all.emplace_back(row, column, value); };
  for (std::size_t at = 0; at < text.size(); at += step) parser.feed(std::string_view(text).substr(at, step), add);
  parser.finish(add);
  return all;
}
std::string market_refusal(const std::string& text) {
  return refusal([&] { parse_market(text); });
}
const std::string banner = "%%MatrixMarket matrix coordinate integer general\n";
const std::string real_banner = "%%MatrixMarket matrix coordinate real general\n";

TEST_CASE("market file: entries are those of the text, however it is cut") {
  const std::string text = banner + "% a comment\n\n3 4 3\n1 1 5\r\n 2\t4  7 \n3 2 0";
  const std::vector<MarketEntry> wanted = {{0, 0, 5}, {1, 3, 7}, {2, 1, 0}};
  for (std::size_t step = 1; step <= text.size(); ++step) CHECK((parse_market(text, step) == wanted));
  CHECK((parse_market("%%matrixmarket MATRIX  coordinate Real GENERAL\n1 1 1\n1 1 1.5e+00\n") ==
         std::vector<MarketEntry>{{0, 0, 1.5F}}));
  CHECK(parse_market(banner + "0 0 0\n").empty());
}

TEST_CASE("market file: another header is refused with the one that is expected") {
  for (const char* header :
       {"%%MatrixMarket matrix array real general", "%%MatrixMarket matrix coordinate pattern general",
        "%%MatrixMarket matrix coordinate complex general", "%%MatrixMarket matrix coordinate integer symmetric",
        "%%MatrixMarket", "1 2 3", ""})
    check_says(market_refusal(std::string(header) + "\n1 1 1\n1 1 1\n"),
               {"m.mtx:1: '" + std::string(header).substr(0, 40), "coordinate integer general"});
  check_says(market_refusal(""), {"m.mtx is empty"});
}

TEST_CASE("market file: sizes that are none are refused with their line") {
  for (const char* size : {"-1 2 3", "a 2 3", "1.5 2 3", "3000000000 1 1", "1 1 99999999999999999999"})
    check_says(market_refusal(banner + size + "\n"), {"m.mtx:2:", "is no size of a matrix"});
  check_says(market_refusal(banner + "2 2\n"), {"m.mtx:2: '2 2' has too few", "row, column, entries"});
  check_says(market_refusal(banner + "2 2 5\n"), {"more entries (5) than a matrix of 2 x 2 has"});
  check_says(market_refusal(banner + "%only comments\n"), {"m.mtx:2: the file ends before"});
}

TEST_CASE("market file: entries that cannot be are refused with their line and what was found") {
  const auto refused = [](const std::string& line, const std::string& header = banner) {
    return market_refusal(header + "3 4 1\n" + line + "\n");
  };
  check_says(refused("0 1 5"), {"m.mtx:3: the row '0' is none of 1 to 3"});
  check_says(refused("4 1 5"), {"the row '4'"});
  check_says(refused("1 5 5"), {"the column '5' is none of 1 to 4"});
  check_says(refused("x 5 5"), {"the row 'x'"});
  check_says(refused("1 1"), {"'1 1' has too few", "row, column, value"});
  check_says(refused("1 1 1 1"), {"too many"});
  for (const char* value : {"-3", "1.5", "x", "nan", "99999999999999999999"})
    check_says(refused("1 1 " + std::string(value)),
               {"m.mtx:3: the value '" + std::string(value) + "'", "whole number"});
  for (const char* value : {"-0.5", "nan", "inf", "1e39", "1e999", "1.5x", "0x1"})
    check_says(refused("1 1 " + std::string(value), real_banner),
               {"the value '" + std::string(value) + "' is no count"});
  check_says(market_refusal(banner + "3 4 1\n1 1 1\n2 2 2\n"), {"m.mtx:4: more entries than the 1"});
  check_says(market_refusal(banner + "3 4 2\n1 1 1\n"), {"m.mtx:3: the file ends after 1 entries", "says 2"});
  check_says(market_refusal(banner + std::string(std::size_t{3} << 20, '1')), {"m.mtx:2: is longer than a MiB"});
  check_says(refused(std::string(500, 'x') + " 1 1"), {"xxx...'"});
}

using TableLines = std::vector<std::vector<std::string>>;

TableLines parse_table(const std::string& text, std::size_t step = 1 << 20) {
  TableLines all;
  tenx::TableParser parser("t.tsv");
  const auto add = [&](const auto& fields) { all.emplace_back(fields.begin(), fields.end()); };
  for (std::size_t at = 0; at < text.size(); at += step) parser.feed(std::string_view(text).substr(at, step), add);
  parser.finish(add);
  return all;
}

TEST_CASE("table: fields are those of the lines, however the text is cut; empty lines are passed over") {
  const std::string text = "a\tb c\tβ\r\n\nd\nx\t\ty";
  const TableLines wanted = {{"a", "b c", "β"}, {"d"}, {"x", "", "y"}};
  for (std::size_t step = 1; step <= text.size(); ++step) CHECK(parse_table(text, step) == wanted);
  CHECK(parse_table("").empty());
}

TEST_CASE("table: lines without a name, and bytes that are no text, are refused with their line") {
  const auto refused = [](const std::string& text) { return refusal([&] { parse_table(text); }); };
  check_says(refused("a\n\tb\n"), {"t.tsv:2:", "empty field"});
  check_says(refused("a\xff\n"), {"t.tsv:1:", "no UTF-8"});
  check_says(refused(std::string("a\nb\0c\n", 6)), {"t.tsv:2:", "no UTF-8"});
}

TEST_CASE("table: a feature without name or type is a gene of its id") {
  tenx::FeatureTable table;
  tenx::add_feature(table, {"E1"});
  tenx::add_feature(table, {"E2", "N2"});
  tenx::add_feature(table, {"E3", "N3", "Custom", "chr1"});
  CHECK(table.ids == std::vector<std::string>{"E1", "E2", "E3"});
  CHECK(table.names == std::vector<std::string>{"E1", "N2", "N3"});
  CHECK(table.types == std::vector<std::string>{"Gene Expression", "Gene Expression", "Custom"});
}

TEST_CASE("table: many names are kept in one text") {
  tenx::NameList names;
  for (const char* name : {"AAAC-1", "", "x"}) names.add(name);
  CHECK(names.size() == 3);
  CHECK(names.at(0) == "AAAC-1");
  CHECK(names.at(1).empty());
  CHECK(names.at(2) == "x");
}

}  // namespace
}  // namespace cell2text::test
