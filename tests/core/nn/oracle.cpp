// The blocks of nn/ against the functions of transformers.
#include "support/oracle.hpp"

#include <doctest/doctest.h>

#include "cell2text/io/tensors.hpp"
#include "cell2text/nn/rms_norm.hpp"
#include "cell2text/nn/rope.hpp"

using cell2text::Rope;
using cell2text::RopeScaling;

TEST_CASE("oracle: nn: RMS normalisation, and rotary positions with every scaling") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = cell2text::test::oracle("nn_blocks.py", seed);
  const auto files = cell2text::TensorFiles::open(folder / "expected.safetensors");
  const auto near = [&](const torch::Tensor& found, const std::string& name) {
    CAPTURE(name);
    CHECK((found - files.tensor(name)).abs().max().item<double>() < 1e-5);
  };
  cell2text::Parameter weight{"w", files.tensor("norm.weight"), false};
  near(cell2text::RmsNorm(weight, 1e-5)(files.tensor("norm.x")), "norm.llama");
  near(cell2text::RmsNorm(weight, 1e-5, true)(files.tensor("norm.x")), "norm.gemma");

  const auto value = [&](const char* key) { return std::stod(files.metadata().at(key)); };
  const double factor = value("factor");
  const std::pair<const char*, RopeScaling> kinds[] = {
      {"default", {}},
      {"linear", {.kind = RopeScaling::Kind::linear, .factor = factor}},
      {"llama3", {RopeScaling::Kind::llama3, factor, value("low"), value("high"), value("original")}}};
  for (const auto& [name, scaling] : kinds) {
    Rope rope(files.tensor("rope.x").size(-1), value("theta"), scaling);
    const auto tables = rope.at(files.tensor("rope.positions"), torch::kCPU, torch::kFloat32);
    near(Rope::apply(files.tensor("rope.x"), tables), std::string("rope.") + name);
  }
}
