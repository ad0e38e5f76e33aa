// Comma-separated values: quoting both ways, and what is refused.
#include "cell2text/io/csv.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using cell2text::csv_field;
using cell2text::CsvLine;
using cell2text::InputError;
using cell2text::parse_csv;

TEST_CASE("csv: fields in quotes hold commas, quotes and line breaks; line numbers are those of the text") {
  const auto lines = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\r\n\"x, \"\"y\"\"\nz\",2\n,\nlast",
      "t.csv");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].fields == std::vector<std::string>{"a", "b"});
  CHECK(lines[1].fields == std::vector<std::string>{"x, \"y\"\nz", "2"});
  CHECK(lines[2].fields == std::vector<std::string>{"", ""});
  CHECK(lines[3].fields == std::vector<std::string>{"last"});
  CHECK(lines[0].number == 1);
  CHECK(lines[1].number == 3);
  CHECK(lines[2].number == 5);
  CHECK(lines[3].number == 6);
  CHECK(parse_csv("", "t.csv").empty());
  CHECK(parse_csv("\n\n", "t.csv").empty());
  CHECK(parse_csv("\"\",x", "t.csv")[0].fields == std::vector<std::string>{"", "x"});
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
      line += "," + csv_field(fields.back());
    }
    const auto lines = parse_csv(line + (round % 2 == 0 ? "\n" : "\r\n"), "t.csv");
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0].fields == fields);
    try {
      parse_csv(text_of(random() % 30), "t.csv");
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(csv_field("plain") == "plain");
}

TEST_CASE("csv: a text that is no UTF-8, an open quote and text behind a closing one are refused by line") {
  using cell2text::test::has;
  using cell2text::test::message_of;
  CHECK(has(message_of<InputError>([] { parse_csv("a\xff", "t.csv"); }), "t.csv: not a text in UTF-8"));
  CHECK(has(message_of<InputError>([] { parse_csv(std::string("a\0b", 3), "t.csv"); }), "t.csv: not a text in UTF-8"));
  CHECK(has(message_of<InputError>([] { parse_csv("a\nb\n\"c\nd", "t.csv"); }), "t.csv:3: a quote is opened"));
  CHECK(has(message_of<InputError>([] { parse_csv("a\n\"b\"c\n", "t.csv"); }), "t.csv:2: text stands behind"));
}
