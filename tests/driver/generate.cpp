// cell2text generate: a decoder alone, by the built command.
#include <csignal>
#include <nlohmann/json.hpp>

#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// A small random decoder with what transformers generates by it; made once.
struct Reference {
  std::uint64_t seed = test::seed();
  TemporaryFolder folder = oracle("generation.py", seed);
  std::filesystem::path model = folder / "model";
  nlohmann::json expected = read_json(folder / "cases.json");

  static const Reference& get() {
    static const Reference made;
    return made;
  }
};

Outcome generate(const std::filesystem::path& decoder, const std::string& prompt, const std::string& more,
                 const std::string& environment = "") {
  return command("generate --threads 1 --decoder " + quoted(decoder) + " --prompt '" + prompt + "' " + more,
                 environment);
}

/// The flags of a case's settings: some as flags, some by --set.
std::string flags(const nlohmann::json& settings) {
  std::string all = " --max-new-tokens " + settings["max_new_tokens"].dump() + " --beams " + settings["beams"].dump();
  for (const char* key : {"early_stopping", "length_penalty", "repetition_penalty", "no_repeat_ngram_size"})
    all += " --set 'generation." + std::string(key) + "=" + settings[key].dump() + "'";
  if (settings.contains("stop")) all += " --stop '" + settings["stop"][0].get<std::string>() + "'";
  return all;
}

std::filesystem::path copy_of(const std::filesystem::path& model, const TemporaryFolder& folder) {
  std::filesystem::copy(model, folder / "model", std::filesystem::copy_options::recursive);
  return folder / "model";
}

void change_config(const std::filesystem::path& model, const std::string& key, const nlohmann::json& value) {
  auto config = read_json(model / "config.json");
  config[key] = value;
  write_file(model / "config.json", config.dump());
}

}  // namespace

TEST_CASE("oracle: generate --raw gives transformers' tokens, logits and log probabilities") {
  const Reference& reference = Reference::get();
  INFO("CELL2TEXT_TEST_SEED=" << reference.seed);
  const TensorFiles tensors = TensorFiles::open(reference.folder / "expected.safetensors");
  int excused = 0;
  const auto& cases = reference.expected["cases"];
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& one = cases[i];
    CAPTURE(one.dump());
    const auto logits = reference.folder / ("found." + std::to_string(i) + ".safetensors");
    const std::string prompt = one["prompt"];
    const Outcome outcome =
        generate(reference.model, prompt, "--raw --json --logits " + quoted(logits) + flags(one["settings"]));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const auto found = nlohmann::json::parse(outcome.out);
    const TensorFiles written = TensorFiles::open(logits);
    const auto ids = tensors.tensor("input_ids." + std::to_string(i));
    CHECK(written.tensor("input_ids").equal(ids));
    CHECK((written.tensor("logits").scalar_type() == torch::kFloat32));
    CHECK((written.tensor("logits") - tensors.tensor("logits." + std::to_string(i))).abs().max().item<float>() < 1e-4);
    CHECK(found["prompt_tokens"].size() == static_cast<std::size_t>(ids.size(0)));
    if (one["gap"].get<double>() < 1e-4) {
      ++excused;
      continue;
    }
    INFO(found.dump());
    REQUIRE((found["tokens"] == one["tokens"]));
    const bool stopped = found["ended"] == "stop text";
    if (!stopped) CHECK((found["text"] == one["text"]));
    if (stopped) CHECK(one["text"].get<std::string>().starts_with(found["text"].get<std::string>()));
    double sum = 0;
    for (std::size_t t = 0; t < found["tokens"].size(); ++t) {
      CHECK(found["token_log_probabilities"][t].get<double>() ==
            doctest::Approx(one["log_probabilities"][t].get<double>()).epsilon(1e-4));
      sum += one["log_probabilities"][t].get<double>();
    }
    CHECK(found["log_probability"].get<double>() == doctest::Approx(sum).epsilon(1e-4));
  }
  CHECK(excused <= 1);
}

TEST_CASE("generate: the text is streamed as it is in JSON, and drawn texts depend on the seed") {
  const Reference& reference = Reference::get();
  INFO("CELL2TEXT_TEST_SEED=" << reference.seed);
  const auto text = [&](const std::string& more) {
    const Outcome plain = generate(reference.model, "a cell", more),
                  json = generate(reference.model, "a cell", more + " --json");
    INFO(plain.err << json.err);
    REQUIRE(plain.status == 0);
    REQUIRE(json.status == 0);
    const std::string whole = nlohmann::json::parse(json.out)["text"];
    CHECK(plain.out == whole + "\n");
    CHECK(contains(plain.err, "tokens/s"));
    CHECK_FALSE(contains(json.err, "tokens/s"));
    return whole;
  };
  const std::string drawn = "--temperature 1 --top-k 50 --top-p 0.99 --min-p 0.001 --max-new-tokens 30 --seed ";
  const std::string one = text(drawn + "1");
  CHECK(one == text(drawn + "1"));
  CHECK(one != text(drawn + "2"));
  text("--max-new-tokens 12");
  text("--max-new-tokens 12 --beams 3");
  if (one.size() > 4 && one.find('\'') == std::string::npos &&
      std::ranges::all_of(one, [](char c) { return c >= ' '; }))
    CHECK(text(drawn + "1 --stop '" + one.substr(2, 2) + "'") == one.substr(0, one.find(one.substr(2, 2))));
}

TEST_CASE("generate: a special token ends the text where its name is a stop text") {
  const Reference& reference = Reference::get();
  INFO("CELL2TEXT_TEST_SEED=" << reference.seed);
  const std::string drawn = "--raw --json --temperature 50 --max-new-tokens 4000 --seed 3";  // nearly even
  const TemporaryFolder folder;
  const auto model = copy_of(reference.model, folder);
  change_config(model, "eos_token_id", 4);
  std::filesystem::remove(model / "generation_config.json");
  const Outcome outcome = generate(model, "a cell", drawn + " --stop '<|end_header_id|>'");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto found = nlohmann::json::parse(outcome.out);
  CHECK((found["ended"] == "end token"));
  const std::int64_t last = found["tokens"].back();
  CHECK((last == 3 || last == 4));
  CHECK(std::ranges::count(found["tokens"].get<std::vector<std::int64_t>>(), 3) == (last == 3));
}

TEST_CASE("generate: chat template, system text and own pieces reach the decoder") {
  const Reference& reference = Reference::get();
  const auto prompt = [&](const std::string& more) {
    const Outcome outcome = generate(reference.model, " a cell ", more + " --json --max-new-tokens 1");
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return nlohmann::json::parse(outcome.out)["prompt_tokens"].get<std::vector<std::int64_t>>();
  };
  const auto chat = prompt(""), with_system = prompt("--system 'few genes'"), raw = prompt("--raw");
  CHECK(chat.front() == 0);
  CHECK(with_system.size() > chat.size());
  CHECK(std::ranges::count(chat, 4) == 2);  // the turns' ends
  CHECK(raw.size() < chat.size());
  const auto own = prompt("--set 'prompt.before=<|begin_of_text|>' --set 'prompt.after=<|eot_id|>'");
  CHECK(own.front() == 0);
  CHECK(own.back() == 4);
  CHECK(own.size() == raw.size() + 1);
}

TEST_CASE("generate: a model folder of the program, or the decoder in it") {
  const auto model = tiny_model();
  const std::string flags = "--max-new-tokens 3 --json";
  const Outcome whole = generate(model, "The sample", flags), part = generate(model / "decoder", "The sample", flags);
  INFO(whole.err << part.err);
  REQUIRE(whole.status == 0);
  CHECK(whole.out == part.out);
  const TemporaryFolder folder;
  const auto copy = copy_of(model, folder);
  std::filesystem::remove_all(copy / "decoder");
  check_refused(generate(copy, "x", ""), {"not part of the model folder"});
}

TEST_CASE("generate: what cannot be done is refused with the reason") {
  const Reference& reference = Reference::get();
  const TemporaryFolder folder;
  check_refused(generate(folder / "nowhere", "x", ""), {"nowhere", "does not exist"});
  check_refused(generate(folder.path(), "x", ""), {"config.json does not exist"});
  write_file(folder / "adapter_config.json", "{}");
  check_refused(generate(folder.path(), "x", ""), {"LoRA adapter", "merge"});
  check_refused(generate(folder / "adapter_config.json", "x", ""), {"not a folder"});
  const auto model = copy_of(reference.model, folder);
  change_config(model, "model_type", "mamba");
  check_refused(generate(model, "x", ""), {"model_type 'mamba'", "llama", "--plugin"});
  check_refused(generate(model, "x", "--plugin lama"), {"no decoder is called 'lama'", "did you mean 'llama'"});
  change_config(model, "model_type", 7);
  check_refused(generate(model, "x", ""), {"model_type"});
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts, const char* prompt = "x") {
    check_refused(generate(reference.model, prompt, more), parts);
  };
  refused("--beams 0", {"--beams", "between 1 and 1024"});
  refused("--top-k 5", {"temperature"});
  refused("--beams 2 --temperature 1", {"beams = 1"});
  refused("--set generation.beam=2", {"did you mean 'beams'"});
  refused("--set training.epochs=2", {"no table 'training'"});
  refused("--set generation=2", {"generation"});
  refused("--set decoder=2", {"decoder"});
  refused("--set decoder.tokeniser=x", {"did you mean 'tokenizer'"});
  refused("--logits " + quoted(folder / "no/such/folder.safetensors"), {"folder.safetensors"});
  refused("--set prompt.before=", {"no tokens"}, "");
}

TEST_CASE("generate: Ctrl-C ends it between two tokens, with a sentence") {
  const Reference& reference = Reference::get();
  const TemporaryFolder folder;
  // The ends are taken away, so that it would go on for long.
  const auto model = copy_of(reference.model, folder);
  change_config(model, "eos_token_id", 4);
  std::filesystem::remove(model / "generation_config.json");
  std::string output;
  const int status = run_command("cd " + quoted(folder.path()) + " && { " + quoted(build_dir() / "bin/cell2text") +
                                     " generate --threads 1 --decoder " + quoted(model) +
                                     " --prompt x --temperature 5 --max-new-tokens 1000000 > out.txt & child=$!; " +
                                     "while ! [ -s out.txt ]; do sleep 0.05; done; kill -TERM $child; wait $child; }",
                                 output);
  CHECK(status == 1);
  CHECK(contains(output, "interrupted after "));
  CHECK(contains(output, "tokens"));
}

TEST_CASE("generate: help teaches by examples") {
  const Outcome help = command("generate --help");
  CHECK(help.status == 0);
  for (const char* part : {"--raw", "--logits", "Examples:", "--temperature", "before temperature"})
    CHECK(contains(help.out, part));
  CHECK(command("generate").status == 2);
}

TEST_CASE("describe: generation can be set, and what was drawn for a cell does not depend on the others") {
  const TemporaryFolder folder;
  const auto texts = [&](const std::string& more) {
    const auto out = folder / "out.jsonl";
    std::filesystem::remove(out);
    const Outcome outcome = describe(source_dir() / "data/demo/pbmc.h5ad", out, more);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    std::istringstream lines(read_file(out));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line)["description"]);
    return found;
  };
  const std::string drawn = "--set generation.temperature=1 --set generation.max_new_tokens=4 --set generation.seed=";
  const auto one = texts(drawn + "1 --batch-size 3");
  CHECK(one.size() == 700);
  CHECK(one == texts(drawn + "1 --batch-size 50"));
  CHECK(one != texts(drawn + "2 --batch-size 50"));
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    check_refused(describe(source_dir() / "data/demo/pbmc.h5ad", folder / "no.jsonl", more), parts);
  };
  refused("--set training.epochs=1", {"generation alone"});
  check_refused(command("describe data/demo/pbmc.h5ad --model " + quoted(tiny_model()) + " -o " +
                        quoted(folder / "no.jsonl") + " --set generation.temperature=1 --beams 2"),
                {"beams = 1"});
  refused("--set generation.top_k=4", {"temperature"});
}
