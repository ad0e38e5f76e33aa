// Tables with free keys as settings.
#include "cell2text/named_numbers.hpp"

#include "support/oracle.hpp"

using cell2text::NamedNumbers;
using cell2text::Value;

namespace {

struct Capped {
  NamedNumbers caps{{{"brain", 0.2}}};
  static void describe(auto& s) { s.field("caps", &Capped::caps, {.help = "x", .min = 0, .max = 1}); }
};

Capped read_capped(const Value& caps, cell2text::SettingsFaults& faults) {
  Value table;
  table.set("caps", caps);
  Capped capped;
  read_fields(table, capped, faults, "");
  return capped;
}

}  // namespace

TEST_CASE("named numbers: keys are free, numbers in range, and what is written reads as the same") {
  Value caps;
  caps.set("bone marrow", {0.5, {}});
  caps.set("", {std::int64_t{1}, {}});
  cell2text::SettingsFaults faults;
  const Capped capped = read_capped(caps, faults);
  CHECK(faults.list.empty());
  REQUIRE(capped.caps.list.size() == 2);
  CHECK(capped.caps.list[0].first == "bone marrow");
  CHECK(capped.caps.of("", 0) == 1);
  CHECK(capped.caps.of("brain", 0.7) == 0.7);
  const Capped again = read_capped(*write_settings(capped).find("caps"), faults);
  CHECK(again.caps.list == capped.caps.list);
  CHECK(read_capped(Value(), faults).caps.list.empty());
  CHECK(faults.list.empty());
  CHECK(cell2text::describe_settings<Capped>()[0].type == "table of number");
}

TEST_CASE("named numbers: what is no table, no number or out of range is told and leaves the default") {
  const auto fault = [](const Value& caps) {
    cell2text::SettingsFaults faults;
    CHECK(read_capped(caps, faults).caps.list == Capped{}.caps.list);
    return faults.text();
  };
  Value caps;
  caps.set("brain", {std::string("much"), {}});
  CHECK(fault(caps) == "'caps.brain' is a text ('much'); it must be a number");
  caps.set("brain", {1.5, {}});
  CHECK(fault(caps) == "'caps.brain' is 1.5; it must be between 0 and 1");
  CHECK(fault({0.2, {}}) == "'caps' is a number; it must be a table of numbers, such as { name = 0.2 }");
}
