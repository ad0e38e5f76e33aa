// Damaged files: cut at many lengths, bytes changed at random. Each gives cells or an InputError, in bounded time.
#include <random>

#include "cell2text/io/h5ad_writer.hpp"
#include "files.hpp"

namespace cell2text::test {
namespace {

std::string whole_file() {
  const TemporaryFolder folder;
  const auto path = folder / "whole.h5ad";
  {
    const hdf5::Group root = new_file(path);
    const hdf5::Group obs = new_frame(root, "obs", cell_names, {"kind", "n_counts"});
    hdf5::write_strings(obs, "kind", {"x", "y", "x"});
    hdf5::write_numbers(obs, "n_counts", std::vector<double>{50, 50, 50});
    new_frame(root, "var", gene_names);
    write_sparse(root, "X", {});
  }
  return read_file(path);
}

/// Whether the file was read; an InputError is the one other end.
bool is_read(const std::filesystem::path& path) {
  try {
    H5adSource source(settings_for(path), Context{});
    for (const ColumnInfo& column : source.columns()) source.labels(column.name);
    const std::vector<std::int64_t> rows = {0, source.size() - 1};
    source.read(rows);
    return true;
  } catch (const InputError& error) {
    CHECK(std::string(error.what()).find(path.string()) != std::string::npos);
    return false;
  }
}

TEST_CASE("h5ad source: a file that was cut is refused at every length") {
  const TemporaryFolder folder;
  const std::string whole = whole_file();
  REQUIRE(whole.size() > 3000);
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 12) {
    write_file(folder / "cut.h5ad", whole.substr(0, size));
    read += is_read(folder / "cut.h5ad");
  }
  CHECK(read == 0);
  write_file(folder / "cut.h5ad", whole);
  CHECK(is_read(folder / "cut.h5ad"));
}

TEST_CASE("h5ad source: changed bytes give cells or an InputError") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const std::string whole = whole_file();
  for (int i = 0; i < 150; ++i) {
    std::string bytes = whole;
    for (int change = 0; change <= i % 5; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    write_file(folder / "changed.h5ad", bytes);
    is_read(folder / "changed.h5ad");
  }
}

}  // namespace
}  // namespace cell2text::test
