// The example plugins as classes that are linked in: what is right, and what faults are planted into.
#pragma once

#include <doctest/doctest.h>

#include "cell2text/conformance/doctest.hpp"
#include "cell2text/plugin.hpp"
#include "support/oracle.hpp"

// One program holds them all, so none registers itself.
#undef CELL2TEXT_PLUGIN
#define CELL2TEXT_PLUGIN(...)

#include "examples/plugins/adapter/mean_token.cpp"
#include "examples/plugins/baseline/nearest_mean.cpp"
#include "examples/plugins/decoder/gru.cpp"
#include "examples/plugins/encoder/hashed_genes.cpp"
#include "examples/plugins/finetuning/bias_only.cpp"
#include "examples/plugins/metric/shared_words.cpp"
#include "examples/plugins/source/csv_cells.cpp"

namespace cell2text::test {

inline std::string example_cells() {
  return (source_dir() / "examples/plugins/source/cells.csv").string();
}

/// The result of one check of a class; the others are run as well.
template <class Kind, class P>
conformance::Result result_of(const std::string& check, const std::vector<conformance::Setting>& settings = {}) {
  auto subject = conformance::subject_of<Kind, P>(conformance::table_of(settings));
  for (const conformance::Result& result : conformance::check(subject))
    if (result.name == check) return result;
  FAIL("no check is called " << check);
  return {};
}

/// Whether the check fails with `part` in what it found.
template <class Kind, class P>
void expect_found(const std::string& check, const std::string& part,
                  const std::vector<conformance::Setting>& settings = {}) {
  const conformance::Result result = result_of<Kind, P>(check, settings);
  INFO(check << ": " << result.detail);
  CHECK((result.status == conformance::Status::failed));
  CHECK(result.detail.find(part) != std::string::npos);
  CHECK_FALSE(result.why.empty());
}

}  // namespace cell2text::test
