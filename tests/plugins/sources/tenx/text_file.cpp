// Text files, plain and packed by gzip, whole and damaged.
#include "plugins/sources/tenx/text_file.hpp"

#include <random>

#include "files.hpp"

namespace cell2text::test {
namespace {

std::string text_of_file(const std::filesystem::path& path) {
  tenx::TextFile file(path);
  std::string all;
  for (std::string_view piece = file.next(); !piece.empty(); piece = file.next()) all += piece;
  return all;
}

/// Letters that gzip packs badly, so that there is more than one piece of them.
std::string long_text(std::mt19937_64& random) {
  std::string text(3'000'000, '\0');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

TEST_CASE("text file: plain and packed, in one member and in several, is the same text") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const std::string text = long_text(random);
  const auto check = [&](const std::string& bytes, const std::string& wanted) {
    write_file(folder / "text", bytes);
    CHECK(text_of_file(folder / "text") == wanted);
  };
  check(text, text);
  check(packed(text), text);
  check(packed(text) + packed("more") + packed("") + packed("end\n"), text + "moreend\n");
  check(packed("a") + std::string(512, '\0'), "a");  // padded to blocks, as tar and tapes do
  check("", "");
  check(packed(""), "");
}

TEST_CASE("text file: gzip's data that are damaged or cut off are refused at any place") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const auto path = folder / "text.gz";
  const std::string whole = packed("1 2 3\n4 5 6\n7 8 9\n");
  for (std::size_t size = 2; size < whole.size(); ++size) {
    write_file(path, whole.substr(0, size));
    check_says(refusal([&] { text_of_file(path); }), {path.string(), "ends before gzip's data are complete"});
  }
  std::string changed = packed(long_text(random));
  for (std::size_t i = 0; i < 100; ++i) changed[changed.size() / 2 + i] = static_cast<char>(random());
  write_file(path, changed);
  check_says(refusal([&] { text_of_file(path); }), {path.string(), "holds damaged gzip data"});
  write_file(path, whole + "garbage");
  check_says(refusal([&] { text_of_file(path); }), {"holds damaged gzip data"});
}

TEST_CASE("text file: what is missing, or a pointer to what was not downloaded, is refused") {
  const TemporaryFolder folder;
  check_says(refusal([&] { tenx::TextFile{folder / "none"}; }), {"none does not exist"});
  write_file(folder / "pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
  check_says(refusal([&] { tenx::TextFile{folder / "pointer"}; }), {"Git LFS", "pull"});
}

}  // namespace
}  // namespace cell2text::test
