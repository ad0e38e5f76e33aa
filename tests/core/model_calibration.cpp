// calibration.json there and back, and what is refused.
#include "cell2text/model_calibration.hpp"

#include <doctest/doctest.h>

#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("calibration: what is written beside a model is read again, and nothing is no calibration") {
  const test::TemporaryFolder folder;
  CHECK(read_temperatures(folder.path(), "abc").empty());
  ModelCalibration written{"cells.h5ad, two halves", {}};
  written.labels["cell_type"] = {1.7320508075688772, "", 30, 40, 0.75, 0.2, 0.1, 1.5, 1.25};
  written.labels["sex"].note = "fewer than 10 cells to fit on";
  save_calibration(folder.path(), written, "abc");
  CHECK((read_temperatures(folder.path(), "abc") == written.temperatures()));
  CHECK((read_temperatures(folder.path(), "abc").at("cell_type") == 1.7320508075688772));
  const auto json = read_json(calibration_file(folder.path()));
  CHECK(json["labels"]["sex"]["error_before"].is_null());
  CHECK(json["labels"]["cell_type"]["checked_on"] == 40);
  CHECK(json["labels"]["cell_type"]["loss_after"] == 1.25);
  CHECK_THROWS_WITH_AS(read_temperatures(folder.path(), "def"), doctest::Contains("of another model (hash abc"),
                       InputError);
}

TEST_CASE("calibration: a file that is damaged, too new or out of range is refused, with what mends it") {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) -> std::string {
    test::write_file(calibration_file(folder.path()), text);
    try {
      read_temperatures(folder.path(), "abc");
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(test::says(refusal("{"), "not valid JSON"));
  CHECK(test::says(refusal("{}"), "'format' is missing"));
  CHECK(test::says(refusal(R"({"format": 2})"), "format 2; this program reads format 1; remove it"));
  const auto with = [](const std::string& labels) {
    return R"({"format": 1, "model_hash": "abc", "labels": )" + labels + "}";
  };
  CHECK(test::says(refusal(with(R"({"sex": {"temperature": 0}})")), "the temperature of sex is 0.0"));
  CHECK(test::says(refusal(with(R"({"sex": {"temperature": 21}})")), "from 0.05 to 20"));
  CHECK(test::says(refusal(with(R"({"sex": {}})")), "'temperature' is missing"));
  CHECK(refusal(with("{}")).empty());
}
