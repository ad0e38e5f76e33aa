// The command line: help, exit codes, and what each small subcommand prints.
#include "driver/command.hpp"

#include <elf.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "cell2text/io/elf_section.hpp"

using namespace cell2text::test;

TEST_CASE("command: every subcommand explains itself") {
  for (const char* subcommand : {"",
                                 "run",
                                 "grid",
                                 "describe",
                                 "calibrate",
                                 "explain",
                                 "embed",
                                 "generate",
                                 "doctor",
                                 "evaluate",
                                 "report",
                                 "schema",
                                 "plugins list",
                                 "plugins info",
                                 "plugins check",
                                 "plugins new",
                                 "model info",
                                 "model merge",
                                 "ontology similarity",
                                 "ontology map",
                                 "dataset build",
                                 "dataset stats"}) {
    CAPTURE(subcommand);
    const Outcome outcome = command(std::string(subcommand) + " --help");
    CHECK(outcome.status == 0);
    CHECK(contains(outcome.out, "Usage: "));
    CHECK(outcome.err.empty());
  }
}

TEST_CASE("command: help, the version and what needs no tensor start without LibTorch") {
  const auto loads = [](const std::string& arguments) {
    const Outcome outcome = command(arguments, "LD_DEBUG=libs");  // the loader tells of each library on stderr
    CHECK(outcome.status == 0);
    REQUIRE(contains(outcome.err, "libstdc++"));
    return contains(outcome.err, "libtorch");
  };
  for (const char* arguments :
       {"--help", "--version", "ontology --help",
        "ontology similarity --obo data/demo/cl.obo --from 'T cell' --to 'B cell' --tolerance networkx"}) {
    CAPTURE(arguments);
    CHECK_FALSE(loads(arguments));
  }
  CHECK(loads("schema --help"));  // so that the question can be answered with yes
}

TEST_CASE("command: the library of its other commands shows one function, so that plugins keep to their own symbols") {
  const auto path = build_dir() / "lib/cell2text/libcell2text_tensor_commands.so";
  const auto symbols = cell2text::read_elf_section(path, ".dynsym"),
             texts = cell2text::read_elf_section(path, ".dynstr");
  REQUIRE((symbols && texts));
  std::vector<std::string> shown;
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols->size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols->data() + at, sizeof symbol);
    if (symbol.st_shndx != SHN_UNDEF) shown.emplace_back(reinterpret_cast<const char*>(texts->data()) + symbol.st_name);
  }
  CHECK((shown == std::vector<std::string>{"cell2text_run_tensor_command"}));
}

TEST_CASE("command: without the library of its other commands the program says what is missing") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "bin");
  std::filesystem::copy_file(build_dir() / "bin/cell2text", folder / "bin/cell2text");
  const auto run_alone = [&](const std::string& arguments, std::string& out) {
    return run_command(quoted(folder / "bin/cell2text") + " " + arguments + " 2>&1", out);
  };
  std::string out;
  CHECK(run_alone("schema", out) == 1);
  CHECK(contains(out, (folder / "lib/cell2text/libcell2text_tensor_commands.so").string()));
  CHECK(contains(out, "No such file"));
  CHECK(contains(out, "lib/cell2text/torch"));
  out.clear();
  CHECK(run_alone("--help", out) == 0);
  std::filesystem::create_directories(folder / "lib/cell2text");
  std::filesystem::copy_file(build_dir() / "tests/core/plugin/libraries/libtest_plugin_stranger.so",
                             folder / "lib/cell2text/libcell2text_tensor_commands.so");
  out.clear();
  CHECK(run_alone("schema", out) == 1);
  CHECK(contains(out, "another version's"));
}

TEST_CASE("command: wrong usage is status 2 and one sentence on stderr") {
  for (const char* arguments : {"", "dance", "run", "run --fly x.toml", "describe x.h5ad", "plugins",
                                "describe a --model b -o c.h5ad --beams 0"}) {
    CAPTURE(arguments);
    const Outcome outcome = command(arguments);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK_FALSE(outcome.err.empty());
  }
}

TEST_CASE("command: one that does not exist is named, with the one that may be meant") {
  for (const auto& [typed, said] :
       {std::pair{"decsribe cells.h5ad", "there is no command 'decsribe'; did you mean 'describe'?"},
        {"frobnicate", "there is no command 'frobnicate'; known: run, grid, "}}) {
    const Outcome outcome = command(typed);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, said));
  }
}

TEST_CASE("command: the version is the project's") {
  const std::string cmake = read_file(source_dir() / "CMakeLists.txt");
  const Outcome outcome = command("--version");
  CHECK(outcome.status == 0);
  CHECK(contains(cmake, "VERSION " + outcome.out.substr(0, outcome.out.find('\n'))));
}

TEST_CASE("command: the flags of run and describe are these") {  // new settings belong in the experiment file
  auto flags = [](const std::string& help) {
    std::string all;
    for (auto at = help.find("  --"); at != std::string::npos; at = help.find("  --", at + 4)) {
      const auto end = help.find_first_of(" \n", at + 2);
      all += help.substr(at + 2, end - at - 2) + " ";
    }
    return all;
  };
  CHECK(flags(command("run --help").out) == "--set --out --resume --profile --dry-run --json --force ");
  CHECK(flags(command("describe --help").out) ==
        "--source --source-plugin --model --report --explain --cells --cluster --cluster-cells --cluster-table --seed "
        "--overwrite --force "
        "--beams --min-confidence --top --no-confidence --given --allow --ontology --ontology-only "
        "--batch-size --set --encoder --base --profile "
        "--device "
        "--threads ");
}

TEST_CASE("plugins: the list and a plugin's settings, also as JSON") {
  const Outcome list = command("plugins list --json");
  REQUIRE(list.status == 0);
  std::vector<std::string> names;
  for (const auto& plugin : nlohmann::json::parse(list.out)) {
    CHECK(plugin["usable"] == true);
    names.push_back(plugin["kind"].get<std::string>() + " " + plugin["name"].get<std::string>());
  }
  CHECK(names ==
        std::vector<std::string>{"adapter linear",    "adapter mlp",        "adapter perceiver", "adapter qformer",
                                 "baseline head",     "baseline lightgbm",  "baseline majority", "baseline nearest",
                                 "baseline template", "decoder gemma",      "decoder llama",     "encoder geneformer",
                                 "encoder none",      "encoder scgpt",      "finetuning full",   "finetuning lora",
                                 "metric bertscore",  "metric calibration", "metric labels",     "metric overlap",
                                 "metric pagerank",   "metric pathways",    "source h5ad",       "source tenx"});
  const Outcome info = command("plugins info mlp");
  CHECK(info.status == 0);
  CHECK(contains(info.out, "output_norm (text, default \"l2\", \"l2\" | \"layer\" | \"none\")"));
  const Outcome wrong = command("plugins info geneforer");
  CHECK(wrong.status == 2);
  CHECK(contains(wrong.err, "did you mean 'geneformer'?"));
  const Outcome nowhere = command("plugins info x", "CELL2TEXT_PLUGIN_PATH=/nonexistent");
  CHECK(nowhere.status == 2);
}

TEST_CASE("schema: valid JSON that knows core tables and plugins; docs/experiment.md is made from it") {
  const auto schema = nlohmann::json::parse(command("schema").out);
  CHECK(schema["properties"]["training"]["properties"]["epochs"]["default"] == 3);
  CHECK(schema["properties"]["encoder"]["anyOf"].size() == 3);
  const auto llama = nlohmann::json::parse(command("schema llama").out);
  CHECK(llama["properties"].contains("architecture"));
  CHECK(command("schema lama").status == 2);
  INFO("docs/experiment.md differs from the program; make it again: cell2text schema --markdown > docs/experiment.md");
  CHECK(command("schema --markdown").out == read_file(source_dir() / "docs/experiment.md"));
  CHECK(command("schema --dataset --markdown").out == read_file(source_dir() / "docs/dataset_file.md"));
  CHECK(nlohmann::json::parse(command("schema --dataset").out)["properties"].contains("sample"));
}

TEST_CASE("run: every fault of a file at once, with line, column and the nearest name") {
  const TemporaryFolder folder;
  std::string text = read_file(source_dir() / "examples/quickstart.toml");
  auto replace = [&](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
  };
  replace("learning_rate = 5e-4", "lerning_rate = 5e-4");
  replace("batch_size = 8", "batch_size = \"many\"");
  replace("plugin = \"geneformer\"", "plugin = \"genformer\"");
  replace("kv_heads = 2", "kv_haeds = 2");
  replace("beams = 4", "beams = 0");
  write_file(folder / "bad.toml", text);
  const Outcome outcome =
      command("run '" + (folder / "bad.toml").string() + "' --out '" + (folder / "out").string() + "'");
  CHECK(outcome.status == 2);
  for (const char* part :
       {"did you mean 'learning_rate'?", "'training.batch_size' is a text ('many'); it must be a whole number",
        "did you mean 'geneformer'?", "did you mean 'kv_heads'?", "'generation.beams' is 0", "bad.toml:"}) {
    CAPTURE(part);
    CHECK(contains(outcome.err, part));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_CASE("run: bad files and bad overrides are status 2") {
  const TemporaryFolder folder;
  write_file(folder / "broken.toml", "name = [1,\n");
  for (const std::string& arguments :
       {"run " + (folder / "broken.toml").string(), "run " + (folder / "missing.toml").string(),
        "run " + folder.path().string(), std::string("run examples/quickstart.toml --set epochs"),
        std::string("run examples/quickstart.toml --set training.epochs=many"),
        "run examples/quickstart.toml --set data.path=/nonexistent.h5ad --out " + (folder / "out").string()}) {
    CAPTURE(arguments);
    const Outcome outcome = command(arguments);
    CHECK(outcome.status == 2);
    CHECK(contains(outcome.err, "cell2text: "));
  }
}

TEST_CASE("run: a dry run prints the file with every default, which is a file again") {
  const TemporaryFolder folder;
  const Outcome first = command("run examples/quickstart.toml --dry-run --set training.epochs=1");
  REQUIRE(first.status == 0);
  CHECK(contains(first.out, "epochs = 1\n"));
  CHECK(contains(first.out, "beta_2 = 0.999"));
  write_file(folder / "resolved.toml", first.out);
  const Outcome second = command("run '" + (folder / "resolved.toml").string() + "' --dry-run");
  CHECK(second.status == 0);
  CHECK(second.out == first.out);
}

TEST_CASE("evaluate: scores of a file of predictions; bad lines are named") {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl",
             "{\"prediction\": \"This sample consists of a B cell.\", \"reference\": \"This sample consists of a B "
             "cell.\", \"cell_type\": \"B cell\"}\n"
             "{\"prediction\": \"This sample consists of a B cell.\", \"reference\": \"This sample consists of a T "
             "cell.\", \"cell_type\": \"T cell\"}\n");
  const Outcome outcome =
      command("evaluate '" + (folder / "p.jsonl").string() + "' --json -o '" + (folder / "m.json").string() + "'");
  REQUIRE(outcome.status == 0);
  const auto scores = nlohmann::json::parse(outcome.out);
  CHECK(scores["overlap"]["exact"]["value"] == 0.5);
  CHECK(scores["labels"]["cell_type.accuracy"]["value"] == 0.5);
  CHECK(nlohmann::json::parse(read_file(folder / "m.json")) == scores);
  write_file(folder / "bad.jsonl", "{\"prediction\": \"a\", \"reference\": \"b\"}\n{oops\n");
  const Outcome bad = command("evaluate '" + (folder / "bad.jsonl").string() + "'");
  CHECK(bad.status == 2);
  CHECK(contains(bad.err, "bad.jsonl:2"));
}

TEST_CASE("report, model info: a folder that is none is status 2 and says what was expected") {
  const TemporaryFolder folder;
  const Outcome report = command("report '" + folder.path().string() + "'");
  CHECK(report.status == 2);
  CHECK(contains(report.err, "no metrics.json in it"));
  const Outcome model = command("model info '" + folder.path().string() + "'");
  CHECK(model.status == 2);
  CHECK(contains(model.err, "no cell2text.json in it"));
}
