// Temperatures of labels: what they do to probabilities, and that the fitted one has the least loss.
#include "cell2text/generate/label_temperature.hpp"

#include <doctest/doctest.h>

#include <random>

#include "support/oracle.hpp"

using namespace cell2text;

namespace {

/// Cells of which the model says that they are this or that by `sharpness` times the log of what is so.
std::vector<TemperatureCase> drawn_cases(std::mt19937_64& random, std::size_t count, double sharpness) {
  std::normal_distribution<double> normal;
  std::vector<TemperatureCase> cases;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> logs(2 + random() % 6), masses;
    for (double& log : logs) log = 1.5 * normal(random), masses.push_back(std::exp(log));
    const std::size_t truth = std::discrete_distribution<std::size_t>(masses.begin(), masses.end())(random);
    for (double& log : logs) log = sharpness * log - 3;
    cases.push_back({std::move(logs), truth});
  }
  return cases;
}

}  // namespace

TEST_CASE("temperature: masses keep their sum and their order, and 1 changes no bit") {
  const std::vector<double> masses{0.5, 0.2, 0, 0.05, 1e-300};
  CHECK((tempered(masses, 1) == masses));
  for (const double temperature : {0.05, 0.5, 2.0, 20.0}) {
    const auto changed = tempered(masses, temperature);
    CHECK(std::accumulate(changed.begin(), changed.end(), 0.0) == doctest::Approx(0.75).epsilon(1e-12));
    CHECK(changed[2] == 0);
    CHECK(changed[0] / changed[1] == doctest::Approx(std::pow(2.5, 1 / temperature)).epsilon(1e-12));
  }
  CHECK((tempered({0, 0}, 2) == std::vector<double>{0, 0}));
  CHECK(tempered({}, 2).empty());
  for (const double wrong : {0.0, -1.0, std::nan(""), HUGE_VAL}) CHECK_THROWS_AS(tempered(masses, wrong), InputError);
}

TEST_CASE("temperature: the fitted one has less loss than any other that is tried") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const double sharpness : {0.3, 1.0, 2.5}) {
    const auto cases = drawn_cases(random, 400, sharpness);
    const auto temperature = fit_temperature(cases);
    REQUIRE(temperature.has_value());
    CHECK(*temperature == doctest::Approx(sharpness).epsilon(0.35));  // what the model overdoes is taken back
    const double least = label_loss(cases, *temperature);
    for (double other = least_temperature; other <= most_temperature; other *= 1.05)
      CHECK(least <= label_loss(cases, other) + 1e-12);
    CHECK(least < label_loss(cases, *temperature * 1.1));
    CHECK(least < label_loss(cases, *temperature / 1.1));
  }
}

TEST_CASE("temperature: where no true label is missed, or none is told from others, there is a plain answer") {
  CHECK_FALSE(fit_temperature(std::vector<TemperatureCase>{}).has_value());
  CHECK_FALSE(fit_temperature(std::vector<TemperatureCase>{{{-0.1, -3}, 0}, {{-5, -0.2, -7}, 1}}).has_value());
  CHECK_FALSE(fit_temperature(std::vector<TemperatureCase>{{{-0.1}, 0}}).has_value());  // one label says nothing
  CHECK(fit_temperature(std::vector<TemperatureCase>{{{-0.1, -3}, 1}}) == most_temperature);
  CHECK_THROWS_WITH_AS(fit_temperature(std::vector<TemperatureCase>{{{-0.1, -3}, 2}}),
                       doctest::Contains("number 2 of 2 labels"), InputError);
  CHECK(label_loss({}, 3) == 0);
  CHECK(std::isinf(log_sum_exp({})));
}
