// Variable genes against scanpy, scores of gene sets against ctxcore, the choice of pathways against numpy.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cell2text/dataset/gene_sets.hpp"
#include "cell2text/dataset/pathway_choice.hpp"
#include "cell2text/dataset/variable_genes.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::dataset;
using nlohmann::json;

namespace {

CellBatch batch_from(const json& one, std::shared_ptr<const GeneTable> genes) {
  CellBatch batch{std::move(genes), {}, {}, one["row_starts"], one["columns"], one["counts"], {}};
  batch.rows.resize(batch.row_starts.size() - 1);
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) batch.totals.push_back(row_total(batch.counts_of(cell)));
  return batch;
}

/// Whether a column is scanpy's; its NaNs are null.
void check_column(const std::vector<double>& ours, const json& theirs, double tolerance) {
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t gene = 0; gene < ours.size(); ++gene) {
    CAPTURE(gene);
    REQUIRE(std::isnan(ours[gene]) == theirs[gene].is_null());
    if (theirs[gene].is_null()) continue;
    const double expected = theirs[gene];
    CHECK(std::abs(ours[gene] - expected) <= tolerance * (1 + std::abs(expected)));
  }
}

void check_variable_genes(const json& one) {
  auto table = std::make_shared<GeneTable>();
  table->ids.resize(one["genes"].get<std::size_t>());
  const CellBatch batch = batch_from(one, table);
  GeneMoments moments(table->size());
  moments.add(batch, batch.totals);
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    const auto logs = log_normalise(batch.counts_of(cell), batch.totals[cell]);
    for (std::size_t i = 0; i < logs.size(); ++i)
      CHECK(std::abs(logs[i] - one["logs"][batch.row_starts[cell] + i].get<float>()) < 1e-6F * (1 + logs[i]));
  }
  for (const json& run : one["runs"]) {
    VariableGenesOptions options{std::nullopt, run["min_mean"], run["max_mean"], run["min_disp"], run["max_disp"]};
    if (!run["top"].is_null()) options.top = run["top"].get<std::int64_t>();
    CAPTURE(run["top"].dump());
    const VariableGenes found = variable_genes(moments, options);
    check_column(found.mean, run["means"], 1e-6);
    check_column(found.dispersion, run["dispersions"], 2e-6);
    check_column(found.normalised_dispersion, run["dispersions_norm"], 1e-5);
    CHECK(found.highly_variable == run["highly_variable"].get<std::vector<std::uint8_t>>());
  }
}

json cases_of(const test::TemporaryFolder& folder) {
  return json::parse(test::read_file(folder / "cases.json"));
}

void check_scores(const json& one) {
  const auto sets = read_gene_sets(one["sets"].get<std::string>());
  auto table = std::make_shared<GeneTable>();
  table->ids = one["genes"].get<std::vector<std::string>>();
  const CellBatch batch = batch_from(one, table);
  const std::vector<std::uint8_t> selected(table->ids.size(), 1);
  const auto mapped = map_gene_sets(sets, *table, selected);
  for (std::size_t set = 0; set < sets.size(); ++set) CHECK(mapped[set].found == one["found"][set].get<std::int64_t>());
  const auto columns = available_columns(mapped, one["min_coverage"]);
  const Aucell by_column(columns, selected, Ties::column), expected(columns, selected, Ties::expected);
  Aucell::Scratch scratch;
  std::vector<float> scores(sets.size());
  double largest = 0;
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    CAPTURE(cell);
    by_column.score(batch.columns_of(cell), batch.counts_of(cell), {}, scores, scratch);
    for (std::size_t set = 0; set < sets.size(); ++set) {
      CHECK(std::abs(scores[set] - one["scores"][cell][set].get<double>()) < 1e-6);
      largest = std::max<double>(largest, scores[set]);
    }
    if (cell >= std::ssize(one["shuffled"]["mean"])) continue;
    expected.score(batch.columns_of(cell), batch.counts_of(cell), {}, scores, scratch);
    for (std::size_t set = 0; set < sets.size(); ++set) {
      const double mean = one["shuffled"]["mean"][cell][set], error = one["shuffled"]["error"][cell][set];
      CHECK(std::abs(scores[set] - mean) < 6 * error + 1e-6);
    }
  }
  CHECK(largest > 0.05);
}

void check_choice(const json& one) {
  const auto sets = one["found"].size();
  PathwayActivity activity(static_cast<std::int64_t>(sets));
  const auto scores = one["scores"].get<std::vector<std::vector<float>>>();
  for (const auto& cell : scores) activity.add(cell);
  CHECK(activity.active() == one["active"].get<std::vector<std::int64_t>>());
  const auto retained = activity.retained(one["min_share"]);
  CHECK(retained == one["retained"].get<std::vector<std::uint8_t>>());
  for (std::size_t cell = 0; cell < scores.size(); ++cell)
    CHECK(top_two(scores[cell], retained) == TopTwo{one["top"][cell][0], one["top"][cell][1]});
}

}  // namespace

TEST_CASE("oracle: variable genes are scanpy's, by number and by bounds, with ties, zeros and fractions of counts") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto cases = cases_of(test::oracle("highly_variable.py", seed));
  CHECK(cases.size() == 4);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    check_variable_genes(cases[i]);
  }
}

TEST_CASE("oracle: variable genes of real blood cells are scanpy's") {
  const auto cells = test::source_dir() / "data/demo/pbmc.h5ad";
  check_variable_genes(cases_of(test::oracle("highly_variable.py", 0, {"--cells", cells.string()}))[0]);
}

TEST_CASE(
    "oracle: AUCell by column is ctxcore's, the expected one the mean of its shuffled rankings, the choice numpy's") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const test::TemporaryFolder folder = test::oracle("aucell.py", seed);
  const auto cases = cases_of(folder);
  CHECK(cases.size() == 4);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    check_scores(cases[i]);
    check_choice(cases[i]);
  }
}

TEST_CASE("oracle: AUCell of the Hallmark sets on real blood cells is ctxcore's, and so is what follows") {
  const auto demo = test::source_dir() / "data/demo";
  const auto cases = cases_of(test::oracle(
      "aucell.py", 0,
      {"--cells", (demo / "pbmc.h5ad").string(), "--sets", (demo / "pathways/h.all.v2025.1.Hs.symbols.gmt").string()}));
  check_scores(cases[0]);
  check_choice(cases[0]);
}
