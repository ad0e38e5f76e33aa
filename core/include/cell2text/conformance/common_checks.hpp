// Checks that every kind of plugin has: settings, building, errors, the process's state, and the same answer to the
// same question. What an object of a kind is asked is its Suite's.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/conformance/made_up.hpp"
#include "cell2text/conformance/settings_checks.hpp"
#include "cell2text/plugin/saved_settings.hpp"

namespace cell2text::conformance {

using Tensors = std::vector<Tensor>;

/// What a kind adds. A specialisation has
///   Object                              an object with all that it stands on
///   make(subject, settings, seed)       builds one, ready to be asked
///   outputs(object, input) -> Tensors   all that it answers to the made-up input of this number, padding left out
///   checks() -> std::vector<Check>      what is checked of this kind alone
template <class Kind>
struct Suite;

inline std::string shape_text(const Tensor& x) {
  std::string all = "[";
  for (const std::int64_t n : x.sizes()) all += (all.size() > 1 ? ", " : "") + std::to_string(n);
  return all + "]";
}

/// Fails where two answers differ by more than `tolerance`; NaN equals NaN.
inline void expect_same(const Tensors& found, const Tensors& expected, double tolerance, const std::string& when) {
  expect(found.size() == expected.size(),
         when + ": " + std::to_string(found.size()) + " results; expected " + std::to_string(expected.size()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    expect(found[i].sizes() == expected[i].sizes(),
           when + ": a result of shape " + shape_text(found[i]) + "; expected " + shape_text(expected[i]));
    if (found[i].numel() == 0) continue;
    const Tensor a = found[i].detach().to(torch::kFloat64), b = expected[i].detach().to(torch::kFloat64);
    const Tensor same = at::logical_or(a == b, at::logical_and(a.isnan(), b.isnan()));
    const double most = (a - b).abs().masked_fill(same, 0).max().item<double>();
    expect(most <= tolerance, when + ": values differ by up to " + cell2text::settings_detail::shortest(most) +
                                  "; expected at most " + cell2text::settings_detail::shortest(tolerance));
  }
}

inline void expect_finite(const Tensor& x, const std::string& what) {
  expect(at::isFloatingType(x.scalar_type()), what + " holds no floating-point numbers");
  expect(x.isfinite().all().item<bool>(), what + " holds NaN or infinite values");
}

/// Rounding of sums in another order.
inline constexpr double rounding = 1e-4;

namespace common_detail {

/// Builds an object with the settings of the caller, whose fault it may be where that fails.
template <class Kind>
void check_build(Subject& subject) {
  try {
    const auto object = Suite<Kind>::make(subject, subject.settings, 1);
  } catch (const InputError& error) {
    throw Unusable(error.what());
  }
}

/// Whether an object of these settings can be made; fails where it cannot and the error is not a clean one. The answer
/// is the message of the error.
template <class Kind>
std::string attempt(const Subject& subject, const Value& settings, const std::string& what) {
  const Fault fault = guarded([&] { Suite<Kind>::make(subject, settings, 1); });
  if (!fault) return "";
  expect(fault.kind != Fault::Kind::bug, what + ": " + exception_text(fault));
  expect(!fault.message.empty(), what + ": it threw an error without a word");
  return fault.message;
}

/// Settings that differ from the caller's in one field: every choice, the smallest number, a file that is not there.
inline std::vector<std::pair<std::string, Value>> variations(const std::vector<FieldInfo>& fields,
                                                             const Value& settings) {
  std::vector<std::pair<std::string, Value>> all;
  const auto vary = [&](const FieldInfo& field, Value value, const std::string& text) {
    Value changed = settings;
    changed.set(field.name, std::move(value));
    all.emplace_back("with " + field.name + " = " + text, std::move(changed));
  };
  for (const FieldInfo& field : fields) {
    const auto& [help, unit, min, max, choices, required] = field.about;
    for (const std::string& choice : choices)
      if (field.type == "text") vary(field, Value{choice}, "'" + choice + "'");
    if (field.type == "text" && choices.empty()) vary(field, Value{std::string("/no/such/place")}, "'/no/such/place'");
    if (field.type.starts_with("integer") && std::isfinite(min))
      vary(field, Value{static_cast<std::int64_t>(min)}, cell2text::settings_detail::shortest(min));
    if (field.type == "number" && std::isfinite(min))
      vary(field, Value{min}, cell2text::settings_detail::shortest(min));
    const Value* table = settings.find(field.name);
    if (field.fields.empty() || !table) continue;
    for (auto& [text, inner] : variations(field.fields, *table)) vary(field, std::move(inner), "{ " + text + " }");
  }
  return all;
}

template <class Kind>
void check_errors(Subject& subject) {
  const std::vector<FieldInfo> fields = fields_of(subject);
  Value resolved;
  settings_check::faults_of(subject, subject.settings, resolved);
  for (const auto& [what, settings] : variations(fields, resolved)) attempt<Kind>(subject, settings, what);
  const FieldInfo* checkpoint = settings_check::find(fields, "checkpoint");
  if (!checkpoint || checkpoint->type != "text") return;
  const TemporaryFolder folder;
  for (const std::filesystem::path& place : {folder / "not there", folder.path()}) {
    const Value settings = settings_for_folder(resolved, fields, place, {});
    const std::string what =
        place == folder.path() ? "with an empty folder as checkpoint" : "with a checkpoint that is not there";
    expect(!attempt<Kind>(subject, settings, what).empty(), what + ": it builds an object all the same");
  }
}

template <class Kind>
void check_global_state(Subject& subject) {
  torch::NoGradGuard no_grad;
  const GlobalState before = GlobalState::now();
  {
    auto object = Suite<Kind>::make(subject, subject.settings, 1);
    Suite<Kind>::outputs(object, 1);
  }
  const std::string differences = before.differences(GlobalState::now());
  expect(differences.empty(), "after an object was built, used and freed: " + differences);
}

template <class Kind>
void check_determinism(Subject& subject) {
  torch::NoGradGuard no_grad;
  auto one = Suite<Kind>::make(subject, subject.settings, 1), other = Suite<Kind>::make(subject, subject.settings, 1);
  const Tensors first = Suite<Kind>::outputs(one, 1);
  expect_same(Suite<Kind>::outputs(other, 1), first, 0, "two objects of one seed, asked the same");
  expect_same(Suite<Kind>::outputs(one, 1), first, 0, "one object, asked the same twice");
}

template <class Kind>
void check_earlier_batches(Subject& subject) {
  torch::NoGradGuard no_grad;
  auto used = Suite<Kind>::make(subject, subject.settings, 1), fresh = Suite<Kind>::make(subject, subject.settings, 1);
  Suite<Kind>::outputs(used, 2);
  Suite<Kind>::outputs(used, 3);
  expect_same(Suite<Kind>::outputs(used, 1), Suite<Kind>::outputs(fresh, 1), 1e-6,
              "after other batches, and as the first batch");
}

}  // namespace common_detail

/// All checks of a kind, in the order in which they are run.
template <class Kind>
std::vector<Check> checks_of() {
  using namespace common_detail;
  std::vector<Check> all = {
      {"settings",
       "what is not described is missing from `plugins info`, from the schema and from the experiment that a run "
       "keeps; a mistyped key that is accepted costs a training run",
       [](Subject& subject) { settings_check::check(subject); }},
      {"build", "nothing can be done with a plugin that builds no object", &check_build<Kind>, true},
      {"errors", "a person who has mistyped a path or a number is told to report a bug, instead of what to change",
       &check_errors<Kind>},
      {"global_state", "every other part of the program computes something else, and nobody can see why",
       &check_global_state<Kind>},
      {"determinism", "a run cannot be repeated, and a score that cannot be repeated is no result",
       &check_determinism<Kind>},
      {"earlier_batches", "what is said of a cell depends on which cells came before it", &check_earlier_batches<Kind>},
  };
  for (Check& check : Suite<Kind>::checks()) all.push_back(std::move(check));
  return all;
}

}  // namespace cell2text::conformance
