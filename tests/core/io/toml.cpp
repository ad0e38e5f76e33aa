#include "cell2text/io/toml.hpp"

#include <cmath>
#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

const Value& value_at(const Value& root, std::initializer_list<const char*> keys) {
  const Value* node = &root;
  for (const char* key : keys) {
    node = node->find(key);
    if (!node) FAIL("no key " << key);
  }
  return *node;
}

/// Equality, where the keys of a table may stand in another order and nan equals nan.
bool same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* list = a.get_if<Value::Array>()) return std::ranges::equal(*list, *b.get_if<Value::Array>(), same);
  if (const auto* table = a.get_if<Value::Table>()) {
    if (table->size() != b.get_if<Value::Table>()->size()) return false;
    return std::ranges::all_of(*table, [&](const Entry& entry) {
      const Value* other = b.find(entry.key);
      return other && same(entry.value, *other);
    });
  }
  if (const auto* truth = a.get_if<bool>()) return *truth == *b.get_if<bool>();
  if (const auto* whole = a.get_if<std::int64_t>()) return *whole == *b.get_if<std::int64_t>();
  if (const auto* x = a.get_if<double>())
    return *x == *b.get_if<double>() || (std::isnan(*x) && std::isnan(*b.get_if<double>()));
  return *a.get_if<std::string>() == *b.get_if<std::string>();
}

std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> pieces{"a", "b", ".", "\"", "'",  "\\",   "\n", "\t",   "#",    "=",      " ",
                                               "[", "]", "{", "é",  "細", "🧬", "\r", "\x01", "\x7f", "\"\"\"", "1"};
  std::string text;
  for (std::size_t i = random() % 12; i > 0; --i) text += pieces[random() % pieces.size()];
  return text;
}

Value random_value(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 6 : 4)) {
    case 0:
      return {random() % 2 == 0, {}};
    case 1:
      return {static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 ? 1 : -1), {}};
    case 2: {
      double number;
      do number = std::bit_cast<double>(random());
      while (std::isnan(number));
      return {random() % 3 ? number : static_cast<double>(random() % 1000), {}};
    }
    case 3:
      return {random_text(random), {}};
    case 4: {
      Value::Array list;
      for (std::size_t i = random() % 4; i > 0; --i) list.push_back(random_value(random, depth - 1));
      return {std::move(list), {}};
    }
    default: {
      Value table;
      for (std::size_t i = random() % 5; i > 0; --i) table.set(random_text(random), random_value(random, depth - 1));
      return table;
    }
  }
}

std::string toml_refusal(const std::string& text) {
  return message_of<InputError>([&] { parse_toml(text, "f.toml"); });
}

}  // namespace

TEST_CASE("toml: every type arrives, with the place of its key") {
  const Value root = parse_toml(
      "seed = 7\n"
      "share = 0.5\n"
      "\n"
      "[training]\n"
      "  fast = true\n"
      "  steps = [1, 2.5, \"three\"]\n"
      "  inline = { a = 1 }\n"
      "[[metrics]]\n"
      "plugin = \"overlap\"\n"
      "[[metrics]]\n"
      "plugin = 'labels'\n",
      "f.toml");
  CHECK(*value_at(root, {"seed"}).get_if<std::int64_t>() == 7);
  CHECK(value_at(root, {"seed"}).where.text() == "f.toml:1:1");
  CHECK(*value_at(root, {"share"}).get_if<double>() == 0.5);
  CHECK(value_at(root, {"training"}).where.line == 4);
  CHECK(*value_at(root, {"training", "fast"}).get_if<bool>());
  CHECK(value_at(root, {"training", "fast"}).where.text() == "f.toml:5:3");
  const auto& steps = *value_at(root, {"training", "steps"}).get_if<Value::Array>();
  REQUIRE(steps.size() == 3);
  CHECK(*steps[1].get_if<double>() == 2.5);
  CHECK(steps[1].where.text() == "f.toml:6:15");
  CHECK(*value_at(root, {"training", "inline", "a"}).get_if<std::int64_t>() == 1);
  const auto& metrics = *value_at(root, {"metrics"}).get_if<Value::Array>();
  REQUIRE(metrics.size() == 2);
  CHECK(*metrics[1].find("plugin")->get_if<std::string>() == "labels");
  CHECK(metrics[1].find("plugin")->where.text() == "f.toml:11:1");
  CHECK(parse_toml("", "f.toml").get_if<Value::Table>()->empty());
}

TEST_CASE("toml: an error of syntax names file, line and column") {
  CHECK(toml_refusal("a = 1\nb = = 2\n").starts_with("f.toml:2:5: "));
  CHECK(toml_refusal("a = 1\na = 2\n").starts_with("f.toml:2:"));
  CHECK(toml_refusal("a = \"never closed").starts_with("f.toml:1:"));
  CHECK(toml_refusal("[a\n").starts_with("f.toml:1:"));
  CHECK(toml_refusal("a = \"\xff\"\n").starts_with("f.toml:1:"));
  CHECK(toml_refusal("a = 99999999999999999999\n").starts_with("f.toml:1:"));
  CHECK(toml_refusal("a = " + std::string(100000, '[')).starts_with("f.toml:1:"));
}

TEST_CASE("toml: dates and times are refused, wherever they stand") {
  CHECK(toml_refusal("a = 1\nb = 2024-05-01\n") ==
        "f.toml:2:5: dates and times are not used here; write a text in quotes");
  CHECK(has(toml_refusal("b = [07:32:00]"), "f.toml:1:6: dates and times"));
  CHECK(has(toml_refusal("[t]\nb = 2024-05-01T07:32:00Z"), "f.toml:2:5: dates and times"));
}

TEST_CASE("toml: damaged text is refused or read, never more") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const std::string sound = "a = [1, 2.0, 'x']\n[b]\nc = { d = true, e = \"\\u00e9\" }\n[[f]]\ng.h = 0x1F\n";
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = sound.substr(0, 1 + random() % sound.size());
    for (std::size_t i = random() % 3; i > 0; --i) text[random() % text.size()] = static_cast<char>(random());
    try {
      parse_toml(text, "f.toml");
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("toml: what the library dies of is refused before it sees it") {
  const auto toml_refusal = [](const std::string& text) {
    return message_of<InputError>([&] { parse_toml(text, "x.toml"); });
  };
  const auto repeated = [](const std::string& part, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += part;
    return all;
  };
  CHECK(has(toml_refusal("b = 1\n" + repeated("a.", 20) + "a = 1"), "x.toml:2: a key of over 20 parts"));
  CHECK_NOTHROW(parse_toml(repeated("a.", 19) + "a = 1", "x.toml"));
  CHECK(has(toml_refusal("[" + repeated("a . ", 1'000'000) + "a]"), "a key of over 20 parts"));
  CHECK(has(toml_refusal("a = '''\n" + repeated("x.", 50) + "\n'''\n" + repeated("\"a\".", 20) + "a = 1"),
            "x.toml:4: a key"));
  CHECK(has(toml_refusal("a = " + repeated("[", 101) + repeated("]", 101)), "nested deeper than 100 levels"));
  CHECK(has(toml_refusal("\u0470 = 1"), "x.toml:1: a letter beyond ASCII outside of quotes"));
  CHECK(has(toml_refusal("a = 0\"\u0408\""), "x.toml:1: a quote in the middle of a value"));
  CHECK(has(toml_refusal("a = [+[\"\u00e9\"]]"), "x.toml:1: a bracket in the middle of a value"));
  CHECK(has(toml_refusal("a = 1\nb = [\"\u00e9]\n"), "x.toml:2: a quote is opened and never closed"));
  for (const char* blanks : {"", " ", "\n", " \n\t\n"}) {
    const std::string text = "\"\"\"x\n\\" + std::string(blanks) + "\ufcff\"\"\"";
    const auto lines = 2 + std::ranges::count(std::string_view(blanks), '\n');
    CHECK(has(toml_refusal("a = " + text),
              "x.toml:" + std::to_string(lines) + ": a letter beyond ASCII behind a backslash"));
  }
  const Value joined = parse_toml("a = \"\"\"\\\n  x\u00e9 \\\\\u00e9\"\"\"", "x.toml");
  CHECK(*joined.find("a")->get_if<std::string>() == "x\u00e9 \\\u00e9");
  // Malformed, and told by the library itself, whether its assertions are on or off.
  for (const char* text : {"[`]", "[[[", "a=[}", "[", "[a", "a = {,}", "a = ,"})
    CHECK(has(toml_refusal(text), "x.toml:1:"));
  // Much that looks alike is fine.
  const Value value = parse_toml(
      "\xEF\xBB\xBF# a.b.c.\u00fc\n\"\u00fc\" = [0.1, 0.2, 'a.b'] # \"\n"
      "b = \"\"\"\u00fc\"\"\"\"\"\nc = ''''a'''''\nd = {e = \"\", f = 'g\"'}\n",
      "x.toml");
  CHECK(*value.find("b")->get_if<std::string>() == "\u00fc\"\"");
  CHECK(*value.find("c")->get_if<std::string>() == "'a''");
}

TEST_CASE("toml: random trees are written and read back as they were") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 500; ++round) {
    Value root;
    for (std::size_t i = random() % 6; i > 0; --i) root.set(random_text(random), random_value(random, 3));
    const std::string text = write_toml(root);
    INFO("round " << round << ":\n" << text);
    REQUIRE(same(parse_toml(text, "written"), root));
    const std::string sorted = write_toml(parse_toml(text, "written"));
    REQUIRE(write_toml(parse_toml(sorted, "written")) == sorted);
  }
}

TEST_CASE("toml: what is written keeps the order of keys, plain values before tables") {
  Value inner, metric, root;
  inner.set("text", {std::string("a \"b\"\n\x01"), {}});
  inner.set("deep", Value{});
  metric.set("plugin", {std::string("overlap"), {}});
  root.set("table", inner);
  root.set("whole", {std::int64_t{-3}, {}});
  root.set("metrics", {Value::Array{metric, Value{}}, {}});
  root.set("a key", {2.0, {}});
  root.set("list", {Value::Array{{true, {}}, metric, {Value::Array{}, {}}}, {}});
  root.set("large", {1e300, {}});
  root.set("infinite", {-std::numeric_limits<double>::infinity(), {}});
  CHECK(write_toml(root) ==
        "whole = -3\n\"a key\" = 2.0\nlist = [true, { plugin = \"overlap\" }, []]\nlarge = 1e+300\n"
        "infinite = -inf\n\n[table]\ntext = \"a \\\"b\\\"\\n\\u0001\"\n\n[table.deep]\n\n"
        "[[metrics]]\nplugin = \"overlap\"\n\n[[metrics]]\n");
  CHECK(write_toml(Value{}) == "");
}

TEST_CASE("toml: a folder and a missing file are the caller's fault, a file is read") {
  const TemporaryFolder folder;
  CHECK(has(message_of<InputError>([&] { read_toml(folder.path()); }), "is a folder; expected an experiment file"));
  CHECK(has(message_of<InputError>([&] { read_toml(folder / "none.toml"); }), "none.toml: no such file"));
  write_file(folder / "x.toml", "a = 1\nb = ?\n");
  CHECK(message_of<InputError>([&] {
          read_toml(folder / "x.toml");
        }).starts_with((folder / "x.toml").string() + ":2:5: "));
  write_file(folder / "x.toml", "a = 1\n");
  CHECK(*value_at(read_toml(folder / "x.toml"), {"a"}).get_if<std::int64_t>() == 1);
}

TEST_CASE("override: values are read as TOML where they can be, else as text") {
  Value root = parse_toml("a = 1\n[t]\nb = 2\n", "f.toml");
  apply_override(root, "a=true");
  CHECK(*value_at(root, {"a"}).get_if<bool>());
  CHECK(value_at(root, {"a"}).where.text() == "--set a");
  apply_override(root, "t.b=2.5");
  CHECK(*value_at(root, {"t", "b"}).get_if<double>() == 2.5);
  apply_override(root, "t.b=a plain text");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "a plain text");
  apply_override(root, "t.b=\"1\"");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "1");
  apply_override(root, "t.b=");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "");
  apply_override(root, "t.b=x=y");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "x=y");
  apply_override(root, "t.b=2024-05-01");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "2024-05-01");
  apply_override(root, "t.b=1\nc = 3");
  CHECK(*value_at(root, {"t", "b"}).get_if<std::string>() == "1\nc = 3");
  CHECK(root.find("c") == nullptr);
  apply_override(root, "t.b=[1, 2]");
  REQUIRE(value_at(root, {"t", "b"}).get_if<Value::Array>()->size() == 2);
  CHECK((*value_at(root, {"t", "b"}).get_if<Value::Array>())[1].where.text() == "--set t.b");
  apply_override(root, "t={ c = 3 }");
  CHECK(*value_at(root, {"t", "c"}).get_if<std::int64_t>() == 3);
  CHECK(value_at(root, {"t", "c"}).where.text() == "--set t");
  CHECK(value_at(root, {"t"}).find("b") == nullptr);
}

TEST_CASE("override: tables on the way are made, items of lists are reached by number") {
  Value root = parse_toml("list = [10, 20]\n[[metrics]]\nplugin = 'a'\n[[metrics]]\nplugin = 'b'\n", "f.toml");
  apply_override(root, "new.deep.key=1");
  CHECK(*value_at(root, {"new", "deep", "key"}).get_if<std::int64_t>() == 1);
  CHECK(value_at(root, {"new", "deep"}).where.text() == "--set new.deep.key");
  apply_override(root, "list.1=21");
  CHECK(*(*value_at(root, {"list"}).get_if<Value::Array>())[1].get_if<std::int64_t>() == 21);
  apply_override(root, "metrics.1.plugin=c");
  CHECK(*(*value_at(root, {"metrics"}).get_if<Value::Array>())[1].find("plugin")->get_if<std::string>() == "c");
  CHECK(*(*value_at(root, {"metrics"}).get_if<Value::Array>())[0].find("plugin")->get_if<std::string>() == "a");
}

TEST_CASE("override: endless paths and bytes that are no text are refused") {
  Value root;
  std::string path = "a";
  for (int i = 0; i < 100'000; ++i) path += ".a";
  CHECK(has(message_of<InputError>([&] { apply_override(root, path + "=1"); }), "a key of over 20 parts"));
  CHECK(
      has(message_of<InputError>([&] { apply_override(root, "name=\xff"); }), "name=\uFFFD: bytes that are no UTF-8"));
}

TEST_CASE("override: what cannot be set is refused with the reason") {
  Value root = parse_toml("list = [10, 20]\nwhole = 1\n", "f.toml");
  const auto refused = [&](const std::string& assignment) {
    return message_of<InputError>([&] { apply_override(root, assignment); });
  };
  CHECK(has(refused("epochs"), "--set epochs: expected key=value"));
  CHECK(has(refused("=3"), "expected key=value"));
  CHECK(has(refused("list.2=3"), "'2' is no item of a list of 2"));
  CHECK(has(refused("list.-1=3"), "'-1' is no item of a list of 2"));
  CHECK(has(refused("list.=3"), "'' is no item of a list of 2"));
  CHECK(has(refused("list.99999999999999999999=3"), "is no item of a list of 2"));
  CHECK(has(refused("list.first=3"), "'first' is no item"));
  CHECK(has(refused("whole.part=3"), "what stands before 'part' is a whole number, not a table"));
  CHECK(same(root, parse_toml("list = [10, 20]\nwhole = 1\n", "f.toml")));
}
