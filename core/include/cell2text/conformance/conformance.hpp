// The conformance suite: what a plugin must do beyond compiling. `cell2text plugins check` runs it on a library; a
// plugin's own tests run it on the class, linked in:
//
//   auto subject = cell2text::conformance::subject_of<cell2text::kinds::decoder, MyDecoder>();
//   for (const auto& result : cell2text::conformance::check(subject)) ...        // or conformance/doctest.hpp
//
// All is checked on the CPU, on small made-up inputs.
#pragma once

#include <string>
#include <vector>

#include "cell2text/conformance/adapter_checks.hpp"
#include "cell2text/conformance/baseline_checks.hpp"
#include "cell2text/conformance/decoder_checks.hpp"
#include "cell2text/conformance/encoder_checks.hpp"
#include "cell2text/conformance/finetuning_checks.hpp"
#include "cell2text/conformance/metric_checks.hpp"
#include "cell2text/conformance/source_checks.hpp"

namespace cell2text::conformance {

/// The checks of a kind by its name ("decoder"). InputError where there is no such kind.
inline std::vector<Check> checks_of(const std::string& kind) {
  if (kind == kinds::source::name) return checks_of<kinds::source>();
  if (kind == kinds::encoder::name) return checks_of<kinds::encoder>();
  if (kind == kinds::adapter::name) return checks_of<kinds::adapter>();
  if (kind == kinds::decoder::name) return checks_of<kinds::decoder>();
  if (kind == kinds::finetuning::name) return checks_of<kinds::finetuning>();
  if (kind == kinds::metric::name) return checks_of<kinds::metric>();
  if (kind == kinds::baseline::name) return checks_of<kinds::baseline>();
  throw InputError("'" + kind +
                   "' is no kind of plugin; there are source, encoder, adapter, decoder, finetuning, metric "
                   "and baseline");
}

/// Runs all checks of the subject's kind in this process, where a crash of the plugin is the caller's.
inline std::vector<Result> check(Subject& subject) {
  return run(checks_of(subject.descriptor->kind), subject);
}

/// One line a check that did not pass: what was found, and why it matters. Empty where all passed or did not apply.
inline std::string failures_text(const std::vector<Result>& results) {
  std::string text;
  for (const Result& result : results)
    if (result.status == Status::failed || result.status == Status::unusable)
      text += result.name + ": " + result.detail + "\n  (" + result.why + ")\n";
  return text;
}

}  // namespace cell2text::conformance
