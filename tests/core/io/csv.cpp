// Comma-separated values: quoting both ways, and what is refused.
#include "cell2text/io/csv.hpp"

#include <doctest/doctest.h>

#include "core/io/message.hpp"

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

TEST_CASE("csv: what is written is read") {
  for (const std::string& text : {std::string("plain"), std::string("a,b"), std::string("\"q\""), std::string("a\nb"),
                                  std::string("it's 5\" long"), std::string("ä, β")}) {
    CAPTURE(text);
    CHECK(parse_csv("x," + csv_field(text) + "\n", "t.csv")[0].fields == std::vector<std::string>{"x", text});
  }
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
