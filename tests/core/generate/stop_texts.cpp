#include "cell2text/generate/stop_texts.hpp"

#include <doctest/doctest.h>

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

TEST_CASE("stop_texts: the first of several ends the text, also across tokens") {
  const StopTexts stop({"bc", "cd"}, [](std::span<const std::int64_t> tokens) {
    std::string text;
    for (const std::int64_t token : tokens) text += static_cast<char>('a' + token);
    return text;
  });
  CHECK_FALSE(stop.reached(Tokens{}));
  CHECK_FALSE(stop.reached(Tokens{0, 1}));
  CHECK(stop.reached(Tokens{0, 1, 2}));
  CHECK(stop.reached(Tokens{2, 3}));
  CHECK(stop.cut("abcd") == "a");
  CHECK(stop.cut("acdbc") == "a");
  CHECK(stop.cut("bcd") == "");
  CHECK(stop.cut("ab") == "ab");
}

TEST_CASE("stop_texts: without any, no text ends") {
  CHECK(StopTexts().empty());
  CHECK_FALSE(StopTexts().reached(Tokens{1}));
  CHECK(StopTexts().cut("text") == "text");
}
