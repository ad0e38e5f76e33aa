// The baseline `nearest`: the training cell with the largest cosine.
#include "plugins/baselines/nearest/nearest.hpp"

#include <cmath>

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::BaselineCells;
using cell2text::nearest::Nearest;
namespace test = cell2text::test;

namespace {

BaselineCells embedded(const at::Tensor& values_NE) {
  return {values_NE.size(0), values_NE, {}};
}

Nearest fitted(const at::Tensor& train_NE) {
  Nearest nearest({}, {});
  nearest.fit(embedded(train_NE), embedded(train_NE.narrow(0, 0, 0)));
  return nearest;
}

}  // namespace

TEST_CASE("nearest: the largest cosine, whatever the lengths") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor train_NE = torch::randn({200, 12}, generator) * (torch::rand({200, 1}, generator) * 30 + 0.01);
  const at::Tensor cells_NE = torch::randn({70, 12}, generator);
  const auto copied = fitted(train_NE).predict(embedded(cells_NE)).copied;
  REQUIRE(copied.size() == 70);
  const at::Tensor train = train_NE.to(torch::kFloat64), cells = cells_NE.to(torch::kFloat64);
  for (std::int64_t i = 0; i < 70; ++i) {
    const at::Tensor cosine = train.matmul(cells[i]) / (train.norm(2, {1}, false) * cells[i].norm());
    CHECK(cosine[copied[i]].item<double>() == doctest::Approx(cosine.max().item<double>()).epsilon(1e-6));
  }
}

TEST_CASE("nearest: of equal ones the first; a cell of zeros is like any other, and gets the first") {
  const at::Tensor train_NE = torch::tensor({{0.0f, 2.0f}, {1.0f, 0.0f}, {4.0f, 0.0f}});
  const at::Tensor cells_NE = torch::tensor({{3.0f, 0.0f}, {0.0f, 0.0f}, {0.0f, 1.0f}});
  CHECK(fitted(train_NE).predict(embedded(cells_NE)).copied == std::vector<std::int64_t>{1, 0, 0});
}

TEST_CASE("nearest: what is kept gives the same; embeddings of another width are refused") {
  const at::Tensor train_NE = torch::randn({30, 5}), cells_NE = torch::randn({9, 5});
  const Nearest nearest = fitted(train_NE);
  const test::TemporaryFolder folder;
  nearest.save(folder.path());
  Nearest loaded({}, {});
  loaded.load(folder.path());
  CHECK(loaded.predict(embedded(cells_NE)).copied == nearest.predict(embedded(cells_NE)).copied);
  CHECK(nearest.predict(embedded(cells_NE.narrow(0, 0, 0))).copied.empty());
  CHECK_THROWS_WITH_AS(nearest.predict(embedded(torch::randn({9, 6}))),
                       doctest::Contains("have 6 values, and those of the training cells 5"), cell2text::InputError);
  CHECK_THROWS_AS(Nearest({}, {}).load(folder / "elsewhere"), cell2text::InputError);
  for (const at::Tensor& odd : {train_NE[0], train_NE.to(torch::kFloat16)}) {
    cell2text::save_tensors(folder / "nearest.safetensors", {{"directions", odd}});
    CHECK_THROWS_WITH_AS(Nearest({}, {}).load(folder.path()),
                         doctest::Contains("'directions' is no matrix of float32; remove the folder to fit anew"),
                         cell2text::InputError);
  }
}
