#include "cell2text/value.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("value: a place in a file is written file:line:column, an override by its name alone") {
  CHECK(Where{"run.toml", 3, 7}.text() == "run.toml:3:7");
  CHECK(Where{"--set seed", 0, 0}.text() == "--set seed");
}

TEST_CASE("value: a new value is an empty table, and each type has its words") {
  CHECK(Value{}.is_table());
  CHECK(Value{}.get_if<Value::Table>()->empty());
  CHECK(std::string(Value{true, {}}.type_name()) == "true or false");
  CHECK(std::string(Value{std::int64_t{1}, {}}.type_name()) == "a whole number");
  CHECK(std::string(Value{1.0, {}}.type_name()) == "a number");
  CHECK(std::string(Value{std::string("x"), {}}.type_name()) == "a text");
  CHECK(std::string(Value{Value::Array{}, {}}.type_name()) == "a list");
  CHECK(std::string(Value{}.type_name()) == "a table");
  CHECK(!Value{1.0, {}}.is_table());
}

TEST_CASE("value: keys keep the order of their first setting, and are found, replaced and erased") {
  Value table;
  table.set("b", {std::int64_t{1}, {}});
  table.set("a", {std::int64_t{2}, {}});
  Value& replaced = table.set("b", {std::string("new"), {"f", 1, 2}});
  CHECK(&replaced == table.find("b"));
  const auto& entries = *table.get_if<Value::Table>();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].key == "b");
  CHECK(*entries[0].value.get_if<std::string>() == "new");
  CHECK(entries[0].value.where.text() == "f:1:2");
  CHECK(table.find("c") == nullptr);
  CHECK(table.find("") == nullptr);
  CHECK(table.erase("b"));
  CHECK(!table.erase("b"));
  CHECK(table.find("b") == nullptr);
  CHECK(*table.find("a")->get_if<std::int64_t>() == 2);
}

TEST_CASE("value: what is no table holds no keys") {
  Value number{std::int64_t{1}, {}};
  CHECK(number.find("a") == nullptr);
  CHECK(!number.erase("a"));
  CHECK_THROWS_AS(number.set("a", {}), std::bad_variant_access);
}

TEST_CASE("value: the keys under which two tables differ are named by their whole path") {
  const auto number = [](double x) { return Value{x, {}}; };
  Value inner, a;
  inner.set("x", number(1)), inner.set("list", {Value::Array{number(1), Value{std::string("t"), {}}}, {}});
  a.set("flag", {true, {}}), a.set("inner", inner);
  Value b = a;
  b.where.file = "elsewhere";
  CHECK(cell2text::differing_keys(a, b).empty());
  b.find("inner")->set("x", number(2));
  b.set("more", {std::int64_t{3}, {}});
  CHECK(cell2text::differing_keys(a, b) == std::vector<std::string>{"inner.x", "more"});
  CHECK(cell2text::differing_keys(b, a) == std::vector<std::string>{"inner.x", "more"});
  b = a;
  b.find("inner")->set("list", {Value::Array{number(1)}, {}});
  CHECK(cell2text::differing_keys(a, b) == std::vector<std::string>{"inner.list"});
  b = a;
  b.set("flag", number(1));
  CHECK(cell2text::differing_keys(a, b) == std::vector<std::string>{"flag"});
}
