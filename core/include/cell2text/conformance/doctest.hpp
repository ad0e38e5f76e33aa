// The conformance suite as a doctest case, for a plugin's own tests. Include doctest before this header:
//
//   CELL2TEXT_CONFORMANCE("my decoder", decoder, MyDecoder, {})
//   CELL2TEXT_CONFORMANCE("my source", source, MySource, {{"path", "cells.csv"}})
//
// The last argument is a list of settings, as in an experiment file; tables in tables are built by hand (value.hpp) and
// go through conformance::check.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cell2text/conformance/conformance.hpp"

namespace cell2text::conformance {

/// A setting with a plain value.
struct Setting {
  std::string name;
  std::variant<bool, std::int64_t, int, double, const char*> value;
};

inline Value table_of(const std::vector<Setting>& settings) {
  Value table;
  for (const auto& [name, value] : settings)
    table.set(name, std::visit(
                        []<class T>(T plain) {
                          if constexpr (std::is_same_v<T, int>)
                            return Value{static_cast<std::int64_t>(plain)};
                          else if constexpr (std::is_same_v<T, const char*>)
                            return Value{std::string(plain)};
                          else
                            return Value{plain};
                        },
                        value));
  return table;
}

}  // namespace cell2text::conformance

#define CELL2TEXT_CONFORMANCE(TITLE, KIND, CLASS, ...)                                              \
  TEST_CASE(TITLE ": conformance") {                                                                \
    using namespace cell2text;                                                                      \
    auto subject = conformance::subject_of<kinds::KIND, CLASS>(conformance::table_of(__VA_ARGS__)); \
    for (const conformance::Result& result : conformance::check(subject)) {                         \
      INFO(result.name << ": " << result.detail << " (" << result.why << ")");                      \
      CHECK(result.status != conformance::Status::failed);                                          \
      CHECK(result.status != conformance::Status::unusable);                                        \
    }                                                                                               \
  }
