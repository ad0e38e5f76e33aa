// Adapters that make a soft token of each gene are told from those that mix genes.
#include "cell2text/explain/genes_apart.hpp"

#include <doctest/doctest.h>

#include "linear.hpp"
#include "mlp.hpp"
#include "perceiver.hpp"
#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

using namespace cell2text;

namespace {

/// One soft token for each gene, each with a little of the gene `step` before it.
struct LeakyAdapter {
  struct Settings {
    std::int64_t step = 1;
    static void describe(auto& s) { s.field("step", &Settings::step, {.help = "genes"}); }
  };
  LeakyAdapter(const Settings& settings, ModelContext&, AdapterShape) : step(settings.step) {}
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    Tensor soft = genes.values_BGE.clone();
    const std::int64_t G = soft.size(1);
    if (step < G) soft.narrow(1, step, G - step).add_(genes.values_BGE.narrow(1, 0, G - step), 0.01);
    return {soft, genes.lengths};
  }
  std::int64_t step;
};

template <class P>
bool kept_apart(std::int64_t genes, const Value& table = {}) {
  Parameters parameters(torch::kCPU, torch::kFloat32, test::seed());
  const AdapterHandle adapter(test::toy_part<kinds::adapter, P>(table, parameters, {6, 8}));
  adapter.set_training(false);
  return keeps_genes_apart(adapter, {torch::randn({1, genes, 6}), {genes}});
}

}  // namespace

TEST_CASE("genes apart: by linear layers for each gene, whatever the number of genes") {
  for (const std::int64_t genes : {1, 2, 7, 64}) {
    CHECK(kept_apart<mlp::Mlp>(genes));
    CHECK(kept_apart<linear::Linear>(genes));
  }
}

TEST_CASE("genes apart: not by latents that read all genes, also where there are as many of them as genes") {
  Value table;
  table.set("latents", test::number(5));
  table.set("heads", test::number(2));
  for (const std::int64_t genes : {5, 9}) CHECK_FALSE(kept_apart<perceiver::Perceiver>(genes, table));
}

TEST_CASE("genes apart: not where a soft token has something of another gene, however far off") {
  for (const std::int64_t step : {1, 2, 3, 16, 35}) {
    Value table;
    table.set("step", test::number(step));
    CHECK_FALSE(kept_apart<LeakyAdapter>(36, table));
    CHECK(kept_apart<LeakyAdapter>(step, table));  // nobody is that far off
  }
}
