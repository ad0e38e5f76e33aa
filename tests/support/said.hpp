// What a plugin said through its log, and what it said in refusing.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/error.hpp"

namespace cell2text::test {

/// Keeps the lines of a log.
struct Said {
  std::vector<std::string> lines;

  Context context() {
    Context made;
    made.log.self = this;
    made.log.write = [](void* self, Log::Level, const char* text) {
      static_cast<Said*>(self)->lines.emplace_back(text);
    };
    return made;
  }
  bool has(const std::string& part) const {
    for (const std::string& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

/// The message of the InputError that `call` throws.
template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  FAIL("no InputError was thrown");
  return {};
}

inline void check_says(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    INFO("message: " << message);
    INFO("should hold: " << part);
    CHECK(message.find(part) != std::string::npos);
  }
}

}  // namespace cell2text::test
