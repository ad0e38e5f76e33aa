// Files that are no .h5ad, and .h5ad files that contradict themselves: each is refused with its reason.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>

#include "files.hpp"

namespace cell2text::test {
namespace {

std::string refusal_of_bytes(const std::string& name, const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / name, bytes);
  return refusal_of(folder / name);
}

/// The refusal of a file whose X is `sparse`; reads all rows where opening succeeds.
std::string refusal_of_sparse(const Sparse& sparse) {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [&](const hdf5::Group& root) { write_sparse(root, "X", sparse); });
  return refusal([&] {
    H5adSource source(settings_for(path), Context{});
    const std::vector<std::int64_t> rows = {0, 1, 2};
    source.read(rows);
  });
}

TEST_CASE("h5ad source: what is no HDF5 file is named, with the way to an .h5ad") {
  check_says(refusal_of("/nowhere/cells.h5ad"), {"/nowhere/cells.h5ad", "does not exist"});
  check_says(refusal_of_bytes("a.h5ad", ""), {"a.h5ad", "empty"});
  check_says(refusal_of_bytes("a.h5ad", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"),
             {"Git LFS", "pull"});
  check_says(refusal_of_bytes("a.rds", "\x1f\x8b\x08"), {"R object", "zellkonverter::writeH5AD"});
  check_says(refusal_of_bytes("a.h5ad.gz", "\x1f\x8b\x08"), {"gzip", "gunzip"});
  check_says(refusal_of_bytes("a.zip", "PK\x03\x04"), {"zip"});
  check_says(refusal_of_bytes("a.RData", "RDX3\n"), {"R object"});
  check_says(refusal_of_bytes("a.h5ad", "X\n\0\0"), {"R object"});
  check_says(refusal_of_bytes("a.mtx", "%%MatrixMarket matrix coordinate\n"),
             {"Matrix Market", "Give its folder", "source = \"tenx\""});
  check_says(refusal_of_bytes("a.mtx.gz", "\x1f\x8b\x08"), {"Matrix Market"});
  check_says(refusal_of_bytes("a.csv", "cell,gene\n"), {"table of text", "scanpy.read_csv('", ".write_h5ad("});
  check_says(refusal_of_bytes("a.TSV.gz", "\x1f\x8b\x08"), {"table of text", "scanpy.read_text('"});
  check_says(refusal_of_bytes("a.h5ad", "cell,gene\n"), {"no HDF5 file"});
  check_says(refusal_of_bytes("a.h5ad", "\x89HDF\r\n\x1a\n and nothing more"), {"opening as HDF5", "a.h5ad"});
}

TEST_CASE("h5ad source: folders are refused, Zarr stores by name") {
  const TemporaryFolder folder;
  check_says(refusal_of(folder.path()), {"is a folder"});
  write_file(folder / "matrix.mtx.gz", "");
  check_says(refusal_of(folder.path()),
             {"10x Genomics", "source = \"tenx\", path = \"" + folder.path().string() + "\""});
  write_file(folder / ".zgroup", "{}");
  check_says(refusal_of(folder.path()), {"Zarr", "anndata.read_zarr"});
}

TEST_CASE("h5ad source: other formats over HDF5 are named") {
  const TemporaryFolder folder;
  const auto with = [&](const std::vector<std::string>& groups) {
    const hdf5::Group root = new_file(folder / "other.h5");
    for (const std::string& group : groups) hdf5::write_group(root, group);
    hdf5::flush(root);
    return refusal_of(folder / "other.h5");
  };
  check_says(with({"mod"}), {"MuData", "(none)", ".mod['rna'].write_h5ad"});
  check_says(with({"mod", "mod/atac", "mod/gex"}), {"modalities atac, gex", ".mod['gex'].write_h5ad"});
  check_says(with({"GRCh38", "GRCh38/barcodes", "GRCh38/indptr"}), {"10x Genomics", "The source tenx opens it"});
  check_says(with({"assays", "cell.names"}), {"Seurat", "SeuratDisk::Convert("});
  check_says(with({"matrix", "row_attrs"}), {"Loom", "read_loom"});
  check_says(with({"matrix", "matrix/barcodes"}), {"10x Genomics", "The source tenx opens it"});
  check_says(with({"X"}), {"no 'obs'"});
}

TEST_CASE("h5ad source: a table of anndata before 0.7 is refused with the way to convert it") {
  const TemporaryFolder folder;
  const hdf5::Group root = new_file(folder / "old.h5ad");
  hdf5::write_numbers(root, "obs", std::vector<double>{1});
  hdf5::flush(root);
  check_says(refusal_of(folder / "old.h5ad"), {"before version 0.7", "write_h5ad"});
}

TEST_CASE("h5ad source: a sparse matrix that contradicts itself is refused with file, object and place") {
  check_says(refusal_of_sparse({.indptr = {0, 3, 2, 5}}), {"cells.h5ad", "X/indptr", "falls from 3 to 2", "row 1"});
  check_says(refusal_of_sparse({.indptr = {1, 2, 3, 5}}), {"X/indptr", "begins with 1"});
  check_says(refusal_of_sparse({.indptr = {0, 2, 3, 6}}), {"ends with 6", "5 values"});
  check_says(refusal_of_sparse({.indptr = {0, 2, 5}}), {"X/indptr", "3 values", "expected 4"});
  check_says(refusal_of_sparse({.indices = {0, 2, 3, 1}}), {"X/data", "5 values", "'indices' has 4"});
  check_says(refusal_of_sparse({.indices = {0, 2, 3, 1, 4}}), {"X/indices", "row 2", "index 4", "0 to 3"});
  check_says(refusal_of_sparse({.indices = {0, 2, 3, -1, 2}}), {"row 2", "index -1"});
  check_says(refusal_of_sparse({.indices = {0, 2, 3, 2, 2}}), {": X", "row 2", "column 2 twice"});
  check_says(refusal_of_sparse({.shape = {3, 5}}), {": X", "3 x 5", "3 x 4"});
  check_says(refusal_of_sparse({.encoding = "coo_matrix"}), {"coo_matrix", "csr_matrix"});
}

TEST_CASE("h5ad source: counts that are negative or not finite are refused with their place") {
  const TemporaryFolder folder;
  for (const auto& [value, text] : {std::pair{-2., "is -2"}, {std::nan(""), "is nan"}, {1e300, "is inf"}}) {
    const auto path = make_file(folder, [&, bad = value](const hdf5::Group& root) {
      write_sparse(root, "X", {.data = {5, 1, 2, bad, 3}});
    });
    H5adSource::Settings settings = settings_for(path);
    settings.counts = "X";
    settings.any_values = true;
    settings.totals = "sum";
    H5adSource source(settings, Context{});
    const std::vector<std::int64_t> rows = {2};
    check_says(refusal([&] { source.read(rows); }),
               {": X", "row 2 (cell 'c'), column 1 (gene 'ENSG00000000002') ", text});
  }
}

TEST_CASE("h5ad source: dense matrices of another shape or type are refused") {
  const TemporaryFolder folder;
  const auto with = [&](const auto& write) { return refusal_of(make_file(folder, write)); };
  check_says(with([](const hdf5::Group& root) { write_dense(root, "X", {1, 2, 3, 4}, {2, 2}); }), {"2 x 2", "3 x 4"});
  check_says(with([](const hdf5::Group& root) { write_dense(root, "X", {1, 2, 3}, {3}); }), {"1 axes", "expected 2"});
  check_says(with([](const hdf5::Group& root) { hdf5::write_strings(root, "X", {"a"}); }), {"no numbers"});
}

TEST_CASE("h5ad source: frames that contradict themselves are refused") {
  const TemporaryFolder folder;
  const auto path = folder / "cells.h5ad";
  const auto with = [&](const std::function<void(const hdf5::Group&)>& change) {
    const hdf5::Group root = new_file(path);
    const hdf5::Group obs = new_frame(root, "obs", cell_names, {"c"});
    new_frame(root, "var", gene_names);
    write_sparse(root, "X", {});
    change(obs);
    hdf5::flush(root);
    return refusal([&] { H5adSource(settings_for(path), Context{}).labels("c"); });
  };
  const auto categorical = [](const std::vector<std::string>& categories, const std::vector<std::int32_t>& codes) {
    return [=](const hdf5::Group& obs) {
      const hdf5::Group group = hdf5::write_group(obs, "c");
      hdf5::write_strings(group, "categories", categories);
      hdf5::write_numbers(group, "codes", codes);
    };
  };
  check_says(with(categorical({"a", "b"}, {0, 1, 2})), {"obs/c/codes", "row 2", "code 2", "2 categories"});
  check_says(with(categorical({"a", "b"}, {0, -2, 1})), {"row 1", "code -2"});
  check_says(with(categorical({"a", "a"}, {0, 0, 1})), {"'a' twice"});
  check_says(with(categorical({"a"}, {0, 0})), {"2 values", "obs", "3"});
  check_says(with([](const hdf5::Group& obs) { hdf5::write_strings(obs, "c", {"a"}); }), {"obs/c", "1 values"});
  check_says(with([](const hdf5::Group&) {}), {"obs", "no dataset 'c'"});
  check_says(with([](const hdf5::Group& obs) { write_dense(obs, "c", {1, 2, 3}, {3, 1}); }), {"2 axes; expected 1"});
  check_says(with([](const hdf5::Group& obs) { hdf5::remove(obs, "_index"); }), {"no index '_index'"});
  check_says(
      with([](const hdf5::Group& obs) { hdf5::set_attribute(obs, "_index", std::vector<std::string>{"nothing"}); }),
      {"no index 'nothing'"});
}

TEST_CASE("h5ad source: files without cells or genes are refused") {
  const TemporaryFolder folder;
  const auto path = folder / "empty.h5ad";
  const auto with = [&](const std::vector<std::string>& cells, const std::vector<std::string>& genes) {
    const hdf5::Group root = new_file(path);
    new_frame(root, "obs", cells);
    new_frame(root, "var", genes);
    write_sparse(root, "X",
                 {.shape = {std::ssize(cells), std::ssize(genes)},
                  .data = {},
                  .indices = {},
                  .indptr = std::vector<std::int64_t>(cells.size() + 1)});
    hdf5::flush(root);
    H5adSource::Settings settings = settings_for(path);
    settings.counts = "X";
    return refusal([&] { H5adSource(settings, Context{}); });
  };
  check_says(with({}, gene_names), {"holds no cells"});
  check_says(with(cell_names, {}), {"holds no genes"});
}

TEST_CASE("hdf5: a filter that is not installed is named with the way to write the file again") {
  const TemporaryFolder folder;
  for (const auto& [id, name] : {std::pair{32001, "blosc"}, {32015, "zstd"}, {40001, "number 40001"}}) {
    const auto path = make_file(folder, [id = id](const hdf5::Group& root) {
      const hsize_t shape[] = {3, 4}, chunk[] = {1, 4};
      const hdf5::Handle space(H5Screate_simple(2, shape, nullptr)), plan(H5Pcreate(H5P_DATASET_CREATE));
      H5Pset_chunk(plan.id(), 2, chunk);
      REQUIRE(H5Pset_filter(plan.id(), id, H5Z_FLAG_OPTIONAL, 0, nullptr) >= 0);
      const hdf5::Handle made(
          H5Dcreate2(root.id(), "X", H5T_NATIVE_FLOAT, space.id(), H5P_DEFAULT, plan.id(), H5P_DEFAULT));
      REQUIRE(made.id() >= 0);
    });
    check_says(refusal_of(path), {"X", std::string("filter ") + name, "HDF5_PLUGIN_PATH", "hdf5plugin"});
  }
}

TEST_CASE("hdf5: a dataset that claims more than its file can hold is refused before memory is taken") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) {
    const hdf5::Group group = hdf5::write_group(root, "X");
    hdf5::set_attribute(group, "encoding-type", std::string("csr_matrix"));
    set_shape(group, {3, 4});
    const hsize_t shape = hsize_t{1} << 40, chunk = 1024;
    const hdf5::Handle space(H5Screate_simple(1, &shape, nullptr)), plan(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(plan.id(), 1, &chunk);
    H5Pset_deflate(plan.id(), 4);
    for (const char* name : {"data", "indices", "indptr"})
      hdf5::Handle(H5Dcreate2(group.id(), name, H5T_NATIVE_INT32, space.id(), H5P_DEFAULT, plan.id(), H5P_DEFAULT));
  });
  check_says(refusal_of(path), {"X/data", "4398046511104 bytes", "damaged"});
}

TEST_CASE("hdf5: whole numbers of an unusual layout are refused: converting them overruns HDF5's buffer") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) {
    const hsize_t shape = 3;
    const hdf5::Handle type(H5Tcopy(H5T_NATIVE_INT32)), space(H5Screate_simple(1, &shape, nullptr));
    H5Tset_precision(type.id(), 12);
    H5Tset_offset(type.id(), 3);
    hdf5::Handle(H5Dcreate2(root.id(), "odd", type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  });
  const hdf5::Group root = hdf5::Group::open_file(path);
  check_says(refusal([&] { root.dataset("odd").read_all<double>(); }),
             {"odd: holds whole numbers of 12 bits, from bit 3, in 4 bytes", "damaged"});
}

TEST_CASE("h5ad source: a length for which the child gets no memory is damage, also where the reader goes on") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) {
    hdf5::write_numbers(root, "n", std::vector<double>{1, 2});
  });
  const auto read_with_buffer = [&](std::size_t bytes) {
    const hdf5::Dataset data = hdf5::Group::open_file(path).dataset("n");
    const hdf5::Handle plan(H5Pcreate(H5P_DATASET_XFER));
    H5Pset_buffer(plan.id(), bytes, nullptr, nullptr);
    float values[2];
    H5Dread(data.id(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, plan.id(), values);
  };
  check_says(refusal([&] { hdf5::rehearse(path, [&] { read_with_buffer(std::size_t{1} << 40); }); }),
             {"cells.h5ad", "damaged", "HDF5 library crash"});
  hdf5::rehearse(path, [&] { read_with_buffer(1 << 20); });
}

TEST_CASE("h5ad source: a file that a program holds locked for writing is refused, unless locks are off") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) { write_sparse(root, "X", {}); });
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(file, LOCK_EX | LOCK_NB) == 0);
  unsetenv("HDF5_USE_FILE_LOCKING");
  check_says(refusal_of(path), {"another program has it open for writing", "HDF5_USE_FILE_LOCKING=FALSE"});
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  CHECK(H5adSource(settings_for(path), Context{}).size() == 3);
  unsetenv("HDF5_USE_FILE_LOCKING");
  ::flock(file, LOCK_SH);
  CHECK(H5adSource(settings_for(path), Context{}).size() == 3);
  ::close(file);
}

TEST_CASE("h5ad source: a file that carries HDF5's mark of a writer is refused with the way to take it off") {
  const TemporaryFolder folder;
  const hdf5::Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_libver_bounds(access.id(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);  // older layouts have no such mark
  const hdf5::Handle file(H5Fcreate((folder / "open.h5ad").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()));
  REQUIRE(H5Fflush(file.id(), H5F_SCOPE_GLOBAL) >= 0);
  write_file(folder / "marked.h5ad", read_file(folder / "open.h5ad"));
  check_says(refusal_of(folder / "marked.h5ad"), {"marked.h5ad", "is marked as open for writing", "h5clear -s"});
}

TEST_CASE("h5ad source: cells that share a name are told of once, with an example and how many there are") {
  const TemporaryFolder folder;
  const auto said_of = [&](const std::vector<std::string>& names) {
    const auto path = folder / "names.h5ad";
    const hdf5::Group root = new_file(path);
    new_frame(root, "obs", names);
    new_frame(root, "var", gene_names);
    write_sparse(root, "X", {});
    hdf5::flush(root);
    Said said;
    const H5adSource source(settings_for(path), said.context());
    return said;
  };
  CHECK(said_of({"a", "b", "a"}).has("2 cells share their name with another, as 'a' (2 cells)"));
  CHECK(said_of({"", "", ""}).has("3 cells share their name with another, as '' (3 cells)"));
  CHECK_FALSE(said_of({"a", "b", "c"}).has("share their name"));
}

TEST_CASE("hdf5: a range outside of a dataset, text as numbers, and attributes of another type are refused") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) {
    hdf5::write_numbers(root, "n", std::vector<double>{1, 2});
  });
  const hdf5::Group root = hdf5::Group::open_file(path);
  check_says(refusal([&] { root.dataset("n").read<float>(1, 2); }), {"n", "it has 2"});
  check_says(refusal([&] { root.dataset("n").read_strings(0, 1); }), {"no text"});
  check_says(refusal([&] { root.dataset("obs/_index").read<float>(0, 1); }), {"obs/_index", "no numbers"});
  check_says(refusal([&] { root.dataset("absent"); }), {"no dataset 'absent'"});
  check_says(refusal([&] { root.group("n"); }), {"no group 'n'"});
  check_says(refusal([&] { root.group("obs").integers_attribute("none"); }), {"obs", "attribute"});
  check_says(refusal([&] { root.dereference(root.group("obs"), "_index"); }), {"'_index' is no reference"});
}

TEST_CASE("h5ad source: a child that crashes or never ends becomes an error of the file") {
  const TemporaryFolder folder;
  write_file(folder / "x", "bytes");
  check_says(refusal([&] { hdf5::rehearse(folder / "x", [] { std::raise(SIGSEGV); }); }), {"x: ", "damaged", "crash"});
  check_says(refusal([&] {
               hdf5::rehearse(
                   folder / "x",
                   [] {
                     for (std::atomic<int> i = 0;; ++i) {
                     }
                   },
                   1);
             }),
             {"read without end"});
  hdf5::rehearse(folder / "x", [] { throw InputError("met again"); });
}

}  // namespace
}  // namespace cell2text::test
