// The text of the exception of type E that `body` throws; a failed test where it throws none or another.
#pragma once

#include <doctest/doctest.h>

#include <exception>
#include <string>

namespace cell2text::test {

template <class E, class Body>
std::string message_of(Body&& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    FAIL("an exception of another type: " << error.what());
  }
  FAIL("nothing was thrown");
  return {};
}

inline bool has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE("'" << part << "' is not in: " << text);
  return false;
}

}  // namespace cell2text::test
