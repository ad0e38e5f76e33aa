// Damaged files: cut at many lengths, bytes changed at random. Each gives cells or an InputError, in bounded time.
#include <random>

#include "files.hpp"

namespace cell2text::test {
namespace {

/// Whether the cells were read; an InputError is the one other end.
bool is_tenx_read(const std::filesystem::path& path) {
  try {
    const TenxSource source(tenx_settings(path), Context{});
    for (std::int64_t row = 0; row < source.size(); ++row) source.read(std::vector<std::int64_t>{row});
    return true;
  } catch (const InputError& error) {
    CHECK(std::string(error.what()).find(path.string()) != std::string::npos);
    return false;
  }
}

std::string changed_bytes(std::string bytes, int changes, std::mt19937_64& random) {
  for (int i = 0; i < changes; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
  return bytes;
}

TEST_CASE("tenx source: an .h5 that was cut is refused at every length; changed bytes give cells or an InputError") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const std::string whole = read_file(make_v3(folder));
  REQUIRE(whole.size() > 3000);
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 12) {
    write_file(folder / "cut.h5", whole.substr(0, size));
    read += is_tenx_read(folder / "cut.h5");
  }
  CHECK(read == 0);
  write_file(folder / "cut.h5", whole);
  CHECK(is_tenx_read(folder / "cut.h5"));
  for (int i = 0; i < 100; ++i) {
    write_file(folder / "changed.h5", changed_bytes(whole, 1 + i % 5, random));
    is_tenx_read(folder / "changed.h5");
  }
}

TEST_CASE("tenx source: a folder whose files were cut or changed gives cells or an InputError") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  for (const bool gzip : {false, true}) {
    const auto path = make_folder(folder, {}, gzip);
    CHECK(is_tenx_read(path));
    for (const char* name : {"matrix.mtx", "barcodes.tsv", "features.tsv"}) {
      const auto file = path / (std::string(name) + (gzip ? ".gz" : ""));
      const std::string whole = read_file(file);
      for (std::size_t size = 0; size + 1 < whole.size(); size += 1 + size / 10) {
        write_file(file, whole.substr(0, size));
        const bool read = is_tenx_read(path);
        if (gzip) CHECK_FALSE(read);
      }
      for (int i = 0; i < 60; ++i) {
        write_file(file, changed_bytes(whole, 1 + i % 3, random));
        is_tenx_read(path);
      }
      write_file(file, whole);
    }
  }
}

}  // namespace
}  // namespace cell2text::test
