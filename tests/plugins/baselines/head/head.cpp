// The baseline `head`: what it learns, keeps and refuses; its optimum beside scikit-learn's.
#include "plugins/baselines/head/head.hpp"

#include <memory>
#include <nlohmann/json.hpp>

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::BaselineCells;
using cell2text::head::Head;
using cell2text::head::LinearHead;
namespace test = cell2text::test;

namespace {

Head::Settings quick() {
  Head::Settings settings;
  settings.learning_rate = 0.02, settings.epochs = 60, settings.patience = 60;
  return settings;
}

Head fitted(const Head::Settings& settings, const BaselineCells& train, const BaselineCells& validation,
            std::uint64_t seed = 1) {
  Head head(settings, {.log = {}, .seed = seed, .threads = 1});
  head.fit(train, validation, test::never());
  return head;
}

}  // namespace

TEST_CASE("head: learns groups that are apart, labels of one class as they are, and the two likeliest pathways") {
  const auto train = test::grouped_cells(400, 5, 6, 1), cells = test::grouped_cells(100, 5, 6, 2);
  const auto answers = fitted(quick(), train, cells).predict(cells);
  REQUIRE(answers.labels.size() == 2);
  CHECK(answers.labels[0].name == "cell_type");
  CHECK(test::share_equal(test::texts_of(answers.labels[0]), test::texts_of(cells.labels[0])) > 0.97);
  CHECK(test::texts_of(answers.labels[1]) == std::vector<std::string>(100, "blood"));
  REQUIRE(answers.pathways.size() == 2);
  const auto one = test::texts_of(answers.pathways[0]), two = test::texts_of(answers.pathways[1]);
  const auto truth_one = test::texts_of(cells.pathways[0]), truth_two = test::texts_of(cells.pathways[1]);
  int both = 0;
  for (std::size_t i = 0; i < one.size(); ++i) both += std::set{one[i], two[i]} == std::set{truth_one[i], truth_two[i]};
  CHECK(both > 95);
  CHECK(answers.texts.empty());
  CHECK(answers.copied.empty());
}

TEST_CASE("head: the same seed gives the same, another seed another order") {
  const auto train = test::grouped_cells(200, 4, 1, 1), cells = test::grouped_cells(50, 4, 1, 2);
  cell2text::Target target{"cell_type", {"type 0", "type 1", "type 2", "type 3"}, false};
  const auto scores = [&](std::uint64_t seed) {
    LinearHead head(quick(), target, seed);
    head.fit(cell2text::examples_of(train, target), cell2text::examples_of(cells, target), test::never());
    return head.scores(cells);
  };
  CHECK(scores(1).equal(scores(1)));
  CHECK_FALSE(scores(1).equal(scores(2)));
}

TEST_CASE("head: training ends when the validation loss rises, and the best weights are kept") {
  const auto train = test::grouped_cells(60, 4, 1, 1), cells = test::grouped_cells(400, 4, 1, 2);
  cell2text::Target target{"cell_type", {"type 0", "type 1", "type 2", "type 3"}, false};
  const auto validation = cell2text::examples_of(cells, target);
  const auto loss = [&](std::int64_t epochs, std::int64_t patience) {
    Head::Settings settings = quick();
    settings.learning_rate = 0.2, settings.epochs = epochs, settings.patience = patience;
    LinearHead head(settings, target, 3);
    head.fit(cell2text::examples_of(train, target), validation, test::never());
    return at::nll_loss(head.scores(*validation.cells).log_softmax(1), validation.truth).item<double>();
  };
  const double best = loss(200, 200);
  CHECK(loss(200, 1) >= best);
  CHECK(loss(1000, 1000) == doctest::Approx(best));  // what comes after the best is thrown away
}

TEST_CASE("head: a fit leaves off between two batches when it is told to") {
  const auto train = test::grouped_cells(400, 4, 6, 1);
  Head::Settings endless = quick();
  endless.epochs = endless.patience = 1'000'000;
  int asked = 0;
  Head(endless, {}).fit(train, {}, [&] { return ++asked > 1000; });
  CHECK(asked > 1000);
  CHECK(asked < 1010);
}

TEST_CASE("head: what is kept gives the same; damaged and foreign files are refused") {
  const auto train = test::grouped_cells(100, 3, 3, 1), cells = test::grouped_cells(20, 3, 3, 2);
  const Head head = fitted(quick(), train, {});
  const test::TemporaryFolder folder;
  head.save(folder.path());
  Head loaded(quick(), {});
  loaded.load(folder.path());
  CHECK(test::texts_of(loaded.predict(cells).labels[0]) == test::texts_of(head.predict(cells).labels[0]));
  CHECK(test::texts_of(loaded.predict(cells).pathways[1]) == test::texts_of(head.predict(cells).pathways[1]));
  BaselineCells wide{2, torch::randn({2, 9}), {}};
  CHECK_THROWS_WITH_AS(head.predict(wide), doctest::Contains("have 9 values, and the head was trained on 8"),
                       cell2text::InputError);
  auto targets = nlohmann::json::parse(test::read_file(folder / "targets.json"));
  targets[0]["classes"].push_back("one more");
  test::write_file(folder / "targets.json", targets.dump());
  CHECK_THROWS_WITH_AS(loaded.load(folder.path()), doctest::Contains("not the weights of 4 classes"),
                       cell2text::InputError);
  CHECK_THROWS_AS(loaded.load(folder / "nowhere"), cell2text::InputError);
}

TEST_CASE("head: no label, and a loss that is not finite, are told") {
  auto cells = test::grouped_cells(40, 3, 3, 1);
  BaselineCells bare{40, cells.embeddings_NE, {}};
  CHECK_THROWS_WITH_AS(fitted(quick(), bare, {}), doctest::Contains("no training cell has a known label"),
                       cell2text::InputError);
  auto huge = cells;
  huge.embeddings_NE = cells.embeddings_NE * 1e38;
  for (const BaselineCells& validation : {huge, BaselineCells{}})
    CHECK_THROWS_WITH_AS(fitted(quick(), huge, validation), doctest::Contains("not finite after epoch 1; lower"),
                         cell2text::InputError);
}

TEST_CASE("oracle: the head's optimum is scikit-learn's logistic regression, of labels and of pathways") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("baseline_head.py", seed);
  const auto cases = nlohmann::json::parse(test::read_file(folder / "cases.json"));
  Head::Settings settings;
  settings.learning_rate = 0.01, settings.weight_decay = 0, settings.clip_norm = 0;
  settings.epochs = 6000, settings.patience = 6000, settings.batch_size = 100000;
  for (const auto& one : cases) {
    const auto rows = one["embeddings"].get<std::vector<std::vector<float>>>();
    at::Tensor values_NE = torch::empty({std::ssize(rows), std::ssize(rows[0])});
    for (std::size_t i = 0; i < rows.size(); ++i) values_NE[static_cast<std::int64_t>(i)].copy_(torch::tensor(rows[i]));
    cell2text::Target target{"t", one["classes"].get<std::vector<std::string>>(), one["several"].get<bool>()};
    const BaselineCells cells{values_NE.size(0), values_NE, {}}, none{0, values_NE.narrow(0, 0, 0), {}};
    cell2text::Examples train{std::make_shared<const BaselineCells>(cells), {}};
    if (target.several) {
      train.truth = torch::empty({values_NE.size(0), target.size()});
      const auto truth = one["truth"].get<std::vector<std::vector<float>>>();
      for (std::size_t i = 0; i < truth.size(); ++i)
        train.truth[static_cast<std::int64_t>(i)].copy_(torch::tensor(truth[i]));
    } else {
      train.truth = torch::tensor(one["truth"].get<std::vector<std::int64_t>>(), torch::kInt64);
    }
    LinearHead head(settings, target, seed);
    head.fit(train, {std::make_shared<const BaselineCells>(none), train.truth.narrow(0, 0, 0)}, test::never());
    const at::Tensor logits = head.scores(cells);
    const at::Tensor ours = target.several ? logits.sigmoid() : logits.softmax(1);
    const auto theirs = one["probabilities"].get<std::vector<std::vector<double>>>();
    double worst = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i)
      for (std::size_t c = 0; c < theirs[i].size(); ++c)
        worst = std::max(
            worst,
            std::abs(ours[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(c)].item<double>() - theirs[i][c]));
    CHECK(worst < 2e-3);
  }
}
