// Plugins in use: built, asked, failing, freed; what crosses the boundary and what must not.
#include <array>
#include <deque>

#include "core/plugin/libraries.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// What plugins wrote to the log, in order.
struct Lines {
  std::deque<std::string> lines;
  Log log() {
    return {[](void* self, Log::Level, const char* text) { static_cast<Lines*>(self)->lines.emplace_back(text); },
            this};
  }
};

LoadedPlugin load(const std::string& name) {
  return load_plugin_file(*read_plugin_file(test_library(name)));
}

double value_of(const Scores& scores, const std::string& name) {
  for (const Score& score : scores.scores)
    if (score.name == name) return score.value.value();
  FAIL("no score " << name);
  return 0;
}

const std::vector<Prediction> predictions{{"c1", "", "abba", 0, {}}, {"c2", "", "bbbb", 0, {}}};

/// A metric that is linked in and tells when it goes.
struct Watched {
  struct Settings {
    static void describe(auto&) {}
  };
  Log log;
  Watched(const Settings&, const Context& context) : log(context.log) {}
  ~Watched() { log.info("object"); }
  Scores score(std::span<const Prediction>, const KnownLabels&) const { return {}; }
};

/// A baseline that is linked in and answers for as many cells as it is told to.
struct Answering {
  struct Settings {
    std::int64_t labels = 0, pathways = 0, texts = 0, copied = 0;
    static void describe(auto& s) {
      s.field("labels", &Settings::labels, {.help = "cells"});
      s.field("pathways", &Settings::pathways, {.help = "cells"});
      s.field("texts", &Settings::texts, {.help = "cells"});
      s.field("copied", &Settings::copied, {.help = "cells"});
    }
  };
  Settings settings;
  Answering(const Settings& settings, const Context&) : settings(settings) {}
  BaselineNeeds needs() const { return {}; }
  void fit(const BaselineCells&, const BaselineCells&) {}
  BaselineAnswers predict(const BaselineCells&) const {
    const auto column = [](std::int64_t size) {
      return LabelColumn{"sex", {"male"}, std::vector<std::int32_t>(static_cast<std::size_t>(size), 0)};
    };
    return {.labels = {column(settings.labels)},
            .pathways = {column(settings.pathways)},
            .texts = std::vector<std::string>(static_cast<std::size_t>(settings.texts), "x"),
            .copied = std::vector<std::int64_t>(static_cast<std::size_t>(settings.copied), 0)};
  }
  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}
};

/// One that asks whether to leave off.
struct Asking : Answering {
  using Answering::Answering;
  void fit(const BaselineCells&, const BaselineCells&, const StopQuestion& stop) { stop(); }
};

}  // namespace

TEST_CASE("loaded plugin: a metric is loaded, described, scores and is freed") {
  Lines lines;
  const Context context{.log = lines.log()};
  {
    const LoadedPlugin plugin = load("letters");
    CHECK(std::string(plugin.descriptor->help) == "Share of a letter.");
    std::vector<FieldInfo> fields;
    CHECK(!plugin.descriptor->schema(fields));
    REQUIRE(fields.size() == 2);
    CHECK(fields[0].name == "letter");
    CHECK(fields[1].about.choices.size() == 7);

    const MetricHandle metric(plugin.build<kinds::metric>(table_of({{"letter", "b"}}), {&context, nullptr, {}}));
    const Scores scores = metric.score(predictions, {});
    CHECK(value_of(scores, "share") == doctest::Approx(0.75));
    CHECK(scores.scores[0].per_cell == std::vector<float>{0.5f, 1});
    CHECK(lines.lines == std::deque<std::string>{"letters: built"});
  }
  CHECK(lines.lines == std::deque<std::string>{"letters: built", "letters: gone"});
}

TEST_CASE("loaded plugin: settings are checked by the plugin, with all faults and all defaults") {
  const LoadedPlugin plugin = load("letters");
  SettingsFaults faults;
  Value resolved;
  CHECK(!plugin.descriptor->check(table_of({{"fail", "nevr"}, {"leter", "x"}}), "metrics[0].", faults, resolved));
  REQUIRE(faults.list.size() == 3);
  CHECK(has(faults.text(), "'metrics[0].letter' is missing: what is counted"));
  CHECK(has(faults.text(), "did you mean 'never'?"));
  CHECK(has(faults.text(), "unknown key 'metrics[0].leter'; did you mean 'letter'?"));
  SettingsFaults none;
  CHECK(!plugin.descriptor->check(table_of({{"letter", "x"}}), "", none, resolved));
  CHECK(none.list.empty());
  CHECK(*resolved.find("fail")->get_if<std::string>() == "never");
  const Context context;
  CHECK(has(message_of<InputError>([&] {
              plugin.build<kinds::metric>(Value{}, {&context, nullptr, {}});
            }),
            "'letter' is missing"));
}

TEST_CASE("loaded plugin: a failing constructor reaches the host as the host's own kind of error") {
  Lines lines;
  const Context context{.log = lines.log()};
  const LoadedPlugin plugin = load("letters");
  const auto build = [&](const char* how) {
    plugin.build<kinds::metric>(table_of({{"letter", "b"}, {"fail", how}}), {&context, nullptr, {}});
  };
  CHECK(message_of<InputError>([&] { build("input"); }) == "letters: an input error");
  CHECK(message_of<EnvironmentError>([&] { build("runtime"); }) == "letters: a runtime error");
  CHECK(message_of<EnvironmentError>([&] { build("environment"); }) == "letters: an environment error");
  CHECK(message_of<BugError>([&] { build("logic"); }) == "letters: a logic error");
  CHECK(message_of<BugError>([&] { build("bug"); }) == "letters: a bug");
  CHECK(message_of<BugError>([&] { build("number"); }) == "an exception of an unknown type");
  CHECK(lines.lines.empty());
}

TEST_CASE("loaded plugin: an error in a call is thrown anew on the host's side, and the object stays usable") {
  const Context context;
  const MetricHandle metric(load("letters").build<kinds::metric>(table_of({{"letter", "a"}}), {&context, nullptr, {}}));
  CHECK(message_of<InputError>([&] {
          metric.score(std::vector<Prediction>(1, {"c9", "", "", 0, {}}), {});
        }) == "letters: the text of 'c9' is empty");
  CHECK(value_of(metric.score(predictions, {}), "share") == doctest::Approx(0.25));
}

TEST_CASE("loaded plugins: types and statics of the same name in two libraries stay apart") {
  const Context context;
  const LoadedPlugin letters = load("letters"), twin = load("twin");
  std::vector<FieldInfo> of_letters, of_twin;
  CHECK(!letters.descriptor->schema(of_letters));
  CHECK(!twin.descriptor->schema(of_twin));
  CHECK(of_letters[0].name == "letter");
  REQUIRE(of_twin.size() == 1);
  CHECK(of_twin[0].name == "base");

  const MetricHandle one(letters.build<kinds::metric>(table_of({{"letter", "a"}}), {&context, nullptr, {}}));
  const MetricHandle two(twin.build<kinds::metric>(Value{}, {&context, nullptr, {}}));
  const double before = value_of(one.score(predictions, {}), "built");
  CHECK(before < 1000);
  CHECK(value_of(two.score(predictions, {}), "base") == 7);
  const double of_second = value_of(two.score(predictions, {}), "built");
  CHECK(of_second > 1000);
  const MetricHandle third(twin.build<kinds::metric>(Value{}, {&context, nullptr, {}}));
  CHECK(value_of(two.score(predictions, {}), "built") == of_second + 1);
  CHECK(value_of(one.score(predictions, {}), "built") == before);
}

TEST_CASE("baseline handle: answers for other cells than those asked for are a plugin's bug") {
  const Context context;
  const auto answering = [&](std::int64_t labels, std::int64_t pathways, std::int64_t texts, std::int64_t copied) {
    Value table;
    for (const auto& [key, size] :
         {std::pair{"labels", labels}, {"pathways", pathways}, {"texts", texts}, {"copied", copied}})
      table.set(key, Value{size, {}});
    return BaselineHandle(Held<kinds::baseline>(nullptr, descriptor_of<kinds::baseline, Answering>("answering", ""),
                                                table, {&context, nullptr, {}}))
        .predict({3, {}, {}});
  };
  CHECK(answering(3, 3, 0, 0).labels[0].size() == 3);
  CHECK(answering(3, 3, 3, 3).texts.size() == 3);
  for (const auto& [labels, pathways, texts, copied] :
       {std::array{2, 3, 0, 0}, {3, 4, 0, 0}, {3, 3, 1, 0}, {3, 3, 0, 4}, {0, 3, 0, 0}})
    CHECK(has(message_of<BugError>([&] { answering(labels, pathways, texts, copied); }),
              "a baseline's answers are not for 3 cells"));
}

TEST_CASE("baseline handle: a fit that can be interrupted is given the question, another one need not take it") {
  const Context context;
  bool asked = false;
  const StopQuestion stop = [&] { return asked = true; };
  const auto fit = [&](const PluginDescriptor& descriptor) {
    asked = false;
    BaselineHandle(Held<kinds::baseline>(nullptr, descriptor, Value{}, {&context, nullptr, {}})).fit({}, {}, stop);
    return asked;
  };
  CHECK(fit(descriptor_of<kinds::baseline, Asking>("asking", "")));
  CHECK_FALSE(fit(descriptor_of<kinds::baseline, Answering>("answering", "")));
}

TEST_CASE("held: the object goes before the library, at the end and when another is moved in") {
  Lines lines;
  const Context context{.log = lines.log()};
  const auto descriptor = descriptor_of<kinds::metric, Watched>("watched", "");
  const auto held = [&](const char* library) {
    const LibraryHold hold(&lines, [library](void* to) { static_cast<Lines*>(to)->lines.emplace_back(library); });
    return Held<kinds::metric>(hold, descriptor, Value{}, {&context, nullptr, {}});
  };
  {
    Held<kinds::metric> first = held("library 1");
    CHECK(first);
    CHECK(lines.lines.empty());
    first = held("library 2");
    CHECK(lines.lines == std::deque<std::string>{"object", "library 1"});
    const Held<kinds::metric> taken = std::move(first);
    CHECK(!first);
    CHECK(taken);
    CHECK(lines.lines.size() == 2);
  }
  CHECK(lines.lines == std::deque<std::string>{"object", "library 1", "object", "library 2"});
}

TEST_CASE("loaded plugin: parameters whose memory a plugin frees may outlast it") {
  Lines lines;
  const Context base{.log = lines.log()};
  Parameters parameters(torch::kCPU, torch::kFloat32, 1);
  {
    ModelContext context(base, parameters, torch::kCPU);
    const FineTuningHandle keeper(load("keeper").build<kinds::finetuning>(Value{}, {&base, &context, {}}));
    CHECK(!keeper.changes_base());
    CHECK(has(message_of<BugError>([&] { keeper.save("there"); }), "keeper: there"));
    CHECK(has(message_of<EnvironmentError>([&] { keeper.load("there"); }), "out of memory"));
  }
  REQUIRE(parameters.list().size() == 1);
  CHECK(parameters.list()[0].value.sum().item<float>() == 10);
  CHECK(lines.lines.empty());
  parameters.list()[0].value = Tensor();
  CHECK(lines.lines == std::deque<std::string>{"freed"});
}
