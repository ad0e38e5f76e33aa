// The baseline `lightgbm`: beside LightGBM's Python package, and what is refused.
#include "plugins/baselines/lightgbm/lightgbm.hpp"

#include <stdlib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::BaselineCells;
using cell2text::InputError;
using cell2text::Target;
using cell2text::lightgbm::BinnedCells;
using cell2text::lightgbm::Dataset;
using cell2text::lightgbm::find_library;
using cell2text::lightgbm::Library;
using cell2text::lightgbm::LightGbm;
using cell2text::lightgbm::TreeClassifier;
using cell2text::lightgbm::Trees;
namespace test = cell2text::test;

namespace {

/// Whether the package is there; without it the unit tests of this file say so, and the oracle's fail.
std::shared_ptr<const Library> library_or_null() {
  try {
    return std::make_shared<const Library>(find_library({}));
  } catch (const InputError& error) {
    MESSAGE("skipped: " << error.what());
    return nullptr;
  }
}

at::Tensor matrix_of(const nlohmann::json& rows) {
  const auto values = rows.get<std::vector<std::vector<float>>>();
  at::Tensor out = torch::empty({std::ssize(values), std::ssize(values[0])});
  for (std::size_t i = 0; i < values.size(); ++i) out[static_cast<std::int64_t>(i)].copy_(torch::tensor(values[i]));
  return out;
}

/// Cells of a case as features: embeddings, or counts in CSR.
BaselineCells cells_of(const nlohmann::json& one) {
  const at::Tensor given = matrix_of(one["given"]);
  BaselineCells cells{given.size(0), {}, {}};
  if (one["kind"] == "embedding") {
    cells.embeddings_NE = given;
    return cells;
  }
  auto genes = std::make_shared<cell2text::GeneTable>();
  for (std::int64_t g = 0; g < given.size(1); ++g) genes->ids.push_back("ENSG" + std::to_string(g));
  cells.counts.genes = genes;
  cells.counts.totals = one["totals"].get<std::vector<double>>();
  cells.counts.row_starts = {0};
  for (std::int64_t row = 0; row < given.size(0); ++row) {
    for (std::int64_t g = 0; g < given.size(1); ++g)
      if (const float count = given[row][g].item<float>(); count > 0)
        cells.counts.columns.push_back(static_cast<std::int32_t>(g)), cells.counts.counts.push_back(count);
    cells.counts.row_starts.push_back(std::ssize(cells.counts.columns));
    cells.counts.rows.push_back(row), cells.counts.names.push_back("c");
  }
  return cells;
}

cell2text::Examples examples(const nlohmann::json& one, const BaselineCells& all, const at::Tensor& truth,
                             const char* part) {
  const auto places = one[part].get<std::vector<std::int64_t>>();
  return {cell2text::baselines_detail::features_at(all, places),
          truth.index_select(0, torch::tensor(places, torch::kInt64))};
}

cell2text::lightgbm::LightGbmSettings settings_of(const nlohmann::json& one) {
  cell2text::lightgbm::LightGbmSettings settings;
  settings.trees = settings.pathway_trees = one["rounds"];
  settings.patience = settings.pathway_patience = one["patience"];
  settings.min_cells_in_leaf = one["min_cells_in_leaf"];
  return settings;
}

double worst_difference(const at::Tensor& ours, const nlohmann::json& theirs) {
  double worst = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i)
    for (std::size_t c = 0; c < theirs[i].size(); ++c)
      worst = std::max(worst, std::abs(ours[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(c)].item<double>() -
                                       theirs[i][c].get<double>()));
  return worst;
}

}  // namespace

TEST_CASE("oracle: probabilities are those of LightGBM's Python package, of embeddings and of counts") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("baseline_lightgbm.py", seed);
  const auto library = std::make_shared<const Library>(find_library({}));
  const auto cases = nlohmann::json::parse(test::read_file(folder / "cases.json"));
  CHECK(cases.size() == 12);
  for (const auto& one : cases) {
    INFO(one["kind"].get<std::string>() << (one["several"] ? ", several classes at once" : ", one class of several"));
    const Target target{"t", one["classes"].get<std::vector<std::string>>(), one["several"].get<bool>()};
    const BaselineCells cells = cells_of(one);
    const at::Tensor truth = target.several
                                 ? matrix_of(one["truth"])
                                 : torch::tensor(one["truth"].get<std::vector<std::int64_t>>(), torch::kInt64);
    const cell2text::Context context{.log = {}, .seed = one["seed"], .threads = 2};
    TreeClassifier classifier(library, std::make_shared<BinnedCells>(library), settings_of(one), target, context);
    classifier.fit(examples(one, cells, truth, "train"), examples(one, cells, truth, "valid"), test::never());
    const auto asked_cells = examples(one, cells, truth, "test").cells;
    const BaselineCells& asked = *asked_cells;
    CHECK(worst_difference(classifier.scores(asked), one["probabilities"]) < 1e-12);

    const test::TemporaryFolder kept;
    classifier.save(kept.path());
    TreeClassifier loaded(library, nullptr, settings_of(one), target, context);
    loaded.load(kept.path());
    CHECK(loaded.scores(asked).equal(classifier.scores(asked)));
  }
}

TEST_CASE("lightgbm: learns groups that are apart, one class as it is, and the two likeliest pathways") {
  if (!library_or_null()) return;
  LightGbm::Settings settings;
  settings.trees = settings.pathway_trees = 60;
  LightGbm baseline(settings, {.log = {}, .seed = 1, .threads = 1});
  const auto train = test::grouped_cells(400, 4, 6, 1), cells = test::grouped_cells(100, 4, 6, 2);
  baseline.fit(train, cells, test::never());
  const auto answers = baseline.predict(cells);
  CHECK(test::share_equal(test::texts_of(answers.labels[0]), test::texts_of(cells.labels[0])) > 0.95);
  CHECK(test::texts_of(answers.labels[1]) == std::vector<std::string>(100, "blood"));
  const auto one = test::texts_of(answers.pathways[0]), two = test::texts_of(answers.pathways[1]);
  int both = 0;
  for (std::int64_t i = 0; i < 100; ++i)
    both += std::set{one[i], two[i]} == std::set{*cells.pathways[0].at(i), *cells.pathways[1].at(i)};
  CHECK(both > 90);
  const test::TemporaryFolder folder;
  baseline.save(folder.path());
  LightGbm loaded(settings, {});
  loaded.load(folder.path());
  CHECK(test::texts_of(loaded.predict(cells).labels[0]) == test::texts_of(answers.labels[0]));
  CHECK_THROWS_WITH_AS(baseline.fit({40, torch::randn({40, 8}), {}}, {}, test::never()),
                       doctest::Contains("no training cell has a known label"), InputError);
  test::write_file(folder / "cell_type.txt", "tree");
  CHECK_THROWS_WITH_AS(loaded.load(folder.path()), doctest::Contains("LightGBM could not read a model"),
                       cell2text::EnvironmentError);
}

TEST_CASE("lightgbm: cells are binned once for all targets, which learn the same as if each had bins of its own") {
  const auto library = library_or_null();
  if (!library) return;
  const auto train = test::grouped_cells(300, 4, 1, 1), validation = test::grouped_cells(80, 4, 1, 2);
  auto targets = cell2text::targets_of(train);
  REQUIRE(targets.back().several);
  LightGbm::Settings settings;
  settings.trees = settings.pathway_trees = 15;
  const auto cells = std::make_shared<const BaselineCells>(train),
             watched = std::make_shared<const BaselineCells>(validation);
  const auto scores = [&](const Target& target, std::shared_ptr<BinnedCells> bins) {
    TreeClassifier classifier(library, std::move(bins), settings, target, {.log = {}, .seed = 3, .threads = 1});
    const auto truth = cell2text::truth_of(train, target), other = cell2text::truth_of(validation, target);
    classifier.fit({cells, truth.truth}, {watched, other.truth}, test::never());
    return classifier.scores(validation);
  };
  const Target& pathways = targets.back();
  const Target twice{"twice", pathways.classes, true};
  const auto shared = std::make_shared<BinnedCells>(library);
  const auto first = scores(pathways, shared);
  const auto* const bins = &shared->train(cells, "");
  CHECK(scores(twice, shared).equal(first));
  CHECK(&shared->train(cells, "") == bins);
  CHECK(scores(pathways, std::make_shared<BinnedCells>(library)).equal(first));
  CHECK(&shared->validation(watched, "") == &shared->validation(watched, ""));
  const auto copy = std::make_shared<const BaselineCells>(train);
  shared->train(copy, "");
  CHECK(copy.use_count() == 2);  // those of last time are let go
  CHECK(cells.use_count() == 1);
  shared->clear();
  CHECK(copy.use_count() == 1);
}

TEST_CASE("lightgbm: a fit leaves off between two trees when it is told to") {
  if (!library_or_null()) return;
  LightGbm::Settings settings;
  settings.trees = settings.patience = 1'000'000;
  int asked = 0;
  const auto train = test::grouped_cells(300, 4, 1, 1), validation = test::grouped_cells(80, 4, 1, 2);
  LightGbm(settings, {.log = {}, .seed = 1, .threads = 1}).fit(train, validation, [&] { return ++asked > 30; });
  CHECK(asked > 30);
  CHECK(asked < 35);
}

TEST_CASE("lightgbm: a loss that is no number, and calls that do not fit what was trained, are told") {
  const auto library = library_or_null();
  if (!library) return;
  const auto cells = test::grouped_cells(100, 2, 6, 1);
  std::vector<float> truth;
  for (std::int64_t cell = 0; cell < cells.size; ++cell) truth.push_back(static_cast<float>(cell % 2));
  const auto features = cell2text::lightgbm::features_of(cells);
  const Dataset train(*library, features, "verbosity=-1", nullptr), watched(*library, features, "verbosity=-1", &train);
  train.set_truth(truth), watched.set_truth(truth);
  const auto trained = [&](const std::string& parameters) {
    Trees trees(library);
    trees.train(train, &watched, {"", "verbosity=-1 num_threads=1 " + parameters, 3, 3}, test::never());
    return trees;
  };
  CHECK_THROWS_WITH_AS(trained("objective=binary metric=none"),
                       doctest::Contains("LightGBM has 0 metrics; one was asked for"), cell2text::BugError);
  CHECK_THROWS_WITH_AS(trained("objective=regression metric=l2 learning_rate=1e300"),
                       doctest::Contains("the validation loss is not a number from the first tree on"), InputError);
  CHECK_THROWS_WITH_AS(trained("objective=binary metric=binary_logloss").probabilities(features, 2, "num_threads=1"),
                       doctest::Contains("LightGBM gave 100 probabilities; expected 200"), cell2text::BugError);
  CHECK_THROWS_WITH_AS(train.set_truth({1, 0}), doctest::Contains("LightGBM could not take the labels"),
                       cell2text::EnvironmentError);
}

TEST_CASE(
    "lightgbm: a library that is not there, is none, lacks a call or is of another version is told with pip's line") {
  const std::string pip = ".deps/env/bin/pip install --no-deps lightgbm==4.7.0";
  LightGbm::Settings settings;
  settings.library = "/nonexistent/lib_lightgbm.so";
  CHECK_THROWS_WITH_AS(LightGbm(settings, {}), doctest::Contains(pip.c_str()), InputError);
  CHECK_THROWS_WITH_AS(LightGbm(settings, {}), doctest::Contains("/nonexistent/lib_lightgbm.so ('library' says so)"),
                       InputError);
  ::setenv("CELL2TEXT_LIGHTGBM", "/nonexistent/other.so", 1);
  CHECK_THROWS_WITH_AS(find_library({}), doctest::Contains("/nonexistent/other.so (CELL2TEXT_LIGHTGBM says so)"),
                       InputError);
  ::unsetenv("CELL2TEXT_LIGHTGBM");

  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "lightgbm/lib");
  const auto file = folder / "lightgbm/lib/lib_lightgbm.so";
  test::write_file(file, "no library");
  CHECK_THROWS_WITH_AS(Library{file}, doctest::Contains("cannot be opened"), InputError);
  std::filesystem::remove(file);
  std::filesystem::copy_file(test::build_dir() / "lib/cell2text/plugins/libcell2text_baseline_majority.so", file);
  CHECK_THROWS_WITH_AS(Library{file}, doctest::Contains("has no 'LGBM_GetLastError'"), InputError);
  test::write_file(folder / "lightgbm/VERSION.txt", "3.3.5\n");
  CHECK_THROWS_WITH_AS(Library{file}, doctest::Contains("is of LightGBM 3.3.5, and calls are made as of version 4.7.0"),
                       InputError);
}
