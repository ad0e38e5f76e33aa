// Tables of comma-separated values: quotes, line ends, and what is refused.
#include "cell2text/io/csv.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "support/oracle.hpp"

namespace {

using cell2text::test::says;
std::string csv_refusal(const std::string& text) {
  try {
    cell2text::parse_csv(text, "t.csv");
  } catch (const cell2text::InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("csv: quoted fields hold commas, quotes and line breaks; lines end in LF or CRLF") {
  const auto table = cell2text::parse_csv("\xEF\xBB\xBFlabel, id\r\n\"a, \"\"b\"\"\nc\",1\r\n\n,\nβ,\"2\"", "t.csv");
  CHECK(table.header == std::vector<std::string>{"label", "id"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0].fields == std::vector<std::string>{"a, \"b\"\nc", "1"});
  CHECK(table.rows[1].fields == std::vector<std::string>{"", ""});
  CHECK(table.rows[2].fields == std::vector<std::string>{"β", "2"});
  CHECK(table.rows[0].line == 2);
  CHECK(table.rows[1].line == 5);
  CHECK(table.rows[2].line == 6);
  CHECK(table.column("id") == 1);
  CHECK_FALSE(table.column("name").has_value());
}

TEST_CASE("csv: a damaged table is refused with its line") {
  CHECK(says(csv_refusal("a,b\n1\n"), "t.csv:2: 1 fields; the header has 2"));
  CHECK(says(csv_refusal("a,b\n\"1,2\n"), "t.csv:2: a quote is opened"));
  CHECK(says(csv_refusal("a,b\n\"1\"x,2\n"), "t.csv:2: text behind a closing quote"));
  CHECK(says(csv_refusal("a\xff"), "no UTF-8"));
  CHECK(says(csv_refusal("\n\n"), "holds no header"));
  CHECK_THROWS_AS(cell2text::read_csv("/nonexistent/t.csv"), cell2text::InputError);
  const cell2text::test::TemporaryFolder folder;
  cell2text::test::write_file(folder / "t.csv", "a\n1\n");
  CHECK(cell2text::read_csv(folder / "t.csv").rows.size() == 1);
}

TEST_CASE("csv: what is written is read, and any text is read or refused") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto text_of = [&](std::size_t length) {
    std::string text;
    while (text.size() < length) text += std::string_view("ab,\"\n\r '")[random() % 8];
    return text;
  };
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> fields{"first"};
    std::string line = "first";
    for (std::size_t i = random() % 4; i > 0; --i) {
      fields.push_back(text_of(random() % 6));
      line += "," + cell2text::csv_field(fields.back());
    }
    REQUIRE(cell2text::parse_csv(line + (round % 2 == 0 ? "\n" : "\r\n"), "t.csv").header == fields);
    try {
      cell2text::parse_csv(text_of(random() % 30), "t.csv");
    } catch (const cell2text::InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(cell2text::csv_field("plain") == "plain");
}
