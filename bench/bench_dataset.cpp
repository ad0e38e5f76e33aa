// Our side of the dataset rows of bench/run.py: what the builder computes, and how training reads. Prints one JSON
// object. Knows nothing of the peer.
//
//   bench_dataset hvg CELLS.h5ad REPEATS TOP             moments and highly variable genes of cells in memory
//   bench_dataset aucell CELLS.h5ad SETS.gmt REPEATS N   scores of cells in memory; those of the first N are printed
//   bench_dataset loader CELLS.h5ad BATCH BLOCK SEED     an epoch in the loader's order; the file in order, by blocks
//
// One thread computes; the loader has another that reads.
#include <cmath>
#include <cstdio>
#include <numeric>

#include "cell2text/cells/batch_entropy.hpp"
#include "cell2text/cells/epoch_order.hpp"
#include "cell2text/cells/window_reader.hpp"
#include "cell2text/dataset/aucell.hpp"
#include "cell2text/dataset/gene_sets.hpp"
#include "cell2text/dataset/variable_genes.hpp"
#include "cell2text/registry.hpp"
#include "process.hpp"
#include "stopwatch.hpp"

namespace {

using namespace cell2text;
using namespace cell2text::dataset;
using Json = nlohmann::ordered_json;

struct Cells {
  Registry registry;
  Context context{{}, 1, 1};
  SourceHandle source;
  std::vector<std::int64_t> rows;

  explicit Cells(const std::string& path) : source(open(path)), rows(static_cast<std::size_t>(source.size())) {
    std::iota(rows.begin(), rows.end(), 0);
  }
  std::span<const std::int64_t> part(std::size_t first, std::size_t count) const {
    return std::span(rows).subspan(first, std::min(count, rows.size() - first));
  }
  std::vector<CellBatch> all() const {
    std::vector<CellBatch> batches;
    for (std::size_t first = 0; first < rows.size(); first += 1024) batches.push_back(source.read(part(first, 1024)));
    return batches;
  }

 private:
  SourceHandle open(const std::string& path) {
    Value place;
    place.set("path", {path, {}});
    return SourceHandle(registry.load("source", "h5ad").build<kinds::source>(place, {&context, nullptr, {}}));
  }
};

Json hvg(const Cells& cells, int times, std::int64_t top) {
  Json result{{"cells", cells.rows.size()}, {"repeats", Json::array()}};
  Stopwatch watch;
  const std::vector<CellBatch> batches = cells.all();
  result["read"] = watch.lap();
  VariableGenes found;
  for (int i = -1; i < times; ++i) {
    watch.lap();
    GeneMoments moments(cells.source.genes()->size());
    for (const CellBatch& batch : batches)
      for (std::int64_t cell = 0; cell < batch.size(); ++cell)
        moments.add(batch.columns_of(cell), batch.counts_of(cell), row_total(batch.counts_of(cell)));
    found = variable_genes(moments, {.top = top});
    if (i >= 0) result["repeats"].push_back(watch.lap());
  }
  result["done"] = times * std::ssize(cells.rows);
  result["dispersions"] = found.normalised_dispersion;  // those that are no number become null
  for (std::size_t gene = 0; gene < found.highly_variable.size(); ++gene)
    if (found.highly_variable[gene]) result["highly_variable"].push_back(gene);
  return result;
}

Json aucell(const Cells& cells, const std::string& path, int times, std::int64_t checked) {
  const std::vector<CellBatch> batches = cells.all();
  const GeneTable& genes = *cells.source.genes();
  const std::vector<std::uint8_t> selected(static_cast<std::size_t>(genes.size()), 1);
  const auto columns = available_columns(map_gene_sets(read_gene_sets(path), genes, selected), 0.8);
  Json result{{"cells", cells.rows.size()}, {"done", times * std::ssize(cells.rows)}};
  std::vector<float> printed;
  for (const Ties ties : {Ties::column, Ties::expected}) {
    const Aucell scorer(columns, selected, ties);
    Aucell::Scratch scratch;
    std::vector<float> scores(columns.size());
    const char* name = ties == Ties::column ? "repeats" : "expected";
    for (int i = -1; i < times; ++i) {
      Stopwatch watch;
      for (const CellBatch& batch : batches)
        for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
          scorer.score(batch.columns_of(cell), batch.counts_of(cell), {}, scores, scratch);
          if (i < 0 && ties == Ties::column && batch.rows[cell] < checked)
            printed.insert(printed.end(), scores.begin(), scores.end());
        }
      if (i >= 0) result[name].push_back(watch.lap());
    }
  }
  result["scores"] = printed;
  return result;
}

Json read_in_order(const Cells& cells, std::size_t block) {
  Stopwatch watch;
  std::size_t values = 0;
  for (std::size_t first = 0; first < cells.rows.size(); first += block)
    values += cells.source.read(cells.part(first, block)).counts.size();
  return {{"time", watch.lap()}, {"values", values}};
}

Json loader(const Cells& cells, std::int64_t batch, std::size_t block, std::uint64_t seed) {
  read_in_order(cells, block);  // fills the page cache
  const Json in_order = read_in_order(cells, block);
  Stopwatch watch;
  const ShuffleOptions options;
  const auto order = epoch_order(cells.rows, seed, 0, options);
  WindowReader reader([&](std::span<const std::int64_t> rows, CellBatch& into) { cells.source.read(rows, into); },
                      order, options.window);
  std::size_t values = 0;
  while (const auto window = reader.next())
    for (std::int64_t first = 0; first < window->size(); first += batch)
      values += part_of(*window, first, std::min(batch, window->size() - first)).counts.size();
  Json result{
      {"repeats", {watch.lap()}}, {"sequential", {in_order["time"]}}, {"done", order.size()}, {"values", values}};
  if (in_order["values"] != values) throw BugError("an epoch has other counts than the file");
  const OrderEntropy entropy = order_entropy(order, cells.source.labels("cell_type"), batch, seed);
  result["entropy_bits"] = entropy.bits, result["entropy_share"] = entropy.share();
  result["block"] = options.block, result["window"] = options.window;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  driver::prepare_process();
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc != (what == "hvg" ? 5 : 6))
    return std::fprintf(stderr, "bench_dataset: see the head of bench_dataset.cpp\n"), 2;
  try {
    const Cells cells(argv[2]);
    const Json result = what == "hvg"      ? hvg(cells, std::atoi(argv[3]), std::atoll(argv[4]))
                        : what == "aucell" ? aucell(cells, argv[3], std::atoi(argv[4]), std::atoll(argv[5]))
                                           : loader(cells, std::atoll(argv[3]), std::strtoull(argv[4], nullptr, 10),
                                                    std::strtoull(argv[5], nullptr, 10));
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_dataset: %s\n", error.what()), 1;
  }
}
