// The file of one cell's embeddings: read back, and damaged in every way.
#include "cell2text/embeddings/entry.hpp"

#include "entries.hpp"

using cell2text::EmbeddingEntry;
using cell2text::EntryState;
namespace test = cell2text::test;

namespace {

/// Header and rows, as the cache reads them.
EntryState read_both(const std::filesystem::path& path, const std::string& key, EmbeddingEntry& entry,
                     std::vector<std::byte>& rows) {
  const EntryState state = read_entry_header(path, key, entry);
  if (state != EntryState::whole) return state;
  rows.resize(static_cast<std::size_t>(entry.payload_bytes()));
  return read_entry_rows(path, key, entry, rows);
}

}  // namespace

TEST_CASE("embedding entry: what is written is read, whatever its size and type") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const test::TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) {
    const auto one = test::random_entry(random);
    const auto path = folder / "one";
    REQUIRE(!write_entry(path, one.key, one.entry, one.rows));
    CHECK(std::filesystem::file_size(path) == static_cast<std::uintmax_t>(file_bytes(one.entry)));
    EmbeddingEntry read;
    std::vector<std::byte> rows;
    CHECK(read_both(path, one.key, read, rows) == EntryState::whole);
    CHECK(read.genes == one.entry.genes);
    CHECK(read.width == one.entry.width);
    CHECK((read.dtype == one.entry.dtype));
    CHECK(read.seconds == one.entry.seconds);
    CHECK((rows == one.rows));
    CHECK(read_both(path, test::random_key(random), read, rows) == EntryState::damaged);  // another cell's file
    CHECK(read_both(path, one.key.substr(1), read, rows) == EntryState::damaged);
  }
  CHECK(test::files_below(folder.path()) == std::vector<std::string>{"one"});
}

TEST_CASE("embedding entry: any changed byte, any cut, anything longer and random bytes are damage") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const test::TemporaryFolder folder;
  const auto path = folder / "one";
  auto one = test::random_entry(random);
  while (one.rows.empty()) one = test::random_entry(random);
  REQUIRE(!write_entry(path, one.key, one.entry, one.rows));
  const std::string whole = test::read_file(path);
  EmbeddingEntry read;
  std::vector<std::byte> rows;
  const auto damaged = [&](const std::string& bytes) {
    test::write_file(path, bytes);
    return read_both(path, one.key, read, rows) == EntryState::damaged;
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] ^= static_cast<char>(1 + random() % 255);
    CHECK(damaged(changed));
    CHECK(damaged(whole.substr(0, at)));
  }
  CHECK(damaged(whole + '\0'));
  CHECK(damaged(whole + whole));
  CHECK(damaged(std::string(whole.size(), '\0')));
  for (int i = 0; i < 50; ++i) {
    std::string bytes(random() % (2 * whole.size()), ' ');
    for (char& letter : bytes) letter = static_cast<char>(random());
    CHECK(damaged(bytes));
    if (bytes.size() > 16) CHECK(damaged(whole.substr(0, 16) + bytes.substr(16)));
  }
  test::write_file(path, whole);
  CHECK(read_both(path, one.key, read, rows) == EntryState::whole);
}

TEST_CASE("embedding entry: a header of impossible sizes is damage, even where its checksum is right") {
  using cell2text::entry_detail::Header;
  const test::TemporaryFolder folder;
  const std::string key(64, 'a');
  for (const auto& [genes, width, dtype] :
       {std::tuple{-1, 1, 0U}, std::tuple{0, 0, 0U}, std::tuple{0, 1, 3U}, std::tuple{1 << 30, 1 << 24, 0U},
        std::tuple{(1 << 30) + 1, 1, 0U}, std::tuple{1, (1 << 24) + 1, 0U}}) {
    Header header;
    header.genes = genes, header.width = width, header.dtype = dtype;
    std::memcpy(header.key, key.data(), key.size());
    header.header_checksum = cell2text::entry_detail::checksum_of(header);
    test::write_file(folder / "one", std::string(reinterpret_cast<const char*>(&header), sizeof header));
    EmbeddingEntry read;
    CHECK(read_entry_header(folder / "one", key, read) == EntryState::damaged);
  }
}

TEST_CASE("embedding entry: rows that are not those of the header that was read are damage") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  auto one = test::random_entry(random);
  REQUIRE(!write_entry(folder / "one", one.key, one.entry, one.rows));
  EmbeddingEntry other = one.entry;
  ++other.genes;  // the file was replaced meanwhile
  std::vector<std::byte> rows(static_cast<std::size_t>(other.payload_bytes()));
  CHECK(read_entry_rows(folder / "one", one.key, other, rows) == EntryState::damaged);
}

TEST_CASE("embedding entry: what is not there is missing, what is no file is refused, and neither is waited for") {
  const test::TemporaryFolder folder;
  const std::string key(64, 'a');
  EmbeddingEntry read;
  CHECK(read_entry_header(folder / "nowhere", key, read) == EntryState::missing);
  CHECK(read_entry_rows(folder / "nowhere", key, read, {}) == EntryState::missing);
  CHECK(read_entry_header(folder.path(), key, read) == EntryState::refused);
  std::filesystem::create_symlink(folder / "link", folder / "link");
  CHECK(read_entry_header(folder / "link", key, read) == EntryState::refused);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_entry_header(folder / "pipe", key, read) == EntryState::refused);
}

TEST_CASE("embedding entry: what cannot be written is told and leaves nothing, and the old entry as it was") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  auto one = test::random_entry(random);
  while (one.rows.empty()) one = test::random_entry(random);
  CHECK(write_entry(folder / "no/where", one.key, one.entry, one.rows) == std::errc::no_such_file_or_directory);
  REQUIRE(!write_entry(folder / "one", one.key, one.entry, one.rows));
  for (const rlim_t bytes : {rlim_t{60}, rlim_t{121}}) {  // in the header, in the rows
    if (bytes == 121 && one.rows.size() < 2) continue;
    const test::SmallDisk small(bytes);
    CHECK(write_entry(folder / "one", one.key, one.entry, one.rows) == std::errc::file_too_large);
  }
  std::filesystem::create_directory(folder / "folder");
  CHECK(write_entry(folder / "folder", one.key, one.entry, one.rows));
  CHECK(test::files_below(folder.path()) == std::vector<std::string>{"one"});
  EmbeddingEntry read;
  CHECK(read_entry_header(folder / "one", one.key, read) == EntryState::whole);
}
