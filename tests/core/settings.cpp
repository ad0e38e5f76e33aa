// One case a rule of settings.hpp.
#include "cell2text/settings.hpp"

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

struct Inner {
  std::int64_t depth = 2;
  std::string name = "in";
  static void describe(auto& s) {
    s.field("depth", &Inner::depth, {.help = "levels", .min = 1});
    s.field("name", &Inner::name, {.help = "its name"});
  }
  void validate() const {
    if (depth == 13) throw InputError("depth 13 is not built");
  }
};

struct All {
  bool flag = true;
  std::int64_t whole = 5;
  double number = 0.5;
  std::string text = "plain";
  IntOrAuto automatic = {};
  std::optional<std::int64_t> maybe = {};
  std::vector<std::string> texts = {"a", "b"};
  std::vector<double> numbers = {};
  std::optional<Inner> inner = {};
  std::string needed = "";
  static void describe(auto& s) {
    s.field("flag", &All::flag, {.help = "a switch"});
    s.field("whole", &All::whole, {.help = "a count", .unit = "cells", .min = 1, .max = 10});
    s.field("number", &All::number, {.help = "a share", .max = 1});
    s.field("text", &All::text, {.help = "a choice", .choices = {"plain", "rotated", "scaled"}});
    s.field("automatic", &All::automatic, {.help = "a size", .min = 1});
    s.field("maybe", &All::maybe, {.help = "perhaps", .min = 0});
    s.field("texts", &All::texts, {.help = "names", .choices = {"a", "b", "c"}});
    s.field("numbers", &All::numbers, {.help = "shares", .min = 0});
    s.field("inner", &All::inner, {.help = "a table"});
    s.field("needed", &All::needed, {.help = "no default", .required = true});
  }
  void validate() const {
    if (whole == 10 && !flag) throw InputError("whole = 10 needs flag = true");
  }
};

struct NeedsTable {
  std::optional<Inner> inner = {};
  static void describe(auto& s) { s.field("inner", &NeedsTable::inner, {.help = "the table", .required = true}); }
};

/// One required key and whatever else, each on a line of its own.
Value table_with(std::vector<std::pair<std::string, Value>> entries) {
  Value table;
  table.where = {"f", 1, 1};
  table.set("needed", {std::string("here"), {"f", 2, 1}});
  int line = 2;
  for (auto& [key, value] : entries) {
    value.where = {"f", ++line, 1};
    table.set(key, std::move(value));
  }
  return table;
}
Value whole(std::int64_t value) {
  return {value, {}};
}
Value number(double value) {
  return {value, {}};
}
Value text(std::string value) {
  return {std::move(value), {}};
}
Value list(Value::Array items) {
  return {std::move(items), {}};
}

All read(const Value& table) {
  All settings;
  SettingsFaults faults;
  read_fields(table, settings, faults, "part.");
  faults.raise();
  return settings;
}
/// The only fault of one key with one value.
std::string fault_of(const std::string& key, Value value) {
  return message_of<InputError>([&] { read(table_with({{key, std::move(value)}})); });
}
bool same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* list = a.get_if<Value::Array>()) return std::ranges::equal(*list, *b.get_if<Value::Array>(), same);
  if (const auto* table = a.get_if<Value::Table>())
    return std::ranges::equal(*table, *b.get_if<Value::Table>(),
                              [](const Entry& x, const Entry& y) { return x.key == y.key && same(x.value, y.value); });
  if (const auto* truth = a.get_if<bool>()) return *truth == *b.get_if<bool>();
  if (const auto* n = a.get_if<std::int64_t>()) return *n == *b.get_if<std::int64_t>();
  if (const auto* x = a.get_if<double>()) return *x == *b.get_if<double>();
  return *a.get_if<std::string>() == *b.get_if<std::string>();
}

}  // namespace

TEST_CASE("settings: absent keys keep their defaults") {
  const All all = read(table_with({}));
  CHECK(all.flag);
  CHECK(all.whole == 5);
  CHECK(all.number == 0.5);
  CHECK(all.text == "plain");
  CHECK(!all.automatic.value);
  CHECK(!all.maybe);
  CHECK(all.texts == std::vector<std::string>{"a", "b"});
  CHECK(!all.inner);
  CHECK(all.needed == "here");
}

TEST_CASE("settings: every type is read") {
  Value inner;
  inner.set("depth", whole(4));
  const All all = read(table_with({{"flag", {false, {}}},
                                   {"whole", whole(10 - 1)},
                                   {"number", whole(-3)},
                                   {"text", text("scaled")},
                                   {"automatic", whole(64)},
                                   {"maybe", whole(0)},
                                   {"texts", list({text("c")})},
                                   {"numbers", list({whole(1), number(2.5)})},
                                   {"inner", inner}}));
  CHECK(!all.flag);
  CHECK(all.whole == 9);
  CHECK(all.number == -3);
  CHECK(all.text == "scaled");
  CHECK(all.automatic.value == 64);
  CHECK(all.maybe == 0);
  CHECK(all.texts == std::vector<std::string>{"c"});
  CHECK(all.numbers == std::vector<double>{1, 2.5});
  REQUIRE(all.inner);
  CHECK(all.inner->depth == 4);
  CHECK(all.inner->name == "in");
}

TEST_CASE("settings: an unknown key is answered with the nearest name, or with all of them") {
  CHECK(fault_of("numbr", whole(1)) == "f:3:1: unknown key 'part.numbr'; did you mean 'number'?");
  CHECK(fault_of("quite_another_thing", whole(1)) ==
        "f:3:1: unknown key 'part.quite_another_thing'; known: flag, whole, number, text, automatic, maybe, texts, "
        "numbers, inner, needed");
  CHECK(has(fault_of("", whole(1)), "unknown key 'part.'"));
}

TEST_CASE("settings: a wrong type is told with what was found and what is wanted") {
  CHECK(fault_of("flag", whole(1)) == "f:3:1: 'part.flag' is a whole number; it must be true or false");
  CHECK(fault_of("whole", number(1)) == "f:3:1: 'part.whole' is a number; it must be a whole number");
  CHECK(fault_of("whole", text("5")) == "f:3:1: 'part.whole' is a text ('5'); it must be a whole number");
  CHECK(fault_of("number", {true, {}}) == "f:3:1: 'part.number' is true or false; it must be a number");
  CHECK(fault_of("text", whole(1)) == "f:3:1: 'part.text' is a whole number; it must be a text");
  CHECK(fault_of("texts", text("a")) == "f:3:1: 'part.texts' is a text ('a'); it must be a list");
  CHECK(fault_of("inner", whole(1)) == "f:3:1: 'part.inner' is a whole number; it must be a table");
  CHECK(has(fault_of("maybe", list({})), "'part.maybe' is a list; it must be a whole number"));
  CHECK(has(fault_of("needed", Value{}), "'part.needed' is a table; it must be a text"));
}

TEST_CASE("settings: what should be a table and is not is a fault, not a crash") {
  All all;
  SettingsFaults faults;
  read_fields(whole(3), all, faults, "part.");
  read_fields(whole(3), all, faults, "");
  CHECK(faults.text() ==
        "'part' is a whole number; it must be a table\n'settings' is a whole number; it must be a table");
}

TEST_CASE("settings: a value out of range is told with the range and the unit") {
  CHECK(fault_of("whole", whole(0)) == "f:3:1: 'part.whole' is 0; it must be between 1 and 10 (cells)");
  CHECK(has(fault_of("whole", whole(11)), "between 1 and 10"));
  CHECK(has(fault_of("number", number(1.25)), "'part.number' is 1.25; it must be at most 1"));
  CHECK(has(fault_of("maybe", whole(-1)), "it must be at least 0"));
  CHECK(has(fault_of("whole", whole(std::numeric_limits<std::int64_t>::max())), "it must be between"));
  CHECK(has(fault_of("whole", whole(std::numeric_limits<std::int64_t>::min())), "it must be between"));
}

TEST_CASE("settings: nan is refused, infinite and huge numbers are compared with the range") {
  CHECK(fault_of("number", number(std::nan(""))) == "f:3:1: 'part.number' is nan; it must be a number");
  CHECK(has(fault_of("numbers", list({number(1), number(std::nan(""))})), "'part.numbers[1]' is nan"));
  CHECK(has(fault_of("number", number(std::numeric_limits<double>::infinity())), "is inf; it must be at most 1"));
  CHECK(has(fault_of("number", number(1e300)), "is 1e+300; it must be at most 1"));
  CHECK(read(table_with({{"number", number(-1e300)}})).number == -1e300);
}

TEST_CASE("settings: a text with choices must be one of them") {
  CHECK(fault_of("text", text("rotatd")) ==
        "f:3:1: 'part.text' is 'rotatd'; it must be one of 'plain', 'rotated', 'scaled'; did you mean 'rotated'?");
  CHECK(fault_of("text", text("something")) ==
        "f:3:1: 'part.text' is 'something'; it must be one of 'plain', 'rotated', 'scaled'");
}

TEST_CASE("settings: each item of a list is checked, and named by its index") {
  CHECK(has(fault_of("texts", list({text("a"), whole(2)})), "'part.texts[1]' is a whole number; it must be a text"));
  CHECK(has(fault_of("texts", list({text("zebra")})), "'part.texts[0]' is 'zebra'; it must be one of 'a', 'b', 'c'"));
  CHECK(has(fault_of("numbers", list({number(-1)})), "'part.numbers[0]' is -1; it must be at least 0"));
  CHECK(read(table_with({{"texts", list({})}})).texts.empty());
}

TEST_CASE("settings: a size may be auto") {
  CHECK(!read(table_with({{"automatic", text("auto")}})).automatic.value);
  CHECK(fault_of("automatic", text("Auto")) ==
        "f:3:1: 'part.automatic' is a text ('Auto'); it must be a whole number or 'auto'");
  CHECK(has(fault_of("automatic", whole(0)), "it must be at least 1"));
}

TEST_CASE("settings: a required key must be there, also a table") {
  Value table;
  table.where = {"f", 9, 1};
  CHECK(message_of<InputError>([&] { read(table); }) == "f:9:1: 'part.needed' is missing: no default");
  NeedsTable needs;
  SettingsFaults faults;
  read_fields(table, needs, faults, "");
  CHECK(faults.text() == "f:9:1: 'inner' is missing: the table");
}

TEST_CASE("settings: a nested table is strict too, and a faulty one is left unset") {
  Value inner;
  inner.set("dept", {std::int64_t{3}, {"f", 7, 2}});
  All all;
  SettingsFaults faults;
  read_fields(table_with({{"inner", inner}}), all, faults, "");
  CHECK(faults.text() == "f:7:2: unknown key 'inner.dept'; did you mean 'depth'?");
  CHECK(!all.inner);
}

TEST_CASE("settings: rules between fields are checked where the fields themselves are right") {
  CHECK(message_of<InputError>([&] {
          read(table_with({{"whole", whole(10)}, {"flag", {false, {}}}}));
        }) == "f:1:1: whole = 10 needs flag = true");
  Value inner;
  inner.set("depth", whole(13));
  const std::string both = message_of<InputError>([&] { read(table_with({{"flag", whole(1)}, {"inner", inner}})); });
  CHECK(both == "f:3:1: 'part.flag' is a whole number; it must be true or false\nf:4:1: depth 13 is not built");
}

TEST_CASE("settings: all faults are reported at once, in the order of the file") {
  Value inner;
  inner.set("depth", {std::int64_t{0}, {"f", 8, 5}});
  Value table;
  table.where = {"f", 1, 1};
  table.set("wole", {std::int64_t{1}, {"f", 9, 1}});
  table.set("text", {std::int64_t{1}, {"f", 3, 9}});
  table.set("number", {std::string("x"), {"f", 3, 1}});
  inner.where = {"f", 7, 1};
  table.set("inner", inner);
  CHECK(message_of<InputError>([&] { read(table); }) ==
        "f:1:1: 'part.needed' is missing: no default\n"
        "f:3:1: 'part.number' is a text ('x'); it must be a number\n"
        "f:3:9: 'part.text' is a whole number; it must be a text\n"
        "f:8:5: 'part.inner.depth' is 0; it must be at least 1\n"
        "f:9:1: unknown key 'part.wole'; did you mean 'whole'?");
}

TEST_CASE("settings: what is wrong leaves the default in place") {
  All all;
  SettingsFaults faults;
  read_fields(table_with({{"whole", whole(11)}, {"number", number(0.25)}, {"texts", list({text("z")})}}), all, faults,
              "");
  CHECK(faults.list.size() == 2);
  CHECK(all.whole == 5);
  CHECK(all.number == 0.25);
}

TEST_CASE("settings: written settings hold every default, and are read back as they were") {
  const Value defaults = write_settings(All{});
  std::vector<std::string> keys;
  for (const Entry& entry : *defaults.get_if<Value::Table>()) keys.push_back(entry.key);
  CHECK(keys == std::vector<std::string>{"flag", "whole", "number", "text", "automatic", "texts", "numbers", "needed"});
  CHECK(*defaults.find("automatic")->get_if<std::string>() == "auto");

  const std::uint64_t seed_number = seed();
  INFO("seed " << seed_number);
  std::mt19937_64 random(seed_number);
  for (int round = 0; round < 200; ++round) {
    All all;
    all.flag = random() % 2;
    all.whole = static_cast<std::int64_t>(1 + random() % 9);
    all.number = -std::exp(static_cast<double>(random() % 1000) / 10 - 50);
    all.text = random() % 2 ? "rotated" : "scaled";
    if (random() % 2) all.automatic.value = static_cast<std::int64_t>(1 + random() % 1000);
    if (random() % 2) all.maybe = static_cast<std::int64_t>(random() % 1000);
    all.texts.assign(random() % 4, "c");
    for (std::size_t i = random() % 3; i > 0; --i) all.numbers.push_back(static_cast<double>(random()) / 7);
    if (random() % 2) all.inner = Inner{static_cast<std::int64_t>(1 + random() % 12), std::string(random() % 5, 'x')};
    all.needed = std::to_string(random());
    const Value written = write_settings(all);
    CHECK(same(write_settings(read(written)), written));
    CHECK((written.find("maybe") != nullptr) == all.maybe.has_value());
    CHECK((written.find("inner") != nullptr) == all.inner.has_value());
  }
}

TEST_CASE("settings: the description lists every field with type, help, range and default") {
  const std::vector<FieldInfo> fields = describe_settings<All>();
  REQUIRE(fields.size() == 10);
  const std::vector<std::string> types{"boolean", "integer",      "number",         "text",  "integer or auto",
                                       "integer", "list of text", "list of number", "table", "text"};
  for (std::size_t i = 0; i < fields.size(); ++i) CHECK(fields[i].type == types[i]);
  CHECK(fields[1].name == "whole");
  CHECK(fields[1].about.unit == "cells");
  CHECK(fields[1].about.min == 1);
  CHECK(fields[1].has_default);
  CHECK(*fields[1].default_value.get_if<std::int64_t>() == 5);
  CHECK(fields[3].about.choices.size() == 3);
  CHECK(!fields[5].has_default);
  REQUIRE(fields[8].fields.size() == 2);
  CHECK(fields[8].fields[0].name == "depth");
  CHECK(fields[9].about.required);
  CHECK(!fields[9].has_default);
}

TEST_CASE("settings: the nearest name is one that a typing error explains") {
  CHECK(nearest_name("lama", {"gemma", "llama"}) == "llama");
  CHECK(nearest_name("llama", {"gemma", "llama"}) == "llama");
  CHECK(nearest_name("transformer", {"gemma", "llama"}) == "");
  CHECK(nearest_name("x", {}) == "");
  CHECK(nearest_name("lerning_rat", {"warmup", "learning_rate"}) == "learning_rate");
  CHECK(suggestion("x", {}) == "");
}
