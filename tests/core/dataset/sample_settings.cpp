// The [sample] table.
#include "cell2text/dataset/sample_settings.hpp"

#include "cell2text/io/toml.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using dataset::SampleSettings;

namespace {

SampleSettings sample_settings_of(const std::string& text) {
  SampleSettings settings;
  SettingsFaults faults;
  read_fields(parse_toml(text, "f"), settings, faults, "sample.");
  faults.raise();
  return settings;
}
std::string sample_fault(const std::string& text) {
  return test::message_of<InputError>([&] { sample_settings_of(text); });
}

}  // namespace

TEST_CASE("sample settings: the paper's shares and caps are the default, and all cells are taken") {
  const SampleSettings settings = sample_settings_of("");
  CHECK(!settings.cells.value);
  CHECK(settings.whole_share + settings.cell_type_share + settings.disease_share + settings.donor_share +
            settings.rare_tissue_share ==
        doctest::Approx(1));
  CHECK(settings.tissue_caps.of("brain", 1) == 0.20);
  CHECK(settings.tissue_caps.of("blood", 1) == 0.15);
  CHECK(settings.disease_caps.of("COVID-19", 1) == 0.05);
  CHECK(settings.disease_caps.of("normal", 1) == 0.70);
  CHECK(settings.disease_caps.of("flu", settings.disease_cap) == 0.03);
}

TEST_CASE("sample settings: caps are tables of names; a table that is given replaces the default") {
  const SampleSettings settings = sample_settings_of(
      "cells = 1000\ntissue_caps = { \"bone marrow\" = 0.1 }\n[disease_caps]\nnormal = 1\n\"COVID-19\" = 0.5");
  CHECK(settings.cells.value == 1000);
  REQUIRE(settings.tissue_caps.list.size() == 1);
  CHECK(settings.tissue_caps.of("bone marrow", 0) == 0.1);
  CHECK(settings.disease_caps.of("normal", 0) == 1);
  CHECK(sample_settings_of("tissue_caps = {}").tissue_caps.list.empty());
  const Value written = write_settings(settings);
  CHECK(differing_keys(written, write_settings(sample_settings_of(write_toml(written)))).empty());
}

TEST_CASE("sample settings: each rule that is broken is told") {
  CHECK(test::has(sample_fault("whole_share = 0.5"), "add up to 1.2; they must add up to 1"));
  CHECK(test::has(sample_fault("cells = 0"), "'sample.cells' is 0; it must be at least 1"));
  CHECK(test::has(sample_fault("cells = 'most'"), "it must be a whole number or 'all'"));
  CHECK(test::has(sample_fault("disease_caps = { flu = 1.5 }"),
                  "'sample.disease_caps.flu' is 1.5; it must be between 0 and 1"));
  CHECK(test::has(sample_fault("tissue_caps = ['brain']"), "it must be a table of numbers"));
  CHECK(test::has(sample_fault("rare_by = 'organ'"), "it must be one of 'tissue_general', 'tissue'"));
}
