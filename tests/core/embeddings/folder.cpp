// The folder of entries: its limit, who goes first, what is never touched.
#include "cell2text/embeddings/folder.hpp"

#include <fcntl.h>

#include "entries.hpp"

using cell2text::EmbeddingEntry;
using cell2text::EmbeddingFolder;
using cell2text::EntryState;
using cell2text::EnvironmentError;
using cell2text::InputError;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

constexpr std::int64_t block = 4096;

/// `count` entries of one block each, stored in order, used `i` seconds after a day long past.
std::vector<std::string> fill(EmbeddingFolder& folder, int count, std::mt19937_64& random) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) {
    const auto one = test::random_entry(random);
    REQUIRE(!folder.store(one.key, one.entry, one.rows));
    keys.push_back(one.key);
  }
  return keys;
}

void use(const fs::path& file, std::int64_t second) {
  const timespec times[2] = {{1'000'000'000 + second, 0}, {1'000'000'000 + second, 0}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

bool there(const EmbeddingFolder& folder, const std::string& key) {
  EmbeddingEntry entry;
  return read_entry_header(folder.path_of(key), key, entry) == EntryState::whole;
}

/// Environment variables as they were, afterwards.
struct Environment {
  std::map<std::string, std::string> before;
  explicit Environment(const std::map<std::string, const char*>& values) {
    for (const auto& [name, value] : values) {
      if (const char* old = std::getenv(name.c_str())) before[name] = old;
      value ? ::setenv(name.c_str(), value, 1) : ::unsetenv(name.c_str());
    }
    names = values;
  }
  ~Environment() {
    for (const auto& [name, unused] : names)
      before.contains(name) ? ::setenv(name.c_str(), before[name].c_str(), 1) : ::unsetenv(name.c_str());
  }
  std::map<std::string, const char*> names;
};

}  // namespace

TEST_CASE("embedding folder: entries lie in subfolders by the first two digits of their key") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder embeddings(folder / "a/b", 1 << 20);
  CHECK(embeddings.bytes() == 0);
  const auto keys = fill(embeddings, 3, random);
  for (const auto& key : keys) CHECK(fs::exists(folder / "a/b" / key.substr(0, 2) / (key + ".embedding")));
  CHECK(embeddings.bytes() == 3 * block);
  CHECK(EmbeddingFolder(folder / "a/b", 1 << 20).bytes() == 3 * block);
  embeddings.remove(keys[1]);
  embeddings.remove(keys[1]);
  CHECK(!there(embeddings, keys[1]));
  CHECK(embeddings.bytes() == 2 * block);
  CHECK(embeddings.dropped() == 0);
  CHECK(embeddings.path() == folder / "a/b");
  CHECK(embeddings.limit() == 1 << 20);
}

TEST_CASE("embedding folder: beyond the limit the least recently used go, until nine tenths are left") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder embeddings(folder.path(), 20 * block);
  auto keys = fill(embeddings, 20, random);
  CHECK(embeddings.bytes() == 20 * block);
  CHECK(embeddings.dropped() == 0);
  std::vector<std::int64_t> seconds(20);
  std::iota(seconds.begin(), seconds.end(), 0);
  std::ranges::shuffle(seconds, random);
  for (std::size_t i = 0; i < keys.size(); ++i) use(embeddings.path_of(keys[i]), seconds[i]);
  // The one used longest ago is read, which makes it the youngest.
  const auto oldest = static_cast<std::size_t>(std::ranges::find(seconds, 0) - seconds.begin());
  EmbeddingEntry entry;
  REQUIRE(read_entry_header(embeddings.path_of(keys[oldest]), keys[oldest], entry) == EntryState::whole);
  std::vector<std::byte> rows(static_cast<std::size_t>(entry.payload_bytes()));
  REQUIRE(read_entry_rows(embeddings.path_of(keys[oldest]), keys[oldest], entry, rows) == EntryState::whole);
  const auto last = fill(embeddings, 1, random).front();
  CHECK(embeddings.bytes() == 18 * block);
  CHECK(embeddings.dropped() == 3);
  CHECK(there(embeddings, last));
  for (std::size_t i = 0; i < keys.size(); ++i)
    CHECK(there(embeddings, keys[i]) == (seconds[i] == 0 || seconds[i] > 3));
}

TEST_CASE("embedding folder: a smaller limit takes effect at opening") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder large(folder.path(), 100 * block);
  fill(large, 30, random);
  const EmbeddingFolder small(folder.path(), 10 * block);
  CHECK(small.bytes() == 9 * block);
  CHECK(small.dropped() == 21);
  CHECK(test::files_below(folder.path()).size() == 9);
}

TEST_CASE("embedding folder: what another process stores is counted before the limit is passed by far") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder one(folder.path(), 40 * block), other(folder.path(), 40 * block);
  for (int i = 0; i < 60; ++i) {
    fill(one, 1, random), fill(other, 1, random);
    CHECK(test::files_below(folder.path()).size() <=
          45);  // of the other, a tenth of the limit and one are not known of
  }
  CHECK(one.dropped() + other.dropped() > 70);
}

TEST_CASE("embedding folder: an entry beyond the whole limit is not stored, and nothing is dropped for it") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder embeddings(folder.path(), 3 * block);
  const auto keys = fill(embeddings, 2, random);
  const EmbeddingEntry large{100, 100, torch::kFloat32, 0};
  const std::vector<std::byte> rows(static_cast<std::size_t>(large.payload_bytes()));
  CHECK(!embeddings.store(test::random_key(random), large, rows));
  CHECK(test::files_below(folder.path()).size() == 2);
  CHECK(embeddings.dropped() == 0);
}

TEST_CASE(
    "embedding folder: files of other kinds are neither counted nor touched, old leftovers of writing are removed") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  const std::string key = "ab" + std::string(62, '0'), other = "cd" + std::string(62, '0');
  std::vector<std::string> foreign{"README",
                                   "ab.embedding",
                                   "ab/notes.txt",
                                   "ab/" + key,
                                   "ab/" + key + ".embedding.bak",
                                   "ab/" + other + ".embedding",
                                   "ab/" + key + ".embedding.1234567.tmp",
                                   "AB/" + key + ".embedding",
                                   "abc/" + key + ".embedding",
                                   "ab/" + key.substr(1) + "g.embedding",
                                   "cd/deep/" + other + ".embedding"};
  const std::string left = "ab/" + key + ".embedding.0123abcd.tmp", young = "ab/" + key + ".embedding.0123abce.tmp";
  for (const auto& name : foreign) {
    fs::create_directories((folder / name).parent_path());
    test::write_file(folder / name, std::string(3 * block, 'x'));
    use(folder / name, 0);
  }
  fs::create_directories(folder / ("ab/" + key + ".embedding"));  // a folder under an entry's name
  fs::create_symlink(folder / "README", folder / ("cd/" + other + ".embedding"));
  foreign.push_back("cd/" + other + ".embedding");
  test::write_file(folder / left, "half"), test::write_file(folder / young, "half");
  use(folder / left, 0);
  EmbeddingFolder embeddings(folder.path(), 2 * block);
  CHECK(embeddings.bytes() == 0);
  CHECK(!fs::exists(folder / left));
  REQUIRE(fs::exists(folder / young));
  fs::remove(folder / young);
  fill(embeddings, 9, random);
  CHECK(embeddings.dropped() >= 7);
  for (const auto& name : foreign) CHECK_MESSAGE(fs::exists(fs::symlink_status(folder / name)), name);
  CHECK(fs::is_directory(folder / ("ab/" + key + ".embedding")));
}

TEST_CASE("embedding folder: one that is no folder, or cannot be written to, is refused at once") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", "");
  CHECK_THROWS_WITH_AS(EmbeddingFolder(folder / "file", 1),
                       doctest::Contains("is not a folder; set encoder.cache_folder"), InputError);
  CHECK_THROWS_WITH_AS(EmbeddingFolder(folder / "file/below", 1), doctest::Contains("cannot be written to"),
                       EnvironmentError);
  CHECK_THROWS_WITH_AS(EmbeddingFolder("/proc", 1), doctest::Contains("set encoder.cache_folder to another place"),
                       EnvironmentError);
  CHECK(test::read_file(folder / "file").empty());
}

TEST_CASE("embedding folder: a full disk and a file in a subfolder's place are told, not thrown") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingFolder embeddings(folder.path(), 1 << 20);
  auto one = test::random_entry(random);
  {
    const test::SmallDisk small(60);
    CHECK(embeddings.store(one.key, one.entry, one.rows) == std::errc::file_too_large);
  }
  CHECK(test::files_below(folder.path()).empty());
  one.key = (one.key.starts_with("00") ? "11" : "00") + one.key.substr(2);
  test::write_file(folder / one.key.substr(0, 2), "a file");
  CHECK(embeddings.store(one.key, one.entry, one.rows) == std::errc::not_a_directory);
  fs::remove_all(folder.path());
  CHECK(embeddings.store(one.key, one.entry, one.rows) == std::errc::no_such_file_or_directory);
  CHECK(embeddings.bytes() == 0);
  fs::create_directory(folder.path());
}

TEST_CASE("embedding folder: the usual place is where the system keeps caches") {
  {
    const Environment environment({{"XDG_CACHE_HOME", "/x"}, {"HOME", "/home/me"}});
    CHECK(cell2text::usual_embedding_folder() == "/x/cell2text/embeddings");
  }
  {
    const Environment environment({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/home/me"}});
    CHECK(cell2text::usual_embedding_folder() == "/home/me/.cache/cell2text/embeddings");
  }
  const Environment environment({{"XDG_CACHE_HOME", nullptr}, {"HOME", nullptr}});
  CHECK_THROWS_WITH_AS(cell2text::usual_embedding_folder(), doctest::Contains("set encoder.cache_folder"), InputError);
}
