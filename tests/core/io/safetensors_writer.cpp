#include "cell2text/io/safetensors_writer.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {
std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("safetensors writer: wide dtypes first, then by name; data aligned to 8 bytes") {
  TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  write_safetensors(path,
                    {{"z", SafetensorsDtype::U8, {3}, bytes("xyz")},
                     {"b", SafetensorsDtype::I64, {1}, bytes("12345678")},
                     {"a", SafetensorsDtype::F32, {1, 1}, bytes("abcd")},
                     {"c", SafetensorsDtype::F32, {0, 5}, {}}},
                    {{"format", "pt"}});
  const auto mapped = MappedFile::open(path);
  const auto layout = SafetensorsLayout::parse(*mapped);
  CHECK(layout.metadata.at("format") == "pt");
  CHECK(mapped->text().substr(layout.find("b")->offset) == "12345678abcdxyz");
  CHECK(layout.find("b")->offset % 8 == 0);
  CHECK(layout.find("c")->shape == std::vector<std::int64_t>{0, 5});
  const std::string first = read_file(path);
  CHECK(first.find("\"b\"") < first.find("\"a\""));
  CHECK(first.find("\"a\"") < first.find("\"c\""));
  CHECK(first.find("\"c\"") < first.find("\"z\""));
}

TEST_CASE("safetensors writer: the same content gives the same file") {
  TemporaryFolder folder;
  const SafetensorsItem a = {"a", SafetensorsDtype::U8, {1}, bytes("a")},
                        b = {"b", SafetensorsDtype::U8, {1}, bytes("b")};
  write_safetensors(folder / "1", {a, b}, {{"x", "1"}, {"y", "2"}});
  write_safetensors(folder / "2", {b, a}, {{"y", "2"}, {"x", "1"}});
  CHECK(read_file(folder / "1") == read_file(folder / "2"));
}

TEST_CASE("safetensors writer: impossible names and shapes are refused, and nothing is left") {
  TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const auto refusal = [&](const std::vector<SafetensorsItem>& items,
                           const std::map<std::string, std::string>& meta = {}) {
    return message_of<InputError>([&] { SafetensorsWriter(path, items, meta); });
  };
  const SafetensorsItem a = {"a", SafetensorsDtype::U8, {1}, {}};
  CHECK(has(refusal({a, a}), "two tensors are called 'a'"));
  CHECK(has(refusal({{"a", SafetensorsDtype::U8, {-1}, {}}}), "tensor 'a' has a negative dimension"));
  CHECK(has(refusal({{"a", SafetensorsDtype::F64, {1LL << 62}, {}}}), "or is too large"));
  CHECK(has(refusal({{"__metadata__", SafetensorsDtype::U8, {1}, {}}}), "cannot be called '__metadata__'"));
  CHECK(has(refusal({{"\xff", SafetensorsDtype::U8, {1}, {}}}), "not valid UTF-8"));
  CHECK(has(refusal({a}, {{"k", "\xff"}}), "not valid UTF-8"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("safetensors writer: bytes that do not fit the header are our own fault") {
  TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder / "a.safetensors", {{"a", SafetensorsDtype::F32, {1}, {}}});
    CHECK(has(message_of<BugError>([&] { writer.commit(); }), "0 of 1 tensors were written"));
    CHECK(has(message_of<BugError>([&] { writer.write(bytes("abc")); }),
              "'a' has 3 bytes, its dtype and shape ask for 4"));
    writer.write(bytes("abcd"));
    CHECK(has(message_of<BugError>([&] { writer.write(bytes("abcd")); }), "more tensors than were announced"));
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("safetensors writer: a tensor may come in parts, and no part more than it has") {
  TemporaryFolder folder;
  const std::vector<SafetensorsItem> items = {{"a", SafetensorsDtype::U8, {5}, {}},
                                              {"b", SafetensorsDtype::U8, {2}, {}}};
  {
    SafetensorsWriter writer(folder / "parts", items);
    for (const char* part : {"ab", "", "cde"}) writer.write_part(bytes(part));
    writer.write(bytes("xy"));
    writer.commit();
  }
  write_safetensors(folder / "whole",
                    {{"a", SafetensorsDtype::U8, {5}, bytes("abcde")}, {"b", SafetensorsDtype::U8, {2}, bytes("xy")}});
  CHECK(read_file(folder / "parts") == read_file(folder / "whole"));
  SafetensorsWriter writer(folder / "more", items);
  writer.write_part(bytes("ab"));
  CHECK(has(message_of<BugError>([&] { writer.write(bytes("abcde")); }), "'a' has 7 bytes"));
  CHECK(has(message_of<BugError>([&] { writer.write_part(bytes("cdef")); }), "more bytes than the 5"));
  CHECK(has(message_of<BugError>([&] { writer.commit(); }), "0 of 2 tensors"));
}
