// XXH64 against its published values, and what it is for: seeing damage.
#include "cell2text/io/xxh64.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/oracle.hpp"

using cell2text::xxh64;

namespace {

std::uint64_t hash_of(const std::string& text, std::uint64_t seed = 0) {
  return xxh64(std::as_bytes(std::span(text.data(), text.size())), seed);
}

}  // namespace

TEST_CASE("xxh64: texts have their published hashes") {
  CHECK(hash_of("") == 0xEF46DB3751D8E999);
  CHECK(hash_of("a") == 0xD24EC4F1A98C6E5B);
  CHECK(hash_of("abc") == 0x44BC2CF5AD770999);
  CHECK(hash_of("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1);
}

TEST_CASE("xxh64: every flipped bit, every pair of equal flips a lane apart, every cut and another seed change it") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::string text(1 + random() % 200, ' ');
  for (char& letter : text) letter = static_cast<char>(random());
  const std::uint64_t whole = hash_of(text);
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string other = text;
    other[bit / 8] ^= static_cast<char>(1 << bit % 8);
    CHECK(hash_of(other) != whole);
    if (bit / 8 + 32 >= text.size()) continue;
    other[bit / 8 + 32] ^= static_cast<char>(1 << bit % 8);
    CHECK(hash_of(other) != whole);
  }
  for (std::size_t size = 0; size < text.size(); ++size) CHECK(hash_of(text.substr(0, size)) != whole);
  CHECK(hash_of(text + '\0') != whole);
  CHECK(hash_of(text, 1) != whole);
}
