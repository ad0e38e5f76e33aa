#include "cell2text/io/safetensors.hpp"

#include <ctime>
#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::string file_of(const std::string& header, const std::string& data = "") {
  const std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

SafetensorsLayout parse(const std::string& file) {
  return SafetensorsLayout::parse(std::as_bytes(std::span(file.data(), file.size())), "x.safetensors");
}

std::string safetensors_refusal(const std::string& header, const std::string& data = "") {
  return message_of<InputError>([&] { parse(file_of(header, data)); });
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& at) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + at + "}";
}

}  // namespace

TEST_CASE("safetensors: entries, shapes, offsets and metadata of a sound file") {
  const std::string header = "{" + tensor("b", "F16", "[2,3]", "[4,16]") +
                             R"(,"__metadata__":{"format":"pt","k":"v"},)" + tensor("a", "I32", "[]", "[0,4]") + "," +
                             tensor("empty", "F64", "[4,0]", "[16,16]") + "}  ";
  const auto layout = parse(file_of(header, std::string(16, 'x')));
  CHECK(layout.metadata == std::map<std::string, std::string>{{"format", "pt"}, {"k", "v"}});
  REQUIRE(layout.entries.size() == 3);
  const auto* b = layout.find("b");
  REQUIRE(b);
  CHECK(b->dtype == SafetensorsDtype::F16);
  CHECK(b->shape == std::vector<std::int64_t>{2, 3});
  CHECK(b->offset == 8 + header.size() + 4);
  CHECK(b->bytes == 12);
  CHECK(layout.find("a")->shape.empty());
  CHECK(layout.find("empty")->bytes == 0);
  CHECK(!layout.find("c"));
  CHECK(parse(file_of("{}")).entries.empty());
  CHECK(dtype_name(SafetensorsDtype::BF16) == "BF16");
  CHECK(dtype_bytes(SafetensorsDtype::BF16) == 2);
}

TEST_CASE("safetensors: a file is named in errors") {
  TemporaryFolder folder;
  write_file(folder / "bad.safetensors", file_of("[]"));
  const auto mapped = MappedFile::open(folder / "bad.safetensors");
  CHECK(has(message_of<InputError>([&] { SafetensorsLayout::parse(*mapped); }), (folder / "bad.safetensors").string()));
}

TEST_CASE("safetensors: a header longer than the file is refused") {
  CHECK(has(message_of<InputError>([] { parse("1234567"); }), "has 7 bytes"));
  CHECK(has(message_of<InputError>([] { parse(""); }), "has 0 bytes"));
  const std::string huge = std::string(8, '\xff') + "{}";
  CHECK(has(message_of<InputError>([&] { parse(huge); }), "should have 18446744073709551615 bytes, 2 are in the file"));
  const std::string one_more = std::string("\3\0\0\0\0\0\0\0", 8) + "{}";
  CHECK(has(message_of<InputError>([&] { parse(one_more); }), "should have 3 bytes"));
}

TEST_CASE("safetensors: a header that is not the right JSON is refused") {
  for (const std::string header : {"", "[]", "3", "\"{}\"", "\xef\xbb\xbf{}", " {}"})
    CHECK(has(safetensors_refusal(header), "the header is not a JSON object"));
  CHECK(has(safetensors_refusal(std::string("{}\0x", 4)), "the header is not a JSON object"));
  for (const std::string header : {"{", "{}}", "{\"a\"", "{\"\xff\": 1}", "{,}"})
    CHECK(has(safetensors_refusal(header), "its header is not valid JSON at byte"));
  CHECK(has(safetensors_refusal(R"({"a":1e999})"), "not valid JSON"));
  CHECK(has(safetensors_refusal(R"({"a":{"shape":[01]}})"), "not valid JSON"));
  CHECK(has(safetensors_refusal(R"({"a":null})"), "'a' holds null"));
  CHECK(has(safetensors_refusal(R"({"a":true})"), "'a' holds true or false"));
  CHECK(has(safetensors_refusal(R"({"a":[]})"), "'a' holds a list"));
  CHECK(has(safetensors_refusal(R"({"a":"b"})"), "'a' holds the text 'b'"));
  CHECK(has(safetensors_refusal(R"({"a":7})"), "'a' holds the number 7"));
  CHECK(has(safetensors_refusal(R"({"a":7.5})"), "'a' holds the number 7.5"));
  CHECK(has(safetensors_refusal(R"({"__metadata__":{"a":1}})"), "'__metadata__': 'a' holds the number 1"));
  CHECK(has(safetensors_refusal(R"({"__metadata__":{"a":"1","a":"2"}})"), "'__metadata__' holds 'a' twice"));
  CHECK(has(safetensors_refusal(R"({"__metadata__":{},"__metadata__":{}})"), "'__metadata__' twice"));
  CHECK(has(safetensors_refusal(R"({"__metadata__":{"a":{}}})"), "holds an object"));
  CHECK(has(safetensors_refusal(std::string(100'000, '{')), "not valid JSON"));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100'000; ++i) deep += "{\"dtype\":";
  CHECK(has(safetensors_refusal(deep), "tensor 'a': 'dtype' holds an object"));
  CHECK(has(safetensors_refusal("{\"a\":{\"shape\":" + std::string(100'000, '[')), "tensor 'a': 'shape' holds a list"));
}

TEST_CASE("safetensors: a tensor whose facts are wrong is refused") {
  CHECK(has(safetensors_refusal(R"({"a":{}})"), "tensor 'a' lacks one of dtype, shape, data_offsets"));
  CHECK(has(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[]}})"), "lacks one of"));
  CHECK(has(safetensors_refusal(R"({"a":{"dtype":"F32","dtype":"F32"}})"), "holds 'dtype' twice"));
  CHECK(has(safetensors_refusal(R"({"a":{"extra":1}})"), "holds the unknown key 'extra'"));
  CHECK(has(safetensors_refusal(R"({"a":{"dtype":[]}})"), "'dtype' holds a list"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F8_E4M3", "[1]", "[0,1]") + "}", "x"),
            "has the dtype 'F8_E4M3', expected one of"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[-1]", "[0,4]") + "}", "1234"),
            "'shape' holds the negative number -1"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[1.0]", "[0,4]") + "}", "1234"),
            "'shape' holds the number 1.0"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[18446744073709551615]", "[0,4]") + "}", "1234"),
            "too large number"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "\"1\"", "[0,4]") + "}", "1234"), "'shape' holds the text"));
  for (const std::string offsets : {"[]", "[0]", "[0,2,4]", "[4,0]"})
    CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[1]", offsets) + "}", "1234"),
              "data_offsets is not a begin and an end"));
}

TEST_CASE("safetensors: sizes that do not fit together are refused") {
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[2]", "[0,4]") + "}", "1234"),
            "has 4 bytes, but its dtype F32 and shape ask for 8"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}"),
            "ask for more than a file can hold"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "U8", "[9223372036854775807,2,0]", "[0,0]") + "}"),
            "more than a file can hold"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[1]", "[0,4]") + "}", "12"),
            "ends at byte 4 of the data, which has 2 bytes"));
  CHECK(has(
      safetensors_refusal("{" + tensor("a", "F32", "[1]", "[9000000000000000000,9000000000000000004]") + "}", "1234"),
      "ends at byte"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[1]", "[0,4]") + "}", "123456"),
            "the tensors end at byte 4 of the data"));
  CHECK(has(safetensors_refusal("{}", "x"), "the tensors end at byte 0 of the data, which has 1 bytes"));
  const auto pair = [](const std::string& first, const std::string& second, const std::string& name = "b") {
    return safetensors_refusal("{" + tensor("a", "F32", "[1]", first) + "," + tensor(name, "F32", "[1]", second) + "}",
                               std::string(8, 'x'));
  };
  CHECK(has(pair("[0,4]", "[2,6]"), "tensor 'b' begins at byte 2 of the data, expected 4"));
  CHECK(has(pair("[0,4]", "[0,4]"), "tensors overlap or leave a gap"));
  CHECK(has(safetensors_refusal("{" + tensor("a", "F32", "[1]", "[4,8]") + "}", std::string(8, 'x')),
            "begins at byte 4 of the data, expected 0"));
  CHECK(has(pair("[0,4]", "[4,8]", "a"), "tensor 'a' occurs twice"));
}

TEST_CASE("safetensors: a million tensors are read within seconds") {
  std::string header = "{";
  std::size_t offset = 0;
  for (int i = 0; i < 1'000'000; ++i, ++offset)
    header += (i ? ",\"" : "\"") + std::to_string(i * 7919LL % 1'000'003) +
              R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(offset) + "," +
              std::to_string(offset + 1) + "]}";
  const std::string file = file_of(header + "}", std::string(offset, 'x'));
  const std::clock_t start = std::clock();  // of this process, whatever else runs
  CHECK(parse(file).entries.size() == 1'000'000);
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 20);  // about 1; under the sanitizers 10
}

TEST_CASE("safetensors: truncated and damaged files are refused or read, never more") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const std::string sound = file_of("{\"__metadata__\":{\"format\":\"pt\"}," + tensor("a", "F32", "[2,1]", "[0,8]") +
                                        "," + tensor("b", "I64", "[1]", "[8,16]") + "}",
                                    std::string(16, 'x'));
  CHECK(parse(sound).entries.size() == 2);
  for (std::size_t size = 0; size < sound.size(); ++size) CHECK_THROWS_AS(parse(sound.substr(0, size)), InputError);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = sound;
    for (std::size_t flips = 1 + random() % 3; flips > 0; --flips)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      for (const auto& entry : parse(damaged).entries) CHECK(entry.offset + entry.bytes <= damaged.size());
    } catch (const InputError&) {
    }
  }
}
