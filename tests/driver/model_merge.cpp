// LoRA by the command: a run, its model folder, and the merged one.
#include "driver/tiny_model.hpp"

namespace test = cell2text::test;
using test::check_refused;
using test::command;
using test::contains;
using test::Outcome;
using test::quoted;

TEST_CASE("lora: a run leaves a PEFT folder beside its random base, and merging a plain decoder") {
  const test::TemporaryFolder folder;
  const Outcome made = command("run examples/quickstart.toml --out " + quoted(folder / "run") + test::tiny_settings() +
                               " --set finetuning.plugin=lora --set finetuning.rank=4 --set finetuning.alpha=8"
                               " --set training.learning_rate=0.05 --set encoder.architecture.layers=1"
                               " --set decoder.architecture.layers=1");
  INFO(made.err);
  REQUIRE(made.status == 0);
  const auto model = folder / "run/model", merged = folder / "merged";
  CHECK(std::filesystem::exists(model / "lora/adapter_config.json"));
  CHECK(std::filesystem::exists(model / "decoder/config.json"));
  const Outcome merging = command("model merge " + quoted(model) + " -o " + quoted(merged));
  INFO(merging.err);
  REQUIRE(merging.status == 0);
  CHECK_FALSE(std::filesystem::exists(merged / "lora"));
  CHECK(contains(command("model info " + quoted(merged)).out, "merged from  lora"));
  const auto weights = [](const std::filesystem::path& at) {
    return test::read_file(at / "decoder/model.safetensors");
  };
  CHECK(weights(model) != weights(merged));

  check_refused(command("model merge " + quoted(model) + " -o " + quoted(merged)), {"exists already"});
  check_refused(command("model merge " + quoted(merged) + " -o " + quoted(folder / "more")), {"plain already"});
  check_refused(command("model merge " + quoted(folder.path()) + " -o " + quoted(folder / "more")),
                {"no cell2text.json in it"});
  check_refused(command("run examples/quickstart.toml --out " + quoted(folder / "bad") + test::tiny_settings() +
                        " --set finetuning.plugin=lora --set 'finetuning.target_modules=[\"q_porj\"]'"),
                {"'q_porj' matches no linear layer of the decoder", "q_proj"});
}
