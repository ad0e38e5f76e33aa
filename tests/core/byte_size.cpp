// Sizes in bytes as settings, and as people read them.
#include "cell2text/byte_size.hpp"

#include <random>

#include "support/oracle.hpp"

using cell2text::byte_size_text;
using cell2text::ByteSize;
using cell2text::parse_byte_size;

namespace {

struct Sized {
  ByteSize limit{20'000'000'000};
  static void describe(auto& s) { s.field("limit", &Sized::limit, {.help = "x", .unit = "bytes", .min = 1000}); }
};

std::string size_fault(cell2text::Value value) {
  cell2text::Value table;
  table.set("limit", std::move(value));
  cell2text::SettingsFaults faults;
  Sized sized;
  read_fields(table, sized, faults, "");
  return faults.list.empty() ? std::to_string(sized.limit.bytes) : faults.text();
}

}  // namespace

TEST_CASE("byte size: units of 1000 and of 1024, with and without a space") {
  CHECK(parse_byte_size("20 GB") == 20'000'000'000);
  CHECK(parse_byte_size("1.5GB") == 1'500'000'000);
  CHECK(parse_byte_size("3 kB") == 3000);
  CHECK(parse_byte_size("3 KB") == 3000);
  CHECK(parse_byte_size("2 MB") == 2'000'000);
  CHECK(parse_byte_size("2 TB") == 2'000'000'000'000);
  CHECK(parse_byte_size("1 KiB") == 1024);
  CHECK(parse_byte_size("1 MiB") == 1 << 20);
  CHECK(parse_byte_size("1 GiB") == 1 << 30);
  CHECK(parse_byte_size("1.5 TiB") == 1'649'267'441'664);
  CHECK(parse_byte_size("12 B") == 12);
  CHECK(parse_byte_size("12") == 12);
  for (const char* wrong : {"", " 5", "GB", "x", "-1", "1e3", "5 gb", "5 GB ", "nan", "inf", "9223372036854775807",
                            "9.3e9 TB", "99999999999 TB", "5,5 GB"}) {
    CAPTURE(wrong);
    CHECK(!parse_byte_size(wrong));
  }
}

TEST_CASE("byte size: as a setting it is a text or a whole number, and is written so that it reads as the same") {
  using cell2text::Value;
  CHECK(size_fault(Value{std::string("20 GB"), {}}) == "20000000000");
  CHECK(size_fault(Value{std::int64_t{123456}, {}}) == "123456");
  CHECK(size_fault(Value{std::string("much"), {}}).find("it must be a size such as \"20 GB\"") != std::string::npos);
  CHECK(size_fault(Value{2.5, {}}).find("it must be a size") != std::string::npos);
  CHECK(size_fault(Value{std::string("999 B"), {}}).find("'limit' is 999; it must be at least 1000") !=
        std::string::npos);
  CHECK(size_fault(Value{std::int64_t{-5}, {}}).find("'limit' is -5") != std::string::npos);
  CHECK(*cell2text::write_settings(Sized{}).find("limit")->get_if<std::string>() == "20 GB");
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::int64_t unit = 1;
  for (int i = 0; i < 13; ++i, unit *= 10) {
    const auto bytes = static_cast<std::int64_t>(1000 + random() % 9000) * unit;
    CHECK(size_fault(*cell2text::write_settings(Sized{{bytes}}).find("limit")) == std::to_string(bytes));
  }
  CHECK(cell2text::describe_settings<Sized>()[0].type == "size");
}

TEST_CASE("byte size: people read two or three digits") {
  CHECK(byte_size_text(0) == "0 B");
  CHECK(byte_size_text(999) == "999 B");
  CHECK(byte_size_text(1000) == "1.0 kB");
  CHECK(byte_size_text(999'499) == "999 kB");
  CHECK(byte_size_text(999'500) == "1.0 MB");
  CHECK(byte_size_text(23.44e9) == "23.4 GB");
  CHECK(byte_size_text(99.96e9) == "100 GB");
  CHECK(byte_size_text(5e15) == "5000 TB");
}
