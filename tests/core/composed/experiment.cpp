// Experiment files: the examples, what is wrong with broken ones, the run's folder and its data.
#include "cell2text/experiment.hpp"

#include <fstream>

#include "cell2text/experiment_file.hpp"
#include "cell2text/experiment_run.hpp"
#include "cell2text/run_folder.hpp"
#include "plugins.hpp"

using cell2text::EnvironmentError;
using cell2text::Experiment;
using cell2text::InputError;
using cell2text::Registry;
using cell2text::RunFolder;
using cell2text::Value;
namespace test = cell2text::test;

namespace {

/// The tiny experiment with the tables that it leaves to their defaults.
std::string whole() {
  return std::string(test::tiny_experiment) + R"(
[split]
train = 0.7
[descriptions]
ontology = "DEMO/cl.obo"
[training]
epochs = 10
optimizer = "adamw"
[[metrics]]
plugin = "overlap"
)";
}

std::string faults_of(const std::string& text) {
  try {
    read_experiment(cell2text::parse_toml(text, "broken.toml"), test::built_plugins());
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

/// Replaces `from`, which must occur, and returns "broken.toml:LINE:COLUMN: " of the place.
std::string change(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) FAIL("the experiment does not hold " << from);
  text.replace(at, from.size(), to);
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  const auto start = text.rfind('\n', at) + 1;
  return "broken.toml:" + std::to_string(line) + ":" + std::to_string(at - start + 1) + ": ";
}

}  // namespace

TEST_CASE("experiment: every example reads, and what it resolves to reads as the same") {
  const Registry registry = test::built_plugins();
  int examples = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::source_dir() / "examples")) {
    if (entry.path().extension() != ".toml") continue;
    const Value root = cell2text::read_toml(entry.path());
    if (root.find("sources") || root.find("axes")) continue;  // of datasets and grids
    ++examples;
    INFO(entry.path());
    const Experiment experiment = read_experiment(cell2text::read_experiment_file(entry.path()), registry);
    CHECK(!experiment.general.name.empty());
    CHECK(!experiment.metrics.empty());
    const std::string resolved = write_toml(experiment.resolved());
    const Experiment again = read_experiment(cell2text::parse_toml(resolved, "resolved.toml"), registry);
    CHECK(write_toml(again.resolved()) == resolved);
    CHECK(again.training.learning_rate == experiment.training.learning_rate);
    CHECK(again.encoder_role.frozen == experiment.encoder_role.frozen);
  }
  CHECK(examples == 8);
}

TEST_CASE("experiment: resolving writes every default out") {
  const Experiment experiment = read_experiment(test::demo_toml(test::tiny_experiment), test::built_plugins());
  const Value resolved = experiment.resolved();
  CHECK(*resolved.find("training")->find("optimizer")->get_if<std::string>() == "adamw");
  CHECK(*resolved.find("encoder")->find("frozen")->get_if<bool>());
  CHECK(*resolved.find("encoder")->find("cache")->get_if<std::string>() == "none");
  CHECK(*resolved.find("encoder")->find("cache_limit")->get_if<std::string>() == "20 GB");
  CHECK(resolved.find("encoder")->find("cache_folder") == nullptr);
  CHECK(*resolved.find("encoder")->find("plugin")->get_if<std::string>() == "geneformer");
  CHECK(*resolved.find("decoder")->find("architecture")->find("tied")->get_if<bool>());
  CHECK(*resolved.find("adapter")->find("hidden")->get_if<std::string>() == "auto");
  CHECK(resolved.find("metrics")->get_if<Value::Array>()->empty());
  CHECK(experiment.encoder.settings.find("plugin") == nullptr);
}

TEST_CASE("experiment: all that is wrong is told at once, each with its place and the nearest name") {
  std::string text = whole();
  std::vector<std::string> expected;
  auto broken = [&](const std::string& from, const std::string& to, const std::string& message) {
    expected.push_back(change(text, from, to) + message);
  };
  broken("seed = 5", "sede = 5", "unknown key 'sede'; did you mean 'seed'?");
  broken("path = ", "pth = ", "unknown key 'data.pth'; did you mean 'path'?");
  change(text, "train = 0.7", "train = 0.8");  // a rule between keys: it is told at its table
  broken("frozen = true", "frozen = \"no\"", "'encoder.frozen' is a text ('no'); it must be true or false");
  broken("layer = 0", "layer = 3", "'encoder.layer' is 3; it must be between -1000 and 0");
  broken("plugin = \"mlp\"", "plugin = \"mpl\"", "no adapter is called 'mpl'; did you mean 'mlp'?");
  broken("kv_heads = 2", "kv_headz = 2", "unknown key 'decoder.architecture.kv_headz'; did you mean 'kv_heads'?");
  broken("epochs = 10", "epochs = \"ten\"", "'training.epochs' is a text ('ten'); it must be a whole number");
  broken("optimizer = \"adamw\"", "optimizer = \"adamm\"",
         "'training.optimizer' is 'adamm'; it must be one of 'adam', 'adamw'");
  broken("beams = 2", "beams = 0", "'generation.beams' is 0; it must be between 1 and 1024");
  change(text, "[finetuning]", "[fine_tuning]");
  const std::string faults = faults_of(text);
  INFO(faults);
  for (const std::string& one : expected) CHECK_MESSAGE(faults.find(one) != std::string::npos, one);
  CHECK(faults.find("unknown table [fine_tuning]; did you mean 'finetuning'?") != std::string::npos);
  CHECK(faults.find("'finetuning.plugin' is missing: the finetuning to use") != std::string::npos);
  CHECK(faults.find("'data.path' is missing") != std::string::npos);
  CHECK(faults.find("add up to 1.1") != std::string::npos);
  CHECK(std::ranges::count(faults, '\n') + 1 == 13);
}

TEST_CASE(
    "experiment: the cache of embeddings is the core's, needs a frozen encoder, and is no setting of the plugin") {
  std::string text = whole();
  change(text, "frozen = true", "frozen = true\ncache = \"disk\"\ncache_folder = \"x\"\ncache_limit = \"1.5 MB\"");
  const Experiment experiment = read_experiment(test::demo_toml(text), test::built_plugins());
  CHECK(experiment.encoder_role.cache == "disk");
  CHECK(experiment.encoder_role.cache_folder == "x");
  CHECK(experiment.encoder_role.cache_limit.bytes == 1'500'000);
  for (const Value* settings : {&experiment.encoder.settings, &experiment.encoder.resolved})
    for (const char* key : {"frozen", "cache", "cache_folder", "cache_limit"}) CHECK(settings->find(key) == nullptr);
  const Value resolved = experiment.resolved();
  CHECK(write_toml(read_experiment(resolved, test::built_plugins()).resolved()) == write_toml(resolved));
  change(text, "frozen = true", "frozen = false");
  CHECK(faults_of(text).find("'encoder.cache' is 'disk' and 'encoder.frozen' is false") != std::string::npos);
  change(text, "cache_limit = \"1.5 MB\"", "cache_limit = \"1 kB\"");
  CHECK(faults_of(text).find("'encoder.cache_limit' is 1000; it must be at least 1000000 (bytes)") !=
        std::string::npos);
  change(text, "cache = \"disk\"", "cache = \"disc\"");
  CHECK(faults_of(text).find("'encoder.cache' is 'disc'") != std::string::npos);
}

TEST_CASE("experiment: labels that may be given are named by the prompt, and hidden as often as training says") {
  std::string text = whole();
  change(text, "user = \"Cell: \"", "user = \"{given:tissue,sex}Cell: \"");
  change(text, "[training]", "[evaluation]\ngiven = [\"tissue\"]\n[training]\ngiven_dropout = 0.25");
  const Experiment experiment = read_experiment(test::demo_toml(text), test::built_plugins());
  CHECK((experiment.training.given_dropout == 0.25));
  CHECK((experiment.evaluation.given == std::vector<std::string>{"tissue"}));
  const Value resolved = experiment.resolved();
  CHECK(write_toml(read_experiment(resolved, test::built_plugins()).resolved()) == write_toml(resolved));
  change(text, "given_dropout = 0.25", "given_dropout = 1.5");
  CHECK(faults_of(text).find("'training.given_dropout' is 1.5; it must be between 0 and 1") != std::string::npos);
  change(text, "given_dropout = 1.5", "given_dropout = 0.5");
  change(text, "given = [\"tissue\"]", "given = [\"tisue\"]");
  CHECK(faults_of(text).find("'given': descriptions have no label 'tisue'; did you mean 'tissue'?") !=
        std::string::npos);
  change(text, "given = [\"tisue\"]", "");
  change(text, "{given:tissue,sex}Cell: ", "Cell: ");
  CHECK(faults_of(text).find("'training.given_dropout' is set, and 'prompt.user' tells nothing that is given") !=
        std::string::npos);
}

TEST_CASE("experiment: an empty file is told all that is needed") {
  const std::string faults = faults_of("");
  for (const char* key :
       {"'name'", "'data.source'", "'encoder.plugin'", "'adapter.plugin'", "'decoder.plugin'", "'finetuning.plugin'"})
    CHECK(faults.find(std::string(key) + " is missing") != std::string::npos);
}

TEST_CASE("experiment: tables and lists of the wrong type are refused") {
  std::string text = whole();
  change(text, "[training]", "[unused]");
  const std::string faults =
      faults_of("training = 3\n" + text.substr(0, text.find("[[metrics]]")) + "[[metrics]]\nplugin = 3\n");
  CHECK(faults.find("'training' is a whole number; it must be a table") != std::string::npos);
  CHECK(faults.find("unknown table [unused]") != std::string::npos);
  CHECK(faults.find("'metrics[0].plugin' is a whole number; it must be a text") != std::string::npos);
  CHECK(faults_of("metrics = [1]").find("it must be a table") != std::string::npos);
  CHECK(faults_of("metrics = \"overlap\"").find("'metrics' is a text ('overlap'); it must be a list of tables") !=
        std::string::npos);
}

TEST_CASE("experiment: two metrics of one plugin need names of their own") {
  const std::string again = whole() + "\n[[metrics]]\nplugin = \"overlap\"\n";
  CHECK(faults_of(again).find("two metrics are called 'overlap'") != std::string::npos);
  CHECK(faults_of(again + "as = \"overlap\"\n").find("two metrics are called 'overlap'") != std::string::npos);
  CHECK(faults_of(again + "as = \"a.b\"\n").find("the metric's name 'a.b'") != std::string::npos);
  const Experiment named =
      read_experiment(cell2text::parse_toml(again + "as = \"once-more\"\n", "named.toml"), test::built_plugins());
  CHECK(named.metrics.back().name() == "once-more");
  CHECK(named.metrics.back().plugin.name == "overlap");
}

TEST_CASE("run folder: it is made once, and holds the resolved experiment") {
  const test::TemporaryFolder folder;
  const cell2text::Log silent;
  const Experiment experiment = read_experiment(test::demo_toml(test::tiny_experiment), test::built_plugins());
  std::optional<RunFolder> run(RunFolder::open(folder / "runs/one", false));
  run->describe(experiment, {{"device", "cpu"}}, silent);
  CHECK(write_toml(read_experiment(cell2text::read_toml(run->experiment()), test::built_plugins()).resolved()) ==
        write_toml(experiment.resolved()));
  const auto environment = cell2text::read_json(run->environment());
  CHECK(environment["device"].get<std::string>() == "cpu");
  CHECK(environment["cell2text"].get<std::string>() == cell2text::version);

  CHECK_THROWS_WITH_AS(RunFolder::open(folder / "runs/one", false), doctest::Contains("already holds a run"),
                       InputError);
  CHECK_THROWS_WITH_AS(RunFolder::open(folder / "runs/one", true), doctest::Contains("another process is working on"),
                       InputError);
  run.reset();
  CHECK_NOTHROW(RunFolder::open(folder / "runs/one", true));
  CHECK_THROWS_WITH_AS(RunFolder::open(folder / "runs", false), doctest::Contains("is not empty and holds no run"),
                       InputError);
  test::write_file(folder / "file", "");
  CHECK_THROWS_WITH_AS(RunFolder::open(folder / "file/run", false), doctest::Contains("cannot be made"),
                       EnvironmentError);
}

TEST_CASE("run folder: another experiment or other cells are not gone on with") {
  const test::TemporaryFolder folder;
  std::vector<std::string> warnings;
  const cell2text::Log log{[](void* self, cell2text::Log::Level, const char* text) {
                             static_cast<std::vector<std::string>*>(self)->emplace_back(text);
                           },
                           &warnings};
  Experiment experiment = read_experiment(test::demo_toml(test::tiny_experiment), test::built_plugins());
  const nlohmann::ordered_json facts{{"data", {{"sha256", "ab"}}}, {"cells", {{"train", 5}}}, {"threads", 2}};
  const RunFolder run = RunFolder::open(folder / "one", true);
  run.describe(experiment, facts, log);
  const std::string before = test::read_file(run.environment());
  run.describe(experiment, facts, log);
  CHECK(warnings.empty());
  experiment.encoder_role.cache = "disk", experiment.encoder_role.cache_folder = "x";  // changes no result
  run.describe(experiment, facts, log);
  CHECK(warnings.empty());

  nlohmann::ordered_json other = facts;
  other["threads"] = 3;
  run.describe(experiment, other, log);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("'threads' was 2 and is now 3") != std::string::npos);
  other["cells"]["train"] = 6;
  CHECK_THROWS_WITH_AS(run.describe(experiment, other, log), doctest::Contains("the cells have changed since"),
                       InputError);
  experiment.training.learning_rate = 0.125, experiment.general.seed = 99;
  CHECK_THROWS_WITH_AS(run.describe(experiment, facts, log),
                       doctest::Contains("is another experiment: 'seed', 'training.learning_rate' differ"), InputError);
  CHECK(test::read_file(run.environment()) == before);
}

TEST_CASE("run folder: other metrics and baselines are gone on with, since the model depends on neither") {
  const test::TemporaryFolder folder;
  std::vector<std::string> told;
  const cell2text::Log log{[](void* self, cell2text::Log::Level, const char* text) {
                             static_cast<std::vector<std::string>*>(self)->emplace_back(text);
                           },
                           &told};
  const auto with = [](const std::string& more) {
    return read_experiment(test::demo_toml(test::tiny_experiment + more), test::built_plugins());
  };
  const std::string nearest = "[[baselines]]\nplugin = \"nearest\"\n";
  const Experiment first = with(nearest), other_baseline = with(nearest + "embedding = \"mean\"\n"), without = with(""),
                   other_metric = with(nearest + "[[metrics]]\nplugin = \"overlap\"\n");
  const RunFolder run = RunFolder::open(folder / "one", true);
  run.describe(first, {}, log);
  CHECK_FALSE(run.finished(first));
  for (const Experiment* other : {&other_baseline, &without, &other_metric}) {
    run.describe(first, {}, log);
    test::write_file(run.report(), "a report");
    told.clear();
    CHECK(run.finished(first));
    CHECK_FALSE(run.finished(*other));
    run.describe(first, {}, log);
    CHECK(std::filesystem::exists(run.report()));
    CHECK(told.empty());
    run.describe(*other, {}, log);
    CHECK(test::read_file(run.experiment()) == write_toml(other->resolved()));
    CHECK_FALSE(std::filesystem::exists(run.report()));  // it was of others
    REQUIRE(told.size() == 1);
    CHECK(told[0] == "metrics or baselines are others than before: the model stays, and what has changed is done anew");
  }
  Experiment another = with("");
  another.training.learning_rate = 0.125;
  const std::string before = test::read_file(run.experiment());
  CHECK_THROWS_WITH_AS(run.describe(another, {}, log),
                       doctest::Contains("is another experiment: 'training.learning_rate' differs"), InputError);
  CHECK(test::read_file(run.experiment()) == before);
}

TEST_CASE("run log: a line per step and epoch; going on drops what comes after the checkpoint") {
  const test::TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  const auto step = [](std::int64_t number) {
    return cell2text::StepReport{.step = number, .total_steps = 4, .epoch = (number + 1) / 2, .loss = 2.5};
  };
  const auto epoch = [](std::int64_t number) {
    return cell2text::EpochReport{
        .epoch = number, .epochs = 2, .training_loss = 2.5, .validation_loss = 2.25, .best = true};
  };
  {
    cell2text::RunLog log(path, {});
    log.step(step(1)), log.step(step(2)), log.epoch(epoch(1), 2), log.step(step(3)), log.step(step(4));
    log.epoch(epoch(2), 4);
  }
  const std::string whole = test::read_file(path);
  CHECK(nlohmann::json::parse(whole.substr(0, whole.find('\n')))["loss"].get<double>() == 2.5);
  test::write_file(path, whole + "{\"step\": 5, \"ep");
  cell2text::TrainingState state;
  const auto after = [&](std::int64_t steps, std::int64_t epochs) {
    state.step = steps, state.epoch = epochs;
    cell2text::RunLog log(path, state);
    return test::read_file(path);
  };
  CHECK(after(4, 2) == whole);
  const std::string last_step = after(4, 1);  // stopped in the validation: the epoch is closed again
  CHECK(std::ranges::count(last_step, '\n') == 5);
  const std::string before_epoch = after(2, 0);
  CHECK(std::ranges::count(before_epoch, '\n') == 2);
  CHECK(whole.starts_with(before_epoch));
  CHECK(after(0, 0).empty());
  CHECK_THROWS_AS(cell2text::RunLog(folder / "nowhere/log.jsonl", {}).step({}), EnvironmentError);
}
