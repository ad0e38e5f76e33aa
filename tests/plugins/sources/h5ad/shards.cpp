// A folder of shards is what one file of all its cells would be; a folder that is not whole is refused.
#include <map>
#include <numeric>
#include <set>

#include "files.hpp"
#include "plugins/sources/h5ad/h5ad_shards.hpp"

namespace cell2text::test {
namespace {

using h5ad::H5adShards;
using Rows = std::vector<std::int64_t>;

/// Cells as a test makes them; a label of "" is missing.
struct Cells {
  std::vector<std::map<std::int32_t, float>> counts;
  std::vector<std::string> names, kinds;
  std::vector<double> numbers, totals;

  std::int64_t size() const { return std::ssize(counts); }
  Cells part(std::int64_t first, std::int64_t count) const {
    const auto cut = [&](const auto& all) {
      return std::decay_t<decltype(all)>(all.begin() + first, all.begin() + first + count);
    };
    return {cut(counts), cut(names), cut(kinds), cut(numbers), cut(totals)};
  }
};

constexpr std::int32_t num_six_genes = 6;
const std::vector<std::string> six_genes = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003",
                                            "ENSG00000000004", "ENSG00000000005", "ENSG00000000006"};

Cells random_cells(std::mt19937_64& random, std::int64_t count) {
  Cells cells;
  for (std::int64_t cell = 0; cell < count; ++cell) {
    std::map<std::int32_t, float> row;
    for (std::int32_t gene = 0; gene < num_six_genes; ++gene)
      if (random() % 2) row[gene] = static_cast<float>(1 + random() % 9);
    if (row.empty()) row[0] = 1;  // a shard of one cell without counts would be refused, as any such file is
    double sum = 0;
    for (const auto& [gene, value] : row) sum += value;
    cells.counts.push_back(row);
    cells.names.push_back("cell-" + std::to_string(cell));
    cells.kinds.push_back(random() % 5 ? "kind-" + std::to_string(random() % 7) : "");
    cells.numbers.push_back(static_cast<double>(random() % 3));
    cells.totals.push_back(sum + static_cast<double>(random() % 4));
  }
  return cells;
}

void write_csr(const hdf5::Group& root, const std::string& name, const Cells& cells) {
  Sparse sparse{{cells.size(), num_six_genes}, "csr_matrix", {}, {}, {0}};
  for (const auto& row : cells.counts) {
    for (const auto& [gene, value] : row) sparse.indices.push_back(gene), sparse.data.push_back(value);
    sparse.indptr.push_back(std::ssize(sparse.data));
  }
  write_sparse(root, name, sparse);
}
void write_csc(const hdf5::Group& root, const std::string& name, const Cells& cells) {
  Sparse sparse{{cells.size(), num_six_genes}, "csc_matrix", {}, {}, {0}};
  for (std::int32_t gene = 0; gene < num_six_genes; ++gene) {
    for (std::int64_t cell = 0; cell < cells.size(); ++cell)
      if (cells.counts[cell].contains(gene)) {
        sparse.indices.push_back(cell);
        sparse.data.push_back(cells.counts[cell].at(gene));
      }
    sparse.indptr.push_back(std::ssize(sparse.data));
  }
  write_sparse(root, name, sparse);
}
void write_full(const hdf5::Group& root, const std::string& name, const Cells& cells) {
  std::vector<double> values(cells.size() * num_six_genes);
  for (std::int64_t cell = 0; cell < cells.size(); ++cell)
    for (const auto& [gene, value] : cells.counts[cell]) values[cell * num_six_genes + gene] = value;
  write_dense(root, name, values, {static_cast<hsize_t>(cells.size()), num_six_genes});
}

/// Categories in the order in which they are met, so that shards differ in them.
void write_kinds(const hdf5::Group& obs, const std::vector<std::string>& kinds) {
  std::vector<std::string> categories;
  std::vector<std::int32_t> codes;
  for (const std::string& kind : kinds) {
    auto known = std::ranges::find(categories, kind);
    if (!kind.empty() && known == categories.end()) known = categories.insert(known, kind);
    codes.push_back(kind.empty() ? -1 : static_cast<std::int32_t>(known - categories.begin()));
  }
  const hdf5::Group group = hdf5::write_group(obs, "kind");
  hdf5::write_strings(group, "categories", categories);
  hdf5::write_numbers(group, "codes", codes);
}

using WriteMatrix = void (*)(const hdf5::Group&, const std::string&, const Cells&);

/// What differs from shard to shard only where a test wants it.
struct Layout {
  std::vector<std::string> genes = six_genes, symbols = {"A", "B", "C", "D", "E", "F"};
  std::vector<std::string> columns = {"kind", "number", "n_counts"};
  bool numbers_as_text = false;
  std::string matrix = "X";
  WriteMatrix write = write_csr;
};

void write_cells(const std::filesystem::path& path, const Cells& cells, const Layout& layout = {}) {
  const hdf5::Group root = new_file(path);
  const hdf5::Group obs = new_frame(root, "obs", cells.names, layout.columns);
  for (const std::string& column : layout.columns)
    if (column == "kind")
      write_kinds(obs, cells.kinds);
    else if (column == "n_counts")
      hdf5::write_numbers(obs, column, cells.totals);
    else if (layout.numbers_as_text)
      hdf5::write_strings(obs, column, cells.kinds);
    else
      hdf5::write_numbers(obs, column, cells.numbers);
  const hdf5::Group var =
      new_frame(root, "var", layout.genes,
                layout.symbols.empty() ? std::vector<std::string>{} : std::vector<std::string>{"feature_name"});
  if (!layout.symbols.empty()) hdf5::write_strings(var, "feature_name", layout.symbols);
  if (layout.matrix.starts_with("layers/")) hdf5::write_group(root, "layers");
  layout.write(root, layout.matrix, cells);
  hdf5::flush(root);
}

void write_manifest(const std::filesystem::path& folder, std::int64_t shards) {
  write_file(folder / "dataset.toml",
             "format = 1\nshards = " + std::to_string(shards) + "  # files\n\n[source]\nshards = 99\n");
}

/// The shards of `cells`, cut at random, at least one cell in each.
void write_shards(const std::filesystem::path& folder, const Cells& cells, std::int64_t shards,
                  std::mt19937_64& random) {
  const WriteMatrix ways[] = {write_csr, write_csc, write_full};
  std::set<std::int64_t> cuts{0, cells.size()};
  while (std::ssize(cuts) < shards + 1) cuts.insert(static_cast<std::int64_t>(random() % cells.size()));
  std::int64_t number = 0;
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    Layout layout;
    layout.write = ways[random() % 3];
    write_cells(folder / shard_name(++number), cells.part(*cut, *std::next(cut) - *cut), layout);
  }
  write_manifest(folder, shards);
}

std::string refusal_of_shards(const std::filesystem::path& folder) {
  return refusal([&] { H5adShards(settings_for(folder), Context{}); });
}

TEST_CASE("h5ad shards: a folder gives what one file of the same cells gives") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    const TemporaryFolder folder;
    const auto count = static_cast<std::int64_t>(6 + random() % 60),
               shards = static_cast<std::int64_t>(1 + random() % 5);
    const Cells cells = random_cells(random, count);
    write_cells(folder / "all.h5ad", cells);
    std::filesystem::create_directory(folder / "dataset");
    write_shards(folder / "dataset", cells, shards, random);
    auto settings = settings_for(folder / "dataset");
    settings.totals = round % 3 ? "auto" : "sum";
    auto one = settings;
    one.path = (folder / "all.h5ad").string();
    H5adShards found(settings, Context{}), file(one, Context{});
    H5adSource expected(one, Context{});

    REQUIRE(found.size() == count);
    REQUIRE(file.size() == count);
    CHECK(found.genes()->ids == expected.genes()->ids);
    CHECK(found.genes()->symbols == expected.genes()->symbols);
    REQUIRE(found.columns().size() == expected.columns().size());
    for (std::size_t i = 0; i < found.columns().size(); ++i) {
      CHECK(found.columns()[i].name == expected.columns()[i].name);
      CHECK(found.columns()[i].type == expected.columns()[i].type);
      const LabelColumn labels = found.labels(found.columns()[i].name), wanted = expected.labels(labels.name);
      REQUIRE(labels.size() == count);
      for (std::int64_t row = 0; row < count; ++row) CHECK(labels.at(row) == wanted.at(row));
      CHECK(std::set(labels.values.begin(), labels.values.end()).size() == labels.values.size());
    }
    REQUIRE(found.matrices().size() == 1);
    CHECK(found.matrices().front().used);
    CellBatch batch;  // each reading takes the place of the one before
    for (int reading = 0; reading < 20; ++reading) {
      Rows rows(random() % (2 * count));
      for (auto& row : rows) row = static_cast<std::int64_t>(random() % count);
      if (random() % 2) {  // ascending, as training asks
        std::ranges::sort(rows);
        rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      }
      found.read(rows, batch);
      const CellBatch wanted = expected.read(rows), of_file = file.read(rows);
      CHECK(batch.genes == found.genes());
      CHECK(batch.rows == rows);
      CHECK(batch.names == wanted.names);
      CHECK(batch.row_starts == wanted.row_starts);
      CHECK(batch.columns == wanted.columns);
      CHECK(batch.counts == wanted.counts);
      CHECK(batch.totals == wanted.totals);
      CHECK(of_file.names == wanted.names);
      CHECK(of_file.counts == wanted.counts);
    }
    check_says(refusal([&] {
                 found.read(Rows{0, count});
               }),
               {"row " + std::to_string(count), "rows are 0 to " + std::to_string(count - 1)});
    check_says(refusal([&] { found.read(Rows{-1}); }), {"row -1"});
    check_says(refusal([&] { found.labels("nothing"); }), {"no column 'nothing'"});
  }
}

TEST_CASE("h5ad shards: settings hold for each shard, and what is said of the first is not said again") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  const Cells cells = random_cells(random, 30);
  for (std::int64_t i = 0; i < 3; ++i) {
    Layout layout;
    layout.matrix = "layers/raw";
    write_cells(folder / shard_name(i + 1), cells.part(10 * i, 10), layout);
  }
  write_manifest(folder.path(), 3);
  check_says(refusal_of_shards(folder.path()), {shard_name(1), "no matrix of raw counts", "layers/raw"});
  auto settings = settings_for(folder.path());
  settings.counts = "layers/raw";
  Said said;
  H5adShards source(settings, said.context());
  CHECK(source.matrices().front().name == "layers/raw");
  CHECK(said.has("3 shards with 30 cells"));
  int times = 0;
  Context context;
  context.log.self = &times;
  context.log.write = [](void* self, Log::Level level, const char* text) {
    if (level == Log::Level::info) *static_cast<int*>(self) += says(text, "counts from layers/raw") ? 1 : 0;
  };
  H5adShards(settings, context);
  CHECK(times == 1);
}

TEST_CASE("h5ad shards: totals follow one rule in all shards") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  Cells cells = random_cells(random, 20);
  cells.counts[15] = {{0, 9.F}, {1, 8.F}}, cells.totals[15] = 3;  // less than its sum
  for (auto& total : cells.totals) total += 100;
  cells.totals[15] = 3;
  write_cells(folder / shard_name(1), cells.part(0, 10));
  write_cells(folder / shard_name(2), cells.part(10, 10));
  write_manifest(folder.path(), 2);
  Said said;
  H5adShards source(settings_for(folder.path()), said.context());
  CHECK(said.has("totals are the sums of the rows: those of " + (folder / shard_name(1)).string() +
                 " would be obs column 'n_counts', those of " + (folder / shard_name(2)).string() + " sums"));
  Rows rows(20);
  std::iota(rows.begin(), rows.end(), 0);
  const CellBatch batch = source.read(rows);
  for (std::int64_t cell = 0; cell < 20; ++cell) {
    const auto counts = batch.counts_of(cell);
    CHECK(batch.totals[cell] == std::accumulate(counts.begin(), counts.end(), 0.));
  }
  auto settings = settings_for(folder.path());
  settings.totals = "n_counts";
  H5adShards strict(settings, Context{});
  CHECK(strict.read(Rows{0}).totals.front() == cells.totals[0]);
  check_says(refusal([&] { strict.read(Rows{15}); }), {shard_name(2), "row 5", "'n_counts' is 3"});
}

TEST_CASE("h5ad shards: a matrix is judged by the shard that looks least like counts") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  Cells cells = random_cells(random, 20);
  cells.totals.assign(20, 1e3);
  for (std::int64_t cell = 10; cell < 20; ++cell)
    for (std::int32_t gene = 0; gene < num_six_genes; ++gene) cells.counts[cell][gene] = -0.5F;
  write_cells(folder / shard_name(1), cells.part(0, 10));
  write_cells(folder / shard_name(2), cells.part(10, 10));
  write_manifest(folder.path(), 2);
  check_says(refusal_of_shards(folder.path()), {shard_name(2), "no matrix of raw counts"});
  auto settings = settings_for(folder.path());
  settings.any_values = true, settings.totals = "sum";
  H5adShards source(settings, Context{});
  CHECK(source.matrices().front().values.kind == ValueKind::scaled);
  CHECK(source.read(Rows{3}).size() == 1);
  check_says(refusal([&] { source.read(Rows{3, 12}); }), {shard_name(2), "row 2 (cell 'cell-12')", "is -0.5"});
}

TEST_CASE("h5ad shards: a folder that is no whole dataset is refused with what is missing") {
  std::mt19937_64 random(test::seed());
  const Cells cells = random_cells(random, 8);
  const auto with = [&](const std::vector<std::int64_t>& shards, const std::string& manifest) {
    const TemporaryFolder folder;
    for (const std::int64_t number : shards) write_cells(folder / shard_name(number), cells);
    if (!manifest.empty()) write_file(folder / "dataset.toml", manifest);
    return refusal_of_shards(folder.path());
  };
  check_says(with({1, 2}, ""), {"cells-00001.h5ad", "no dataset.toml", "build is not finished"});
  check_says(with({}, "shards = 2\n"), {"dataset.toml", "no shard (cells-00001.h5ad)"});
  check_says(with({1, 3}, "shards = 2\n"), {"cells-00002.h5ad is missing, and cells-00003.h5ad is there"});
  check_says(with({2}, "shards = 1\n"), {"cells-00001.h5ad is missing"});
  check_says(with({1, 2}, "shards = 3\n"), {"holds 2 shards; dataset.toml says 3"});
  check_says(with({1, 2}, "shards = 1\n"), {"holds 2 shards; dataset.toml says 1"});
  for (const char* manifest : {"seed = 1\n", "shards = 0\n", "shards = -1\n", "shards = 1.5\n", "shards = \"1\"\n",
                               "[write]\nshards = 1\n", "shards_of = 1\n"})
    check_says(with({1}, manifest), {"dataset.toml", "does not say how many shards"});

  const TemporaryFolder plain;
  write_cells(plain / "cells-1.h5ad", cells);
  write_cells(plain / "cells-00000.h5ad", cells);
  check_says(refusal_of_shards(plain.path()), {"is a folder; an .h5ad file is needed"});
  write_file(plain / ".zgroup", "{}");
  check_says(refusal_of_shards(plain.path()), {"Zarr", "anndata.read_zarr"});
}

TEST_CASE("h5ad shards: names go on after 99999, and sort by number") {
  CHECK(shard_name(1) == "cells-00001.h5ad");
  CHECK(shard_name(100000) == "cells-100000.h5ad");
  const TemporaryFolder folder;
  for (const char* name : {"cells-00003.h5ad", "cells-100000.h5ad", "cells-99999.h5ad", "cells-007.h5ad",
                           "cells-00004.h5ad.tmp", "xcells-00005.h5ad"})
    write_file(folder / name, "");
  CHECK(shard_files_detail::shard_numbers(folder.path()) == Rows{3, 99999, 100000});
}

TEST_CASE("h5ad shards: shards that are not of one dataset are refused, both named") {
  std::mt19937_64 random(test::seed());
  const Cells cells = random_cells(random, 8);
  const auto with = [&](const std::function<void(Layout&)>& change) {
    const TemporaryFolder folder;
    Layout layout;
    write_cells(folder / shard_name(1), cells, layout);
    change(layout);
    write_cells(folder / shard_name(2), cells, layout);
    write_manifest(folder.path(), 2);
    const std::string message = refusal_of_shards(folder.path());
    check_says(message, {(folder / shard_name(1)).string(), (folder / shard_name(2)).string()});
    return message;
  };
  check_says(with([](Layout& second) { std::swap(second.genes[2], second.genes[4]); }),
             {"gene 2 is 'ENSG00000000005'", "has 'ENSG00000000003' there"});
  check_says(with([](Layout& second) { second.symbols[3] = "other"; }), {"gene 3 is 'other'", "has 'D' there"});
  check_says(with([](Layout& second) { second.symbols.clear(); }), {"has no gene symbols", "has them"});
  check_says(with([](Layout& second) {
               second.columns = {"kind", "n_counts"};
             }),
             {"obs column 'number' is not there, or cannot be read"});
  check_says(with([](Layout& second) { second.numbers_as_text = true; }), {"obs column 'number' is of another type"});
  check_says(with([](Layout& second) { second.matrix = "layers/counts"; }),
             {"counts are taken from layers/counts", "from X", "key 'counts'"});
  check_says(
      with([](Layout& second) {
        second.genes.push_back("ENSG00000000007"), second.symbols.push_back("G");
        second.write = [](const hdf5::Group& root, const std::string& name, const Cells& some) {
          write_dense(root, name, std::vector<double>(some.size() * 7, 1), {static_cast<hsize_t>(some.size()), 7});
        };
      }),
      {"has 7 genes", "has 6"});

  const TemporaryFolder folder;
  Layout layout;
  layout.columns = {"kind", "n_counts"};
  write_cells(folder / shard_name(1), cells, layout);
  write_cells(folder / shard_name(2), cells);
  write_manifest(folder.path(), 2);
  check_says(refusal_of_shards(folder.path()), {shard_name(2), "obs column 'number' is one too many"});
}

TEST_CASE("h5ad shards: a shard that is damaged is named") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  write_cells(folder / shard_name(1), random_cells(random, 8));
  write_file(folder / shard_name(2), "no HDF5");
  write_manifest(folder.path(), 2);
  check_says(refusal_of_shards(folder.path()), {(folder / shard_name(2)).string(), "no HDF5 file"});
}

}  // namespace
}  // namespace cell2text::test
