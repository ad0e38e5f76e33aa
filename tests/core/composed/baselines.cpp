// Baselines of an experiment: what its tables say, fitting on the demo's cells, answers as predictions.
#include <set>

#include "cell2text/baselines/compare.hpp"
#include "plugins.hpp"

using namespace cell2text;

namespace {

const char* const four_baselines = R"(
[split]
train = 0.2
validation = 0.1
test = 0.7
[descriptions]
ontology = "DEMO/cl.obo"
[[baselines]]
plugin = "majority"
[[baselines]]
plugin = "nearest"
embedding = "mean"
[[baselines]]
plugin = "head"
name = "linear"
learning_rate = 0.05
epochs = 20
[[baselines]]
plugin = "template"
labels_of = "linear"
)";

struct ComparedDemo {
  test::TemporaryFolder folder;
  Registry registry = test::built_plugins();
  Host host{registry, {.log = {}, .seed = 5, .threads = 1}};
  Experiment experiment;
  ExperimentData data;
  std::vector<Prediction> model;  // a model that says nothing
  std::vector<std::string> told;
  int questions = 1'000'000;  // that are answered with "go on"

  explicit ComparedDemo(const std::string& more = four_baselines)
      : experiment(read_experiment(test::demo_toml(test::tiny_experiment + more), registry)),
        data(open_data(host, experiment)) {
    const CellTruth truth(*data.source, *data.descriptions);
    for (const std::int64_t row : data.split.test) {
      model.push_back({std::to_string(row), *data.descriptions->text(row), "nothing", -1, {}});
      truth.add_to(model.back(), row);
    }
  }

  std::vector<ComparedSystem> run() {
    BaselineInputs inputs(host, data, experiment.encoder, 16, [](std::int64_t, std::int64_t) {});
    Baselines baselines(host, data, inputs, folder / "baselines", [this] { return questions-- <= 0; });
    std::vector<ComparedSystem> systems;
    for (const BaselineChoice& choice : experiment.baselines)
      systems.push_back(baselines.run(choice, model, [&](const std::string& text) { told.push_back(text); }));
    return systems;
  }
};

std::vector<std::string> texts_of_system(const ComparedSystem& system) {
  std::vector<std::string> texts;
  for (const Prediction& one : system.cells) texts.push_back(one.prediction);
  return texts;
}

std::string baseline_faults(const std::string& more) {
  try {
    read_experiment(test::demo_toml(test::tiny_experiment + more), test::built_plugins());
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

void check_baseline_refused(const std::string& more, const std::string& part) {
  ComparedDemo demo(more);
  CHECK_THROWS_WITH_AS(check_baselines(demo.host, demo.experiment, demo.data), doctest::Contains(part.c_str()),
                       InputError);
}

}  // namespace

TEST_CASE("baselines: each answers for every test cell, whose truth stays, and the second time nothing is fitted") {
  ComparedDemo demo;
  check_baselines(demo.host, demo.experiment, demo.data);
  const auto systems = demo.run();
  REQUIRE(systems.size() == 4);
  CHECK(demo.told[2] == "baseline linear: fitted on " + std::to_string(demo.data.split.train.size()) + " cells");
  std::set<std::string> trained;
  for (const std::int64_t row : demo.data.split.train) trained.insert(*demo.data.descriptions->text(row));
  for (const ComparedSystem& system : systems) {
    CAPTURE(system.name);
    REQUIRE(system.cells.size() == demo.model.size());
    for (std::size_t i = 0; i < demo.model.size(); ++i) {
      CHECK(system.cells[i].cell == demo.model[i].cell);
      CHECK(system.cells[i].labels == demo.model[i].labels);
      CHECK(std::isnan(system.cells[i].log_probability));
    }
  }
  const auto majority = texts_of_system(systems[0]), nearest = texts_of_system(systems[1]),
             linear = texts_of_system(systems[2]), filled = texts_of_system(systems[3]);
  CHECK(std::set(majority.begin(), majority.end()).size() == 1);
  CHECK(majority[0].starts_with("This sample consists of a dendritic cell, "));
  for (const std::string& text : nearest) CHECK(trained.contains(text));
  CHECK(std::set(nearest.begin(), nearest.end()).size() > 3);
  CHECK(systems[0].describes);
  CHECK_FALSE(systems[2].describes);
  CHECK(systems[3].describes);
  CHECK(systems[3].about == "template of the labels of linear");
  for (std::size_t i = 0; i < linear.size(); ++i) {
    CHECK(trained.contains(filled[i]));  // with the definition: as the descriptions are
    CHECK(linear[i].size() < filled[i].size());
    CHECK(linear[i].ends_with(" It originates from the blood of a normal individual."));
  }

  ComparedDemo again;
  std::filesystem::rename(demo.folder / "baselines", again.folder / "baselines");
  const auto loaded = again.run();
  for (std::size_t i = 0; i < systems.size(); ++i) CHECK(texts_of_system(loaded[i]) == texts_of_system(systems[i]));
  for (const std::string& text : again.told) CHECK(test::says(text, ": fitted before, in "));
  ComparedDemo anew;
  const auto same = anew.run();
  for (std::size_t i = 0; i < systems.size(); ++i) CHECK(texts_of_system(same[i]) == texts_of_system(systems[i]));
}

TEST_CASE("baselines: the template is filled as the run's own descriptions are, whatever they are") {
  std::string more = four_baselines;
  more.replace(more.find("ontology = \"DEMO/cl.obo\"\n"), 0, "preset = \"authors\"\n");
  ComparedDemo demo(more);
  std::set<std::string> trained;
  for (const std::int64_t row : demo.data.split.train) trained.insert(*demo.data.descriptions->text(row));
  for (const std::string& text : texts_of_system(demo.run()[3])) CHECK(trained.contains(text));
}

TEST_CASE("baselines: told to leave off, a fit ends with a sentence, and nothing of it is kept") {
  ComparedDemo demo;
  demo.questions = 30;
  CHECK_THROWS_WITH_AS(demo.run(),
                       "interrupted while baseline 'linear' was fitted; the same command with --resume goes on from "
                       "there",
                       EnvironmentError);
  CHECK(std::filesystem::exists(demo.folder / "baselines/nearest"));
  CHECK_FALSE(std::filesystem::exists(demo.folder / "baselines/linear"));
  demo.questions = 1'000'000, demo.told.clear();
  CHECK(demo.run().size() == 4);
  CHECK(test::says(demo.told[1], "baseline nearest: fitted before"));
  CHECK(test::says(demo.told[2], "baseline linear: fitted on"));
}

TEST_CASE("baselines: one whose settings have changed is fitted anew, and no other") {
  ComparedDemo before;
  before.run();
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string more = four_baselines;
    more.replace(more.find(from), from.size(), to);
    ComparedDemo demo(more);
    std::filesystem::copy(before.folder / "baselines", demo.folder / "baselines",
                          std::filesystem::copy_options::recursive);
    demo.run();
    std::string anew;
    for (const std::string& text : demo.told)
      if (const auto at = text.find(": its settings are others"); at != std::string::npos) anew += text.substr(0, at);
    demo.told.clear();
    demo.run();
    for (const std::string& text : demo.told) CHECK(test::says(text, ": fitted before, in "));
    return anew;
  };
  CHECK(changed("epochs = 20", "epochs = 10") == "baseline linear");
  CHECK(changed("embedding = \"mean\"", "embedding = \"cls\"") == "baseline nearest");
  CHECK(changed("[[baselines]]\nplugin = \"majority\"\n", "").empty());
  CHECK(
      changed("plugin = \"majority\"", "plugin = \"majority\"\nembedding = \"mean\"").empty());  // it has no use for it
}

TEST_CASE("baselines: without a training cell, or with an encoder that gives no numbers, nothing can be fitted") {
  ComparedDemo demo;
  demo.data.split.train.clear();
  CHECK_THROWS_WITH_AS(demo.run(),
                       doctest::Contains("baseline 'majority': no training cell has a gene that the encoder knows"),
                       InputError);

  Parameters parameters(torch::kCPU, torch::kFloat32, 0);
  const EncoderHandle encoder(
      model_builder_detail::build_part<kinds::encoder>(demo.host, demo.experiment.encoder, parameters));
  for (Parameter& one : parameters.list()) one.value.fill_(std::numeric_limits<float>::quiet_NaN());
  std::filesystem::create_directories(demo.folder / "encoder");
  encoder.save(demo.folder / "encoder");
  PluginChoice damaged = demo.experiment.encoder;
  damaged.settings.erase("architecture");
  damaged.settings.set("checkpoint", {(demo.folder / "encoder").string(), {}});
  BaselineInputs inputs(demo.host, demo.data, damaged, 16, [](std::int64_t, std::int64_t) {});
  CHECK_THROWS_WITH_AS(inputs.features(demo.data.split.test, {.embeddings = true}, "cell"),
                       doctest::Contains("the encoder 'geneformer' gives numbers that are not finite"), InputError);
}

TEST_CASE("baselines: a plugin's setting that its table would hide is refused, with key and plugin") {
  CHECK(test::says(baseline_faults("[[baselines]]\nplugin = \"hiding\"\n"),
                   "the baseline 'hiding' has a setting 'embedding', which it would never see: this key of its table "
                   "is read by cell2text itself. Rename the setting in the plugin"));
  const auto keys_of = [](const std::vector<FieldInfo>& role) {
    std::vector<std::string> keys{"plugin"};
    for (const FieldInfo& field : role) keys.push_back(field.name);
    return keys;
  };
  const auto hidden = [](const std::vector<std::string>& keys, const char* kind, const std::string& plugin) {
    SettingsFaults faults;
    experiment_detail::refuse_hidden_settings(*test::built_plugins().load(kind, plugin).descriptor, keys, {}, faults);
    return faults.list.size();
  };
  CHECK(hidden(keys_of(describe_settings<BaselineRole>()), "baseline", "hiding") == 1);
  CHECK(hidden(keys_of(describe_settings<BaselineRole>()), "baseline", "head") == 0);
  CHECK(hidden(keys_of(describe_settings<EncoderRole>()), "encoder", "geneformer") == 0);
  CHECK(hidden({"layer"}, "encoder", "geneformer") == 1);
  CHECK(hidden(keys_of(describe_settings<MetricRole>()), "metric", "pagerank") == 0);
  CHECK(hidden({"label"}, "metric", "pagerank") == 1);
}

TEST_CASE("baselines: the levels of an embedding are those of the encoder") {
  ComparedDemo demo;
  BaselineInputs inputs(demo.host, demo.data, demo.experiment.encoder, 16, [](std::int64_t, std::int64_t) {});
  const BaselineNeeds needs{.embeddings = true};
  const auto of = [&](const char* level) { return inputs.features({demo.data.split.train[3]}, needs, level); };
  CHECK(of("cell").embeddings_NE.equal(of("cls").embeddings_NE));  // this encoder has a <cls>
  CHECK_FALSE(of("cell").embeddings_NE.equal(of("mean").embeddings_NE));
  CHECK(of("mean").embeddings_NE.sizes() == at::IntArrayRef({1, 16}));
  CHECK_FALSE(inputs.features({0, 1}, {.counts = true}, "cell").embeddings_NE.defined());
  CHECK(inputs.features({4, 2}, {.counts = true}, "cell").counts.rows == std::vector<std::int64_t>{4, 2});
}

TEST_CASE("baselines: what would only be found after the training is refused before it") {
  check_baseline_refused("[[baselines]]\nplugin = \"template\"\n",
                         "baseline 'template' fills in the labels of another baseline");
  check_baseline_refused(
      "[[baselines]]\nplugin = \"majority\"\n[[baselines]]\nplugin = \"nearest\"\nlabels_of = \"majority\"\n",
      "baseline 'nearest' takes no labels of another");
  check_baseline_refused("[[baselines]]\nplugin = \"lightgbm\"\nlibrary = \"/nonexistent/l.so\"\n",
                         ".deps/env/bin/pip install --no-deps lightgbm==");
  check_baseline_refused(R"([descriptions]
column = "bulk_labels"
cell_type = "none"
tissue = "none"
disease = "none"
sex = "none"
development_stage = "none"
[[baselines]]
plugin = "head"
)",
                         "baseline 'head' learns labels, and no training cell has a known cell type");
}

TEST_CASE("baselines: the labels of one that gives none cannot be taken, which is said before the training") {
  check_baseline_refused(
      "[[baselines]]\nplugin = \"nearest\"\n[[baselines]]\nplugin = \"template\"\nlabels_of = \"nearest\"\n",
      "baseline 'template' takes the labels of 'nearest', which predicts none");
}

TEST_CASE("baselines: answers that name values or cells that there are not are a plugin's bug") {
  using cell2text::BugError;
  const auto check = [](const cell2text::BaselineAnswers& answers) {
    cell2text::baselines_detail::check_answers(answers, 3, "odd");
  };
  const cell2text::LabelColumn sound{"sex", {"male"}, {0, -1}};
  CHECK_NOTHROW(check({.labels = {sound}, .pathways = {sound, sound}, .copied = {0, 2}}));
  for (const std::int32_t code : {1, -2})
    CHECK_THROWS_WITH_AS(check({.labels = {{"sex", {"male"}, {code}}}}),
                         doctest::Contains("baseline 'odd' answers 'sex'"), BugError);
  CHECK_THROWS_WITH_AS(check({.pathways = {{"pathway_1", {}, {0}}}}), doctest::Contains("value 0 of 0"), BugError);
  CHECK_THROWS_WITH_AS(check({.pathways = {sound, sound, sound}}), doctest::Contains("at most 2 are told"), BugError);
  for (const std::int64_t cell : {-1, 3})
    CHECK_THROWS_WITH_AS(check({.copied = {cell}}), doctest::Contains("copies training cell"), BugError);
}

TEST_CASE("baselines: tables read, write out every default, and tell their faults") {
  ComparedDemo demo;
  const Value resolved = demo.experiment.resolved();
  const auto& list = *resolved.find("baselines")->get_if<Value::Array>();
  REQUIRE(list.size() == 4);
  CHECK(*list[2].find("plugin")->get_if<std::string>() == "head");
  CHECK(*list[2].find("name")->get_if<std::string>() == "linear");
  CHECK(*list[2].find("embedding")->get_if<std::string>() == "cell");
  CHECK(*list[2].find("batch_size")->get_if<std::int64_t>() == 64);
  CHECK(write_toml(read_experiment(resolved, test::built_plugins()).resolved()) == write_toml(resolved));
  const std::string head = "[[baselines]]\nplugin = \"head\"\n";
  CHECK(test::says(baseline_faults(head + head), "two baselines are called 'head'; give one of them a 'name'"));
  CHECK(baseline_faults(head + head + "name = \"other\"\n") == "no fault");
  CHECK(test::says(baseline_faults(head + "name = \"a/b\"\n"),
                   "the baseline's name 'a/b' becomes part of keys and file names"));
  CHECK(test::says(baseline_faults(head + "name = \"shuffled\"\n"), "'shuffled' is the name of the report's control"));
  CHECK(test::says(baseline_faults(head + "embedding = \"men\"\n"),
                   "'baselines[0].embedding' is 'men'; it must be one of 'cell', 'cls', 'mean'; did you mean 'mean'?"));
  CHECK(test::says(baseline_faults(head + "epoch = 3\n"), "unknown key 'baselines[0].epoch'; did you mean 'epochs'?"));
  CHECK(test::says(baseline_faults(head + "[[baselines]]\nplugin = \"template\"\nlabels_of = \"haed\"\n"),
                   "'baselines[1].labels_of' is 'haed', which no baseline above is called; did you mean 'head'?"));
  CHECK(test::says(baseline_faults("[[baselines]]\nplugin = \"haed\"\n"),
                   "no baseline is called 'haed'; did you mean 'head'?"));
  CHECK(test::says(baseline_faults(head + "labels_of = 3\n"),
                   "'baselines[0].labels_of' is a whole number; it must be a text"));
}
