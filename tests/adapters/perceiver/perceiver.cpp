// The perceiver adapter: sizes, padding, positions, settings; values and gradients against a statement in torch.nn.
#include "adapters/perceiver/perceiver.hpp"

#include "adapters/adapter_checks.hpp"

namespace cell2text::perceiver {

using Built = test::Built<Perceiver>;
using doctest::Contains;

static_assert(Adapter<Perceiver>);

namespace {

Settings small() {
  Settings settings;
  settings.latents = 5, settings.width.value = 16, settings.heads = 4, settings.depth = 2;
  return settings;
}

}  // namespace

TEST_CASE("perceiver: a fixed number of soft tokens for a cell of any length, none for a cell without genes") {
  Built built(small());
  CHECK(built.value("latents").sizes() == at::IntArrayRef({5, 16}));
  CHECK(built.value("genes.weight").sizes() == at::IntArrayRef({16, 12}));
  CHECK(built.value("cross.genes_norm.weight").sizes() == at::IntArrayRef({16}));
  CHECK(built.value("blocks.1.up.weight").sizes() == at::IntArrayRef({32, 16}));
  CHECK(built.parameters.find("blocks.0.genes_norm.weight") == nullptr);
  CHECK(built.parameters.find("blocks.2.norm.weight") == nullptr);
  const auto prompt = built(torch::randn({3, 7, 12}), {7, 0, 2});
  CHECK(prompt.values_BPD.sizes() == at::IntArrayRef({3, 5, 20}));
  CHECK(prompt.lengths == std::vector<std::int64_t>{5, 0, 5});
}

TEST_CASE("perceiver: the defaults are 64 latents of the decoder's width, four blocks, a feed-forward of two widths") {
  Built built({}, {12, 24});
  CHECK(built.value("latents").sizes() == at::IntArrayRef({64, 24}));
  CHECK(built.value("blocks.3.up.weight").sizes() == at::IntArrayRef({48, 24}));
  CHECK(built.parameters.find("blocks.4.norm.weight") == nullptr);
  CHECK(built(torch::randn({1, 3, 12}), {3}).lengths == std::vector<std::int64_t>{64});
}

TEST_CASE("perceiver: padding, batches without genes, dropout, forms, saving") {
  Settings settings = small();
  for (const bool positions : {true, false}) {
    settings.positions = positions, settings.output_norm = positions ? "l2" : "none";
    test::check_padding<Perceiver>(settings);
  }
  settings = small(), settings.depth = 0;
  test::check_padding<Perceiver>(settings);
  test::check_edges<Perceiver>(small());
  test::check_forms<Perceiver>(small(), "output_norm");
  test::check_save_and_load<Perceiver>(small());
  settings = small(), settings.dropout = 0.5;
  test::check_dropout<Perceiver>(settings);
}

TEST_CASE("perceiver: with positions the order of genes counts, without them it does not") {
  Settings settings = small();
  const Tensor genes = torch::randn({1, 6, 12});
  const auto change = [&] {
    Built built(settings);
    return test::difference(built(genes, {6}).values_BPD, built(genes.flip(1), {6}).values_BPD);
  };
  CHECK(change() > 1e-3);
  settings.positions = false;
  CHECK(change() < 1e-6);
}

TEST_CASE("perceiver: sinusoidal positions are sine and cosine of p / 10000^(i/W)") {
  for (const std::int64_t width : {8, 7, 1}) {
    const Tensor table = sinusoidal_positions(5000, width);
    REQUIRE(table.sizes() == at::IntArrayRef({5000, width}));
    for (const std::int64_t p : {0, 1, 37, 4999})
      for (std::int64_t i = 0; i < width; ++i) {
        const auto even = static_cast<double>(i - i % 2);
        const double angle = static_cast<double>(p) / std::pow(10000.0, even / static_cast<double>(width));
        CHECK(std::abs(table[p][i].item<double>() - (i % 2 ? std::cos(angle) : std::sin(angle))) < 1e-6);
      }
  }
}

TEST_CASE("perceiver: positions that were made for a short cell do not bound a longer one") {
  Built grown(small()), fresh(small());
  const Tensor genes = torch::randn({1, 9, 12});
  grown(genes.narrow(1, 0, 2), {2});
  CHECK(test::difference(grown(genes, {9}).values_BPD, fresh(genes, {9}).values_BPD) == 0);
  CHECK(test::difference(grown(genes.narrow(1, 0, 4), {4}).values_BPD,
                         Built(small())(genes.narrow(1, 0, 4), {4}).values_BPD) == 0);
}

TEST_CASE("perceiver: heads that do not divide the width are refused, when it is read or when the decoder is known") {
  Value table;
  table.set("width", {std::int64_t{20}, {}});
  CHECK_THROWS_WITH_AS(test::settings_of<Settings>(table), Contains("'heads' is 8, which does not divide 'width' (20;"),
                       InputError);
  Settings settings;
  settings.heads = 3;
  CHECK_THROWS_WITH_AS(Built(settings, {12, 20}), Contains("'heads' is 3, which does not divide 'width' (20;"),
                       InputError);
}

TEST_CASE("perceiver: settings outside their ranges are refused") {
  Value table;
  for (const char* key : {"latents", "heads", "feed_forward_multiple", "width"}) table.set(key, {std::int64_t{0}, {}});
  table.set("depth", {std::int64_t{-1}, {}});
  table.set("dropout", {1.0, {}});
  table.set("positions", {std::string("yes"), {}});
  CHECK(test::faults_of<Settings>(table) == 7);
}

TEST_CASE("oracle: perceiver: values and gradients are those of a statement in torch.nn") {
  const auto seed = test::seed();
  const auto cases = test::oracle("perceiver.py", seed);
  for (const std::string number : {"0", "1", "2"}) {
    INFO("seed " << seed << ", case " << number);
    const auto folder = cases / number;
    const auto files = TensorFiles::open(folder / "case.safetensors");
    Built built(test::settings_of<Settings>(value_from_json(read_json(folder / "settings.json"), "settings.json")));
    test::take_weights(built, files);
    test::check_case(built, files);
  }
}

}  // namespace cell2text::perceiver
