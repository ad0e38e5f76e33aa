// Patterns over layer names.
#include "name_pattern.hpp"

#include <doctest/doctest.h>

using cell2text::InputError;
using cell2text::lora::NamePattern;
using doctest::Contains;

TEST_CASE("name pattern: a plain name matches itself and the end of a longer one, after a dot") {
  const auto pattern = NamePattern::wildcard("self_attn.q_proj");
  CHECK(pattern.matches("self_attn.q_proj"));
  CHECK(pattern.matches("model.layers.0.self_attn.q_proj"));
  CHECK_FALSE(pattern.matches("model.layers.0.other_self_attn.q_proj"));
  CHECK_FALSE(pattern.matches("model.layers.0.self_attn.q_proj.more"));
  CHECK_FALSE(pattern.matches("model.layers.0.self_attn_q_proj"));  // the dot is a dot
  CHECK_FALSE(pattern.matches("q_proj"));
  CHECK_FALSE(pattern.matches("self_attn.q_proj\n"));
}

TEST_CASE("name pattern: * stands for any letters, every other sign for itself") {
  CHECK(NamePattern::wildcard("layers.*.q_proj").matches("model.layers.12.self_attn.q_proj"));
  CHECK(NamePattern::wildcard("*").matches("x"));
  CHECK_FALSE(NamePattern::wildcard("layers.1*.q").matches("layers.2.q"));
  CHECK(NamePattern::wildcard("a(b[c\\d+").matches("x.a(b[c\\d+"));
  CHECK_FALSE(NamePattern::wildcard("q|k").matches("q"));
  CHECK(NamePattern::wildcard("größe").matches("x.größe"));
}

TEST_CASE("name pattern: PEFT's expressions match a whole name or its end after a dot") {
  const auto pattern = NamePattern::regular_expression("layers.[01].self_attn.(q|k)_proj", "f");
  CHECK(pattern.matches("model.layers.1.self_attn.k_proj"));
  CHECK(pattern.matches("layers.0.self_attn.q_proj"));
  CHECK_FALSE(pattern.matches("model.layers.2.self_attn.k_proj"));
  CHECK_FALSE(pattern.matches("model.layers.1.self_attn.k_proj.more"));
  CHECK(NamePattern::regular_expression("q_proj|up_proj", "f").matches("a.up_proj"));
}

TEST_CASE("name pattern: a damaged expression is refused, one that never ends gives up") {
  CHECK_THROWS_WITH_AS(NamePattern::regular_expression("(q_proj", "c.json: rank_pattern"),
                       Contains("c.json: rank_pattern: '(q_proj' is no regular expression: "), InputError);
  const auto endless = NamePattern::regular_expression("(a|aa)+b", "c.json: rank_pattern");
  std::string name(60, 'a');
  name += "!b";
  CHECK_THROWS_WITH_AS(endless.matches(name), Contains("gives up on the name 'aaaa"), InputError);
}
