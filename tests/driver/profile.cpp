// --profile FILE.
#include <nlohmann/json.hpp>
#include <set>

#include "driver/command.hpp"

using namespace cell2text::test;

TEST_CASE("profile: a run leaves a trace that parses, with operations of training and generation") {
  const TemporaryFolder folder;
  const auto trace = folder / "trace.json";
  const Outcome outcome = command(
      "run examples/quickstart.toml --out '" + (folder / "run").string() + "' --profile '" + trace.string() +
      "' --set training.max_steps=1 --set encoder.architecture.layers=1 --set decoder.architecture.layers=1"
      " --set encoder.max_tokens=34 --set prompt.max_genes=32 --set split.train=0.05 --set split.validation=0.93"
      " --set split.test=0.02 --set generation.max_new_tokens=4 --set training.keep=last --set 'baselines=[]'");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, trace.string()));
  const auto json = nlohmann::json::parse(read_file(trace));
  std::set<std::string> names;
  for (const auto& event : json.at("traceEvents"))
    if (event.contains("dur")) names.insert(event.at("name").get<std::string>());
  for (const char* name : {"aten::mm", "aten::scaled_dot_product_attention", "MmBackward0", "aten::_fused_adamw_"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("profile: a file that cannot be written is refused before the work") {
  const Outcome outcome = command("run examples/quickstart.toml --out /nonexistent/run --profile /nonexistent/t.json");
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "--profile /nonexistent/t.json"));
}
