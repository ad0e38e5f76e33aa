// The blood cells of the quickstart as they come from the source.
#include "files.hpp"

namespace cell2text::test {
namespace {

TEST_CASE("h5ad source: the demo's 700 blood cells are read") {
  const auto path = source_dir() / "data/demo/pbmc.h5ad";
  if (!std::filesystem::exists(path)) {
    MESSAGE("data/demo/pbmc.h5ad is absent; nothing was read");
    return;
  }
  Said said;
  H5adSource source(settings_for(path), said.context());
  CHECK(source.size() == 700);
  CHECK(source.genes()->size() == 751);
  CHECK(source.genes()->kind == GeneTable::Kind::ensembl);
  CHECK(source.genes()->ids.front() == "ENSG00000188290");
  CHECK(source.genes()->symbols.front() == "HES4");
  CHECK(source.labels("cell_type").values.size() == 10);
  CHECK(said.has("counts from X"));
  CHECK(said.has("totals from obs column 'n_counts'"));
  std::vector<std::int64_t> rows(700);
  std::iota(rows.begin(), rows.end(), 0);
  const CellBatch batch = source.read(rows);
  CHECK(batch.columns.size() == 173753);
  CHECK(std::ranges::max(batch.counts) == 259);
  CHECK(batch.names.front() == "AAAGCCTGGCTAAC-1");
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    const auto counts = batch.counts_of(cell);
    CHECK(batch.totals[cell] >= std::accumulate(counts.begin(), counts.end(), 0.));
  }
}

}  // namespace
}  // namespace cell2text::test
