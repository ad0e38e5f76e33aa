// Guesses from known texts, and the file that keeps them.
#include "cell2text/generate/drafts.hpp"

#include <doctest/doctest.h>

#include "cell2text/generate/draft_file.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

namespace {

Tokens after(const DraftTexts& drafts, const Tokens& text, std::size_t most = 100) {
  const auto found = drafts.after(text, most);
  return {found.begin(), found.end()};
}

}  // namespace

TEST_CASE("drafts: a text goes on as the first known one that has its last tokens") {
  const DraftTexts drafts({{1, 2, 3, 4, 5}, {1, 2, 3, 9}, {7, 7, 2, 3, 4, 8}});
  CHECK(after(drafts, {1}) == Tokens{2, 3, 4, 5});
  CHECK(after(drafts, {1}, 2) == Tokens{2, 3});
  CHECK(after(drafts, {6, 6, 6, 2, 3, 4}) == Tokens{5});  // three tokens are the fewest that tell
  CHECK(after(drafts, {6, 6, 6, 6, 3, 4}).empty());
  CHECK(after(drafts, {7, 7, 2, 3}) == Tokens{4, 8});
  CHECK(after(drafts, {1, 2, 3, 4, 5}).empty());  // nothing follows
  CHECK(after(DraftTexts({}), {}).empty());
}

TEST_CASE("drafts: a guess ends where fewer than half of the known texts go on with it") {
  CHECK(after(DraftTexts({{1, 2, 3, 4, 5}, {1, 2, 3, 9}, {7, 7, 2, 3, 4, 8}}), {}) == Tokens{1, 2, 3});
  const DraftTexts drafts({{1, 2, 3}, {1, 2, 9}, {1, 4, 5}, {1, 6, 7}});
  CHECK(after(drafts, {}) == Tokens{1, 2});
  CHECK(after(drafts, {1}) == Tokens{2});
  CHECK(after(drafts, {1, 2}) == Tokens{3});
  CHECK(after(drafts, {1, 6}) == Tokens{7});
  CHECK(after(DraftTexts({{1, 2}, {1, 3}, {1, 4}}), {1}).empty());
}

TEST_CASE("drafts: what tells more of the tokens before a place goes first: all of them, eight, three") {
  const Tokens frequent{1, 1, 1, 1, 1, 5, 6, 7, 20}, rare{2, 2, 2, 2, 2, 5, 6, 7, 30};
  const DraftTexts drafts({frequent, rare});
  CHECK(after(drafts, {9, 2, 2, 2, 2, 2, 5, 6, 7}) == Tokens{30});
  CHECK(after(drafts, {3, 2, 2, 2, 2, 5, 6, 7}) == Tokens{20});
  const Tokens same{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto framed = [&](std::int64_t first, std::int64_t last) {
    Tokens text{first};
    text.insert(text.end(), same.begin(), same.end());
    if (last) text.push_back(last);
    return text;
  };
  const DraftTexts far({framed(10, 20), framed(11, 30)});
  CHECK(after(far, framed(11, 0)) == Tokens{30});
  CHECK(after(far, framed(12, 0)) == Tokens{20});
}

TEST_CASE("drafts: a file gives back what was written; a damaged one, or one of another vocabulary, is refused") {
  const test::TemporaryFolder folder;
  const auto file = folder / "drafts.safetensors";
  const std::vector<Tokens> texts{{1, 2, 3}, {}, {4}};
  save_drafts(file, DraftTexts(texts));
  CHECK((read_drafts(file, 5)->texts() == texts));
  CHECK_THROWS_WITH_AS(read_drafts(file, 4), doctest::Contains("holds token 4; the decoder has 4"), InputError);
  const auto with = [&](const std::vector<std::int64_t>& ends, const std::vector<std::int64_t>& tokens) {
    write_safetensors(file, {array_item("ends", ends), array_item("tokens", tokens)});
    return read_drafts(file, 10);
  };
  CHECK_THROWS_WITH_AS(with({2, 1}, {1, 2}), doctest::Contains("text 1 ends at token 1"), InputError);
  CHECK_THROWS_WITH_AS(with({3}, {1, 2}), doctest::Contains("ends at token 3"), InputError);
  CHECK_THROWS_WITH_AS(with({2}, {1, -2}), doctest::Contains("holds token -2"), InputError);
  test::write_file(file, "no");
  CHECK_THROWS_AS(read_drafts(file, 10), InputError);
}
