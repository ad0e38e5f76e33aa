// Which matrix, which gene names, which totals: the choices of the source, and what it says about them.
#include <cmath>
#include <random>

#include "files.hpp"

namespace cell2text::test {
namespace {

constexpr int num_cells = 40, num_genes = 30;

/// Random values for `num_cells` x `num_genes`, made by `value(random, row)`.
template <class Make>
std::vector<double> random_matrix(std::uint64_t number, const Make& value) {
  std::mt19937_64 random(number);
  std::vector<double> all;
  for (int row = 0; row < num_cells; ++row)
    for (int gene = 0; gene < num_genes; ++gene) all.push_back(random() % 3 ? value(random, row) : 0);
  return all;
}
std::vector<double> counts(std::uint64_t number) {
  return random_matrix(number, [](auto& random, int) { return static_cast<double>(1 + random() % 60); });
}
std::vector<double> corrected(std::uint64_t number) {
  return random_matrix(number, [](auto& random, int row) {
    return static_cast<double>(random() % 6000) / 97 * (0.5 + row / 20.);  // deep cells and shallow ones
  });
}
/// Every cell's counts divided by a number of its own.
std::vector<double> scaled_counts(std::uint64_t number, bool to_one_sum, bool log) {
  std::vector<double> all = counts(number);
  for (int row = 0; row < num_cells; ++row) {
    double sum = 0;
    for (int gene = 0; gene < num_genes; ++gene) sum += all[row * num_genes + gene];
    for (int gene = 0; gene < num_genes; ++gene) {
      double& value = all[row * num_genes + gene];
      value *= to_one_sum ? 1e4 / sum : 7.3 + row / 3.;
      if (log) value = std::log1p(value);
    }
  }
  for (int row = 0; !to_one_sum && row < num_cells; ++row) all[row * num_genes] = 7.3 + row / 3.;  // the step itself
  return all;
}

std::filesystem::path make_large(const TemporaryFolder& folder,
                                 const std::vector<std::pair<std::string, std::vector<double>>>& matrices,
                                 const std::vector<std::pair<std::string, std::vector<double>>>& columns = {}) {
  const auto path = folder / "cells.h5ad";
  const hdf5::Group root = new_file(path);
  std::vector<std::string> cells, genes, names;
  for (int i = 0; i < num_cells; ++i) cells.push_back("cell" + std::to_string(i));
  for (int i = 0; i < num_genes; ++i) genes.push_back("ENSG" + std::to_string(10000000000 + i));
  for (const auto& [name, values] : columns) names.push_back(name);
  const hdf5::Group obs = new_frame(root, "obs", cells, names);
  for (const auto& [name, values] : columns) hdf5::write_numbers(obs, name, values);
  new_frame(root, "var", genes);
  hdf5::write_group(root, "layers");
  hdf5::write_group(root, "raw");
  new_frame(root, "raw/var", genes);
  for (const auto& [name, values] : matrices) write_dense(root, name, values, {num_cells, num_genes});
  hdf5::flush(root);
  return path;
}

std::string taken(const std::filesystem::path& path, const std::string& key = "auto", bool any_values = false) {
  Said said;
  H5adSource::Settings settings = settings_for(path);
  settings.counts = key;
  settings.any_values = any_values;
  H5adSource source(settings, said.context());
  std::string all;
  for (const std::string& line : said.lines) all += line + "\n";
  return all;
}

TEST_CASE("counts: the first matrix that looks like counts is taken, and why the others were not is said") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder;
  const auto log = scaled_counts(number, true, true);
  check_says(taken(make_large(folder, {{"X", log}, {"raw/X", log}, {"layers/counts", counts(number)}})),
             {"counts from layers/counts"});
  check_says(taken(make_large(folder, {{"X", log}, {"raw/X", counts(number)}})), {"counts from raw/X"});
  check_says(taken(make_large(folder, {{"X", counts(number)}, {"raw/X", log}})),
             {"counts from X", "raw/X looks log-normalised"});
  check_says(taken(make_large(folder, {{"X", corrected(number)}})),
             {"counts from X", "holds corrected or estimated counts", "taken as counts"});
}

TEST_CASE("counts: what cannot be counts is refused with what it is and what the file has") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder;
  const auto refused = [&](const std::vector<double>& values) {
    return refusal_of(make_large(folder, {{"X", values}}));
  };
  check_says(refused(scaled_counts(number, true, true)),
             {"no matrix of raw counts", "X looks log-normalised", "counts = \"layers/NAME\""});
  check_says(refused(scaled_counts(number, true, false)), {"X looks normalised", "sums to about 10000"});
  check_says(refused(scaled_counts(number, false, false)), {"X looks normalised", "multiples of one fraction"});
  check_says(
      refused(random_matrix(number, [](auto& random, int) { return static_cast<double>(random() % 100) / 10 - 5; })),
      {"X holds negative values", "scaled"});
  check_says(refused(std::vector<double>(num_cells * num_genes, 0)), {"X holds only zeros"});
  check_says(refused(std::vector<double>(num_cells * num_genes, std::nan(""))), {"X holds NaN"});
  check_says(refusal_of(make_large(folder, {{"layers/spliced", counts(number)}})),
             {"no layers/counts, raw/X or X", "layers/spliced"});
}

TEST_CASE("counts: the key names any matrix; what does not look like counts is taken only by force, with a warning") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder;
  const auto path = make_large(folder, {{"X", scaled_counts(number, true, true)}, {"layers/spliced", counts(number)}});
  check_says(taken(path, "layers/spliced"), {"counts from layers/spliced (named"});
  check_says(refusal([&] { taken(path, "X"); }),
             {"X looks log-normalised", "layers/spliced looks like counts", "--force"});
  check_says(taken(path, "X", true), {"X looks log-normalised", "any_values (--force) says so"});
  check_says(taken(path, "auto", true), {"X looks log-normalised", "any_values (--force) says so"});
  check_says(refusal([&] { taken(path, "layers/none"); }), {"no matrix 'layers/none'", "layers/spliced, X"});
  check_says(refusal([&] { taken(path, "obs"); }), {"no matrix 'obs'"});
}

TEST_CASE("totals: a column is taken only where it covers every cell") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder;
  const auto values = counts(number);
  std::vector<double> sums, larger;
  for (int row = 0; row < num_cells; ++row) {
    sums.push_back(std::accumulate(values.begin() + row * num_genes, values.begin() + (row + 1) * num_genes, 0.));
    larger.push_back(sums.back() + row);
  }
  std::vector<double> smaller = larger, missing = larger, nearly = larger;
  smaller[17] = sums[17] - 0.6;
  missing[39] = std::nan("");
  nearly[17] = sums[17] - 0.4;
  const auto totals = [&](const std::vector<std::pair<std::string, std::vector<double>>>& columns, Said& said,
                          const std::string& key = "auto") {
    H5adSource::Settings settings = settings_for(make_large(folder, {{"X", values}}, columns));
    settings.totals = key;
    H5adSource source(settings, said.context());
    std::vector<std::int64_t> rows(num_cells);
    std::iota(rows.begin(), rows.end(), 0);
    return source.read(rows).totals;
  };
  Said said;
  CHECK(totals({{"n_counts", larger}}, said) == larger);
  CHECK(said.has("totals from obs column 'n_counts'"));
  CHECK(totals({{"n_counts", smaller}, {"nCount_RNA", larger}}, said) == larger);
  CHECK(said.has("'n_counts' is less than the row's sum in row 17"));
  CHECK(totals({{"total_counts", missing}}, said) == sums);
  CHECK(said.has("totals are the sums of the rows"));
  CHECK(totals({{"n_counts", larger}}, said, "sum") == sums);
  CHECK(totals({{"mine", larger}}, said, "mine") == larger);
  const auto close = totals({{"n_counts", nearly}}, said);
  CHECK(close[17] == sums[17]);  // never less than what is there
  CHECK(close[16] == larger[16]);
  check_says(refusal([&] { totals({{"mine", smaller}}, said, "mine"); }), {"row 17", "'mine'", "totals = \"sum\""});
  check_says(refusal([&] { totals({}, said, "mine"); }), {"no column 'mine'"});
}

TEST_CASE("genes: Ensembl ids are recognised with and without a version") {
  for (const char* id : {"ENSG00000141510", "ENSG00000141510.18", "ENSMUSG00000059552"}) CHECK(is_ensembl_gene(id));
  for (const char* id :
       {"", "ENS", "ENSG", "TP53", "ENST00000269305", "ENSG00000141510.", "ENSG00000141510.x", "ENSG0x", "GENSG1"})
    CHECK(!is_ensembl_gene(id));
}

TEST_CASE("genes: the key names a column or the index; a table without names is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "cells.h5ad";
  {
    const hdf5::Group root = new_file(path);
    new_frame(root, "obs", cell_names);
    const hdf5::Group var = new_frame(root, "var", {"0", "1", "2", "3"}, {"mine"});
    hdf5::write_strings(var, "mine", gene_names);
    write_sparse(root, "X", {});
  }
  check_says(refusal_of(path), {"var", "names no genes", "gene_ids"});
  H5adSource::Settings settings = settings_for(path);
  settings.gene_ids = "mine";
  CHECK(H5adSource(settings, Context{}).genes()->ids == gene_names);
  CHECK(H5adSource(settings, Context{}).genes()->kind == GeneTable::Kind::ensembl);
  settings.gene_ids = "index";
  CHECK(H5adSource(settings, Context{}).genes()->ids.front() == "0");
  settings.gene_ids = "other";
  check_says(refusal([&] { H5adSource(settings, Context{}); }), {"no column 'other'", "mine"});
}

TEST_CASE("h5ad source: a CSC matrix larger than the memory limit comes back by rows") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  constexpr int rows = 3000, columns = 90;
  Sparse csc = {.shape = {rows, columns}, .encoding = "csc_matrix", .data = {}, .indices = {}, .indptr = {0}};
  std::vector<float> dense(rows * columns, 0);
  for (int column = 0; column < columns; ++column) {
    for (int row = 0; row < rows; ++row)
      if (random() % 2) {
        csc.indices.push_back(row);
        csc.data.push_back(static_cast<double>(random() % 90));
        dense[row * columns + column] = static_cast<float>(csc.data.back());
      }
    csc.indptr.push_back(std::ssize(csc.indices));
  }
  const TemporaryFolder folder;
  {
    const hdf5::Group root = new_file(folder / "csc.h5ad");
    new_frame(root, "obs", std::vector<std::string>(rows, "cell"));
    new_frame(root, "var", std::vector<std::string>(columns, "ENSG00000000001"));
    write_sparse(root, "X", csc);
  }
  const hdf5::Group root = hdf5::Group::open_file(folder / "csc.h5ad");
  const h5ad::Matrix matrix(root, "X", rows, columns);
  for (const std::int64_t memory : {1, 1 << 14, 1 << 18, 1 << 26}) {
    INFO("memory " << memory);
    const SpilledRows transposed = h5ad::transpose(matrix, memory);
    std::vector<float> found(rows * columns, 0);
    for (std::int64_t first = 0; first < rows;) {
      const RowBlock block = transposed.read(first, rows_within(transposed.starts(), first, 1000));
      for (std::int64_t row = 0; row < block.rows(); ++row)
        for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i)
          found[(first + row) * columns + block.columns[i]] = block.values[i];
      first += block.rows();
    }
    CHECK(found == dense);
  }
}

}  // namespace
}  // namespace cell2text::test
