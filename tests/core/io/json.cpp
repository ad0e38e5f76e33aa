#include "cell2text/io/json.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {
std::string json_refusal(const std::string& text) {
  return message_of<InputError>([&] { parse_json(text, "x.json"); });
}
}  // namespace

TEST_CASE("json: a file is read") {
  TemporaryFolder folder;
  write_file(folder / "a.json", "{\"a\": [1, 2.5, \"ß\", null, true]}\n");
  CHECK(read_json(folder / "a.json").at("a").size() == 5);
  CHECK_THROWS_AS(read_json(folder / "none.json"), InputError);
}

TEST_CASE("json: an error names file, line and column") {
  CHECK(has(json_refusal("{\"a\": 1,\n \"b\": [1,}"), "x.json:2:10: not valid JSON"));
  CHECK(has(json_refusal("{\"ßß\": x}"), "x.json:1:8: not valid JSON"));
  CHECK(has(json_refusal(""), "x.json:1:1: not valid JSON"));
  CHECK(has(json_refusal("{\"a\": 1"), "x.json:1:8: not valid JSON"));
  CHECK(has(json_refusal("{} {}"), "x.json:1:4"));
  CHECK(has(json_refusal("{\"a\": NaN}"), "not valid JSON"));
  TemporaryFolder folder;
  write_file(folder / "a.json", "[1,\n2");
  CHECK(has(message_of<InputError>([&] { read_json(folder / "a.json"); }), (folder / "a.json").string() + ":2:2"));
}

TEST_CASE("json: hostile text is refused, not crashed on") {
  CHECK(has(json_refusal("{\"a\": \"\xff\xfe\"}"), "not valid JSON"));
  CHECK(has(json_refusal(std::string("{}\0{}", 5)), "x.json:1:3: a byte of value zero"));
  CHECK(has(json_refusal(std::string(1'000'000, '[')), "x.json:1:501: nested deeper than 500 levels"));
  CHECK(has(json_refusal("{\"a\": 1e999}"), "x.json:1: not usable JSON"));
  const std::string brackets = "[\"" + std::string(2000, '[') + "\\\"" + std::string(2000, '{') + "\"]";
  CHECK(parse_json(brackets, "x").at(0).get<std::string>().size() == 4001);
}

TEST_CASE("json: typed values are taken, absent and null ones are told apart from wrong ones") {
  const auto json = parse_json(R"({"i": 3, "n": -3, "big": 18446744073709551615, "d": 2.5, "s": "text", "b": true,
                                   "null": null, "l": [1, 2], "m": [[1], []], "o": {"k": 1}, "huge": 1e300})",
                               "f");
  CHECK(required<int>(json, "i", "f") == 3);
  CHECK(required<std::int64_t>(json, "n", "f") == -3);
  CHECK(required<std::uint64_t>(json, "big", "f") == 18446744073709551615ull);
  CHECK(required<double>(json, "d", "f") == 2.5);
  CHECK(required<double>(json, "i", "f") == 3.0);
  CHECK(required<std::string>(json, "s", "f") == "text");
  CHECK(required<bool>(json, "b", "f"));
  CHECK(required<std::vector<int>>(json, "l", "f") == std::vector<int>{1, 2});
  CHECK(required<std::vector<std::vector<int>>>(json, "m", "f") == std::vector<std::vector<int>>{{1}, {}});
  CHECK(required<nlohmann::json>(json, "o", "f").at("k") == 1);
  CHECK(!optional_value<int>(json, "absent", "f"));
  CHECK(!optional_value<int>(json, "null", "f"));
  CHECK(optional_value<int>(json, "i", "f") == 3);

  const auto wrong = [&]<class T>(const char* key, T) {
    return message_of<InputError>([&] { required<T>(json, key, "f.json"); });
  };
  CHECK(wrong("absent", 0) == "f.json: 'absent' is missing; this file cannot be used without it");
  CHECK(has(wrong("null", 0), "'null' is missing (it is null)"));
  CHECK(wrong("s", 0) == "f.json: 's' is a text (\"text\"), expected a whole number from -2147483648 to 2147483647");
  CHECK(has(wrong("d", 0), "'d' is a number (2.5), expected a whole number"));
  CHECK(has(wrong("big", std::int64_t{}), "'big' is a whole number"));
  CHECK(has(wrong("n", std::uint64_t{}), "'n' is a whole number (-3), expected a whole number from 0"));
  CHECK(has(wrong("i", std::string{}), "expected a text"));
  CHECK(has(wrong("i", true), "expected true or false"));
  CHECK(has(wrong("b", 1.0), "'b' is true or false (true), expected a number"));
  CHECK(has(wrong("huge", 1.0f), "expected a number"));
  CHECK(has(wrong("o", std::vector<int>{}), "'o' is an object ({\"k\":1}), expected a list"));
  CHECK(has(wrong("l", std::vector<std::string>{}), "expected a list of which each element is a text"));
  CHECK(has(message_of<InputError>([] { required<int>(nlohmann::json::array(), "a", "f"); }),
            "an object with the key 'a' is expected, found a list"));
  CHECK(has(message_of<InputError>([] { required<int>({{"a", std::string(200, 'x')}}, "a", "f"); }), "xxx...)"));
}
