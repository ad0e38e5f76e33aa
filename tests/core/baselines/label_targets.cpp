// What is learned of labelled cells: classes, cells of unknown truth, pathways, and what is kept.
#include "cell2text/baselines/label_targets.hpp"

#include "support/oracle.hpp"

using namespace cell2text;

namespace {

/// Two labels and two columns of pathways of four cells.
BaselineCells labelled() {
  BaselineCells cells{4, torch::arange(8, torch::kFloat32).view({4, 2}), {}};
  cells.labels = {{"cell_type", {"b", "never", "a"}, {0, -1, 2, 0}}, {"tissue", {"x"}, {-1, -1, -1, -1}}};
  cells.pathways = {{"pathway_1", {"q", "p"}, {0, 1, -1, 0}}, {"pathway_2", {"r", "q"}, {0, 1, -1, -1}}};
  return cells;
}

StopQuestion never() {
  return [] { return false; };
}

/// Scores each class of a target by its number and the cell's first feature.
struct Counting {
  Target target;
  std::vector<std::int64_t> fitted = {};
  void fit(const Examples& train, const Examples& validation, const StopQuestion&) {
    fitted = {train.cells->size, validation.cells->size};
  }
  Tensor scores(const BaselineCells& cells) const {
    const Tensor first_N1 = cells.embeddings_NE.narrow(1, 0, 1);
    return (torch::arange(target.size(), torch::kFloat32) - first_N1).abs().neg();
  }
  void save(const std::filesystem::path& folder) const { test::write_file(folder / target.name, "kept"); }
  void load(const std::filesystem::path& folder) { fitted = {std::ssize(test::read_file(folder / target.name))}; }
};

}  // namespace

TEST_CASE("label targets: the classes that training cells have, in alphabetical order; pathways of both columns") {
  const auto targets = targets_of(labelled());
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].name == "cell_type");
  CHECK(targets[0].classes == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(targets[0].several);
  CHECK(targets[1].classes == std::vector<std::string>{"p", "q", "r"});
  CHECK(targets[1].several);
  CHECK_THROWS_WITH_AS(targets_of({3, {}, {}}), doctest::Contains("no training cell has a known label"), InputError);
}

TEST_CASE("label targets: cells of unknown truth, and of classes never trained, are left out") {
  const auto targets = targets_of(labelled());
  const Examples types = examples_of(labelled(), targets[0]);
  CHECK(types.truth.equal(torch::tensor({1, 0, 1}, torch::kInt64)));
  CHECK(types.cells->embeddings_NE.equal(torch::tensor({{0.0f, 1.0f}, {4.0f, 5.0f}, {6.0f, 7.0f}})));
  const Examples pathways = examples_of(labelled(), targets[1]);
  CHECK(pathways.truth.equal(torch::tensor({{0.f, 1.f, 1.f}, {1.f, 1.f, 0.f}, {0.f, 1.f, 0.f}})));
  CHECK(pathways.cells->size == 3);  // of the third none is known
  BaselineCells others = labelled();
  others.labels = {{"cell_type", {"never seen", "b"}, {0, 1, 0, -1}}};
  CHECK(examples_of(others, targets[0]).cells->size == 1);
  const BaselineCells none{0, {}, {}};
  CHECK(examples_of(none, targets[0]).cells->size == 0);
  CHECK(examples_of(none, targets[1]).truth.size(0) == 0);
}

TEST_CASE("label targets: counts of some cells stay whole") {
  BaselineCells cells{3, {}, {}};
  cells.counts = {
      std::make_shared<GeneTable>(), {7, 8, 9}, {"a", "b", "c"}, {0, 2, 2, 3}, {1, 4, 0}, {5, 6, 7}, {11, 12, 13}};
  const CellBatch some = baselines_detail::features_at(cells, {0, 2})->counts;
  CHECK(some.names == std::vector<std::string>{"a", "c"});
  CHECK(some.row_starts == std::vector<std::int64_t>{0, 2, 3});
  CHECK(some.columns == std::vector<std::int32_t>{1, 4, 0});
  CHECK(some.counts == std::vector<float>{5, 6, 7});
  CHECK(some.totals == std::vector<double>{11, 13});
  CHECK(baselines_detail::features_at(cells, {0, 1, 2}).get() == &cells);  // of all of them there is no copy
}

TEST_CASE("label models: targets that are known of the same cells share them, one after the other") {
  struct Fit {
    std::string target;
    const BaselineCells* cells;
    std::int64_t size;
  };
  struct Watching {
    Target target;
    std::vector<Fit>* fits;
    void fit(const Examples& train, const Examples&, const StopQuestion&) {
      fits->push_back({target.name, train.cells.get(), train.cells->size});
    }
  };
  BaselineCells cells{4, torch::arange(8, torch::kFloat32).view({4, 2}), {}};
  cells.labels = {{"cell_type", {"a", "b"}, {0, 1, 0, 1}},
                  {"tissue", {"a", "b"}, {0, -1, 0, 1}},
                  {"disease", {"a", "b"}, {1, 1, 0, 1}},
                  {"sex", {"a", "b"}, {1, -1, 0, 1}}};
  cells.pathways = {{"pathway_1", {"p", "q"}, {0, 1, 0, 1}}};
  std::vector<Fit> fits;
  const auto make = [&](const Target& target) { return Watching{target, &fits}; };
  const BaselineCells none{0, {}, {}};
  LabelModels<Watching>().fit(cells, none, make, never());
  std::vector<std::string> order;
  for (const Fit& one : fits) order.push_back(one.target);
  CHECK(order == std::vector<std::string>{"cell_type", "disease", "pathways", "tissue", "sex"});
  for (std::size_t i = 0; i < 3; ++i) CHECK(fits[i].cells == &cells);
  CHECK(fits[3].size == 3);
  CHECK(fits[4].cells == fits[3].cells);

  fits.clear();
  LabelModels<Watching>().fit(cells, none, make, [&] { return fits.size() == 2; });
  CHECK(fits.size() == 2);
}

TEST_CASE("label models: a classifier for each target of two classes or more; the likeliest class and two pathways") {
  LabelModels<Counting> models;
  const auto make = [](const Target& target) { return Counting{target}; };
  BaselineCells train = labelled();
  train.labels[1].codes = {0, 0, -1, 0};
  models.fit(train, {0, {}, {}}, make, never());
  BaselineCells cells{3, torch::tensor({{0.0f, 0.0f}, {1.2f, 0.0f}, {0.5f, 0.0f}}), {}};
  const auto answers = models.predict(cells);
  REQUIRE(answers.labels.size() == 2);
  CHECK(answers.labels[0].codes == std::vector<std::int32_t>{0, 1, 0});  // of equal scores the first
  CHECK(answers.labels[1].name == "tissue");
  CHECK(answers.labels[1].codes == std::vector<std::int32_t>{0, 0, 0});
  REQUIRE(answers.pathways.size() == 2);
  CHECK(answers.pathways[0].codes == std::vector<std::int32_t>{0, 1, 0});
  CHECK(answers.pathways[1].codes == std::vector<std::int32_t>{1, 2, 1});
  CHECK(models.predict({0, torch::zeros({0, 2}), {}}).labels[0].codes.empty());

  const test::TemporaryFolder folder;
  models.save(folder.path());
  CHECK(std::filesystem::exists(folder / "cell_type"));
  CHECK_FALSE(std::filesystem::exists(folder / "tissue"));
  LabelModels<Counting> loaded;
  loaded.load(folder.path(), make);
  CHECK(loaded.predict(cells).pathways[1].codes == answers.pathways[1].codes);
  CHECK(loaded.predict(cells).labels[1].values == std::vector<std::string>{"x"});
  test::write_file(folder / "targets.json", "[{\"name\": \"cell_type\"}]");
  CHECK_THROWS_WITH_AS(loaded.load(folder.path(), make), doctest::Contains("'classes' is missing"), InputError);
}
