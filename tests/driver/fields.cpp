// JSON Schema of the field types that no table of an experiment has.
#include "../../driver/fields.hpp"

#include "cell2text/dataset/sample_settings.hpp"
#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("schema: a table of numbers takes any name, with the range on its numbers; a number of cells may be 'all'") {
  const auto schema = driver::json_schema(describe_settings<dataset::SampleSettings>());
  const auto& caps = schema["properties"]["tissue_caps"];
  CHECK(caps["type"] == "object");
  CHECK(caps["additionalProperties"]["type"] == "number");
  CHECK(caps["additionalProperties"]["minimum"] == 0);
  CHECK(caps["additionalProperties"]["maximum"] == 1);
  CHECK(!caps.contains("minimum"));
  CHECK(caps["default"]["brain"] == 0.2);
  const auto& cells = schema["properties"]["cells"];
  CHECK(cells["anyOf"][1]["const"] == "all");
  CHECK(cells["minimum"] == 1);
  CHECK(cells["default"] == "all");
}
