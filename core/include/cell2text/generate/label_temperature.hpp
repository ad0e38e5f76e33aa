// One temperature for a label's probabilities: how it changes them, and which one fits cells whose truth is known
// (Guo et al. 2017, "On Calibration of Modern Neural Networks", applied to whole labels).
//
// A label has at its place the probability p of being written as one of its wordings; with a temperature T it has
// p^(1/T), over the same sum. T > 1 makes a model less sure, T < 1 surer; which label is the likeliest stays. Nothing
// is known here of tokens, texts and files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

/// log of the sum of exponentials; -infinity for none.
inline double log_sum_exp(std::span<const double> logs) {
  const double most = logs.empty() ? -std::numeric_limits<double>::infinity() : *std::ranges::max_element(logs);
  if (std::isinf(most)) return most;
  double sum = 0;
  for (const double one : logs) sum += std::exp(one - most);
  return most + std::log(sum);
}

/// Each mass to the power of 1 / temperature, scaled so that their sum stays what it was. Masses are 0 or more; a
/// temperature of 1 changes nothing, not even in the last digit. InputError for a temperature that is not above 0.
inline std::vector<double> tempered(std::vector<double> masses, double temperature) {
  if (!(temperature > 0) || std::isinf(temperature))
    throw InputError("a temperature of " + std::to_string(temperature) + "; a finite one above 0 is expected");
  const double sum = std::accumulate(masses.begin(), masses.end(), 0.0);
  if (temperature == 1 || sum <= 0) return masses;
  for (double& mass : masses) mass = std::log(mass) / temperature;  // of 0: -infinity, and 0 again
  const double all = log_sum_exp(masses);
  for (double& mass : masses) mass = sum * std::exp(mass - all);
  return masses;
}

/// A cell to fit on: the log masses of all labels that have one, in any order and of any sum, and which is the true
/// one's.
struct TemperatureCase {
  std::vector<double> log_masses;  ///< finite
  std::size_t truth = 0;           ///< its place in `log_masses`
};

/// The range in which a temperature is looked for.
inline constexpr double least_temperature = 0.05, most_temperature = 20;

/// What the true labels cost at a temperature: the mean of -log(probability), natural. 0 for no cases.
inline double label_loss(std::span<const TemperatureCase> cases, double temperature) {
  double sum = 0;
  for (const TemperatureCase& one : cases) {
    std::vector<double> logs = one.log_masses;
    for (double& log : logs) log /= temperature;
    sum += log_sum_exp(logs) - logs[one.truth];
  }
  return cases.empty() ? 0 : sum / static_cast<double>(cases.size());
}

namespace label_temperature_detail {

/// The derivative of the loss by 1 / T, times the number of cases: the expected log mass minus the true label's. It
/// rises with 1 / T, since the loss is convex in it.
inline double slope(std::span<const TemperatureCase> cases, double inverse) {
  double sum = 0;
  for (const TemperatureCase& one : cases) {
    std::vector<double> logs = one.log_masses;
    for (double& log : logs) log *= inverse;
    const double all = log_sum_exp(logs);
    double expected = 0;
    for (std::size_t i = 0; i < logs.size(); ++i) expected += std::exp(logs[i] - all) * one.log_masses[i];
    sum += expected - one.log_masses[one.truth];
  }
  return sum;
}

}  // namespace label_temperature_detail

/// The temperature of least loss within the range above, by bisection of the slope in 1 / T: exact to 1e-9 of itself.
/// Nothing where the loss falls as far as the range goes towards 0, as it does where every true label is the likeliest:
/// then there is no mistake to learn from. InputError: a case whose truth is not one of its labels.
inline std::optional<double> fit_temperature(std::span<const TemperatureCase> cases) {
  for (const TemperatureCase& one : cases)
    if (one.truth >= one.log_masses.size())
      throw InputError("the true label is number " + std::to_string(one.truth) + " of " +
                       std::to_string(one.log_masses.size()) + " labels; it must be one of them");
  const auto slope = [&](double inverse) { return label_temperature_detail::slope(cases, inverse); };
  double low = 1 / most_temperature, high = 1 / least_temperature;
  if (slope(high) <= 0) return std::nullopt;
  if (slope(low) >= 0) return most_temperature;
  while (high - low > 1e-9 * low) {
    const double middle = std::sqrt(low * high);
    (slope(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

}  // namespace cell2text
