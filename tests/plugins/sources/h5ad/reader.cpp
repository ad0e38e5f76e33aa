// What a whole file gives: rows in any order, names, labels, every layout, LZF.
#include <atomic>
#include <cmath>
#include <thread>

#include "files.hpp"

namespace cell2text::test {
namespace {

static_assert(DescribesItself<H5adSource::Settings>);

using Floats = std::vector<float>;
using Columns = std::vector<std::int32_t>;

/// One file per layout, all with the same matrix.
std::vector<std::filesystem::path> every_layout(const TemporaryFolder& folder) {
  const Sparse csc = {
      .encoding = "csc_matrix", .data = {5, 40, 1, 3, 2}, .indices = {0, 2, 0, 2, 1}, .indptr = {0, 1, 2, 4, 5}};
  return {make_file(
              folder, [](const hdf5::Group& root) { write_sparse(root, "X", {}); }, "csr.h5ad"),
          make_file(
              folder, [&](const hdf5::Group& root) { write_sparse(root, "X", csc); }, "csc.h5ad"),
          make_file(
              folder,
              [](const hdf5::Group& root) {
                write_dense(root, "X", {5, 0, 1, 0, 0, 0, 0, 2, 0, 40, 3, 0});
              },
              "dense.h5ad")};
}

TEST_CASE("h5ad source: rows come in the order asked for, from every layout") {
  const TemporaryFolder folder;
  for (const auto& path : every_layout(folder)) {
    INFO("file " << path.string());
    H5adSource source(settings_for(path), Context{});
    const std::vector<std::int64_t> rows = {2, 0, 2, 1};
    const CellBatch batch = source.read(rows);
    CHECK(batch.rows == rows);
    CHECK(batch.names == std::vector<std::string>{"c", "a", "c", "b"});
    CHECK(batch.row_starts == std::vector<std::int64_t>{0, 2, 4, 6, 7});
    CHECK(batch.columns == Columns{1, 2, 0, 2, 1, 2, 3});
    CHECK(batch.counts == Floats{40, 3, 5, 1, 40, 3, 2});
    CHECK(batch.totals == std::vector<double>{43, 6, 43, 2});
    CHECK(batch.genes == source.genes());
    CHECK(batch.genes->ids == gene_names);
    CHECK(source.read({}).size() == 0);
    CHECK(source.read({}).row_starts == std::vector<std::int64_t>{0});
  }
}

TEST_CASE("h5ad source: a row outside of the file is refused") {
  const TemporaryFolder folder;
  H5adSource source(settings_for(make_file(folder, [](const hdf5::Group& root) { write_sparse(root, "X", {}); })),
                    Context{});
  const std::vector<std::int64_t> high = {3}, low = {-1};
  check_says(refusal([&] { source.read(high); }), {"cells.h5ad", "row 3", "0 to 2"});
  check_says(refusal([&] { source.names(low); }), {"row -1"});
}

TEST_CASE("h5ad source: columns that are not in order are sorted") {
  const TemporaryFolder folder;
  Sparse sparse;
  std::swap(sparse.indices[0], sparse.indices[1]);
  std::swap(sparse.data[0], sparse.data[1]);
  H5adSource source(settings_for(make_file(folder, [&](const hdf5::Group& root) { write_sparse(root, "X", sparse); })),
                    Context{});
  const std::vector<std::int64_t> rows = {0};
  CHECK(source.read(rows).columns == Columns{0, 2});
  CHECK(source.read(rows).counts == Floats{5, 1});
}

TEST_CASE("h5ad source: obs columns are listed and read; an unknown one is refused with those there are") {
  const TemporaryFolder folder;
  const auto path = folder / "cells.h5ad";
  {
    const hdf5::Group root = new_file(path);
    const hdf5::Group obs = new_frame(root, "obs", cell_names, {"n", "kind"});
    hdf5::write_numbers(obs, "n", std::vector<double>{1, std::nan(""), 0.1});
    hdf5::write_strings(obs, "kind", {"x", "y", "x"});
    new_frame(root, "var", gene_names);
    write_sparse(root, "X", {});
  }
  H5adSource source(settings_for(path), Context{});
  const auto columns = source.columns();
  REQUIRE(columns.size() == 2);
  CHECK((columns[0].name == "n" && columns[0].type == ColumnInfo::Type::number));
  CHECK((columns[1].name == "kind" && columns[1].type == ColumnInfo::Type::text));
  CHECK(source.labels("kind").codes == Columns{0, 1, 0});
  CHECK(source.labels("n").at(0) == "1");
  CHECK(!source.labels("n").at(1));
  CHECK(source.labels("n").at(2) == "0.1");
  check_says(refusal([&] { source.labels("cell_type"); }), {"no column 'cell_type'", "n, kind"});
  check_says(refusal([&] { anndata::DataFrame(hdf5::Group::open_file(path), "obs").numbers("kind"); }),
             {"'kind'", "text"});
}

TEST_CASE("h5ad source: the species may stand in uns; obs goes before it") {
  const TemporaryFolder folder;
  const auto add_species = [](const hdf5::Group& root) {
    const hdf5::Group uns = hdf5::write_group(root, "uns");
    hdf5::write_string(uns, "organism", "Homo sapiens");
    hdf5::write_numbers(uns, "organism_ontology_term_id", std::vector<float>{9606});  // no text: passed over
  };
  const auto path = make_file(
      folder,
      [&](const hdf5::Group& root) {
        write_sparse(root, "X", {});
        add_species(root);
      },
      "uns.h5ad");
  H5adSource source(settings_for(path), Context{});
  const LabelColumn species = source.labels("organism");
  CHECK(species.values == std::vector<std::string>{"Homo sapiens"});
  CHECK(species.codes == std::vector<std::int32_t>{0, 0, 0});
  std::int64_t named = 0;
  for (const ColumnInfo& column : source.columns()) named += column.name.starts_with("organism");
  CHECK(named == 1);
  const auto plain = make_file(
      folder, [](const hdf5::Group& root) { write_sparse(root, "X", {}); }, "plain.h5ad");
  check_says(refusal([&] { H5adSource(settings_for(plain), Context{}).labels("organism"); }), {"organism"});
}

TEST_CASE("h5ad source: an obs column that cannot be read is named in the log and left out, the rest is read") {
  const TemporaryFolder folder;
  const auto path = folder / "cells.h5ad";
  {
    const hdf5::Group root = new_file(path);
    const hdf5::Group obs = new_frame(root, "obs", cell_names, {"absent", "kind"});
    hdf5::write_strings(obs, "kind", {"x", "y", "x"});
    new_frame(root, "var", gene_names);
    write_sparse(root, "X", {});
  }
  Said said;
  H5adSource source(settings_for(path), said.context());
  CHECK(said.has("obs column 'absent' cannot be read"));
  REQUIRE(source.columns().size() == 1);
  CHECK(source.columns().front().name == "kind");
  check_says(refusal([&] { source.labels("absent"); }), {"no dataset 'absent'"});
}

TEST_CASE("h5ad source: threads may read at the same time") {
  const TemporaryFolder folder;
  H5adSource source(settings_for(every_layout(folder)[1]), Context{});
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      const std::vector<std::int64_t> rows = {i % 3};
      for (int n = 0; n < 50; ++n) right += source.read(rows).names.front() == cell_names[i % 3];
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 200);
}

TEST_CASE("lzf: literal runs and back references are decoded; damaged input is noticed") {
  const std::vector<std::uint8_t> packed = {2, 'a', 'b', 'c', 1 << 5, 2, (7 << 5), 1, 0};
  std::vector<std::uint8_t> out(64);
  const auto size = hdf5::lzf_decode(packed.data(), packed.size(), out.data(), out.size());
  CHECK(std::string(out.begin(), out.begin() + size) ==
        "abcabccccccccccc"
        "");
  CHECK(hdf5::lzf_decode(packed.data(), packed.size(), out.data(), 5) == -2);
  CHECK(hdf5::lzf_decode(packed.data(), 3, out.data(), out.size()) == -1);
  CHECK(hdf5::lzf_decode(packed.data(), 7, out.data(), out.size()) == -1);
  const std::vector<std::uint8_t> before_start = {0, 'a', 1 << 5, 9};
  CHECK(hdf5::lzf_decode(before_start.data(), before_start.size(), out.data(), out.size()) == -1);
}

}  // namespace
}  // namespace cell2text::test
