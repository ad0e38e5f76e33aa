// A very small model, trained once per test program, and what to do with it.
#pragma once

#include "driver/command.hpp"

namespace cell2text::test {

/// Settings that make the quickstart a matter of a second; no claim on quality.
inline std::string tiny_settings() {
  return " --set training.max_steps=2 --set encoder.max_tokens=34 --set prompt.max_genes=32 --set split.train=0.1"
         " --set split.validation=0.87 --set split.test=0.03 --set generation.max_new_tokens=8"
         " --set generation.beams=1 --set training.keep=last --set threads=1";
}

/// The model folder; made at the first call.
inline const std::filesystem::path& tiny_model() {
  static const TemporaryFolder folder;
  static const std::filesystem::path model = [] {
    const Outcome made =
        command("run examples/quickstart.toml --out " + quoted(folder / "run") + tiny_settings() +
                " --set encoder.architecture.layers=1 --set decoder.architecture.layers=2 --set 'baselines=[]'");
    INFO(made.err);
    REQUIRE(made.status == 0);
    return folder / "run/model";
  }();
  return model;
}

/// The folder of a small scGPT encoder over the demo's genes, at random weights; made at the first call.
inline const std::filesystem::path& tiny_scgpt() {
  static const TemporaryFolder folder;
  static const std::filesystem::path encoder = [] {
    const Outcome made =
        command("run examples/quickstart-scgpt.toml --out " + quoted(folder / "run") + tiny_settings() +
                " --set encoder.architecture.layers=1 --set decoder.architecture.layers=2 --set 'baselines=[]'");
    INFO(made.err);
    REQUIRE(made.status == 0);
    return folder / "run/model/encoder";
  }();
  return encoder;
}

/// `cell2text describe` by that model.
inline Outcome describe(const std::filesystem::path& cells, const std::filesystem::path& out,
                        const std::string& more = "", const std::string& environment = "") {
  return command("describe " + quoted(cells) + " --model " + quoted(tiny_model()) + " -o " + quoted(out) +
                     " --beams 1 --threads 1 " + more,
                 environment);
}

/// Exit code 2 and one message, which names each of `parts`, and nothing that only a developer reads.
inline void check_refused(const Outcome& outcome, const std::vector<std::string>& parts) {
  INFO("stderr: " << outcome.err);
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "cell2text: "));
  CHECK(outcome.out.empty());
  for (const std::string& part : parts) {
    INFO("should hold: " << part);
    CHECK(contains(outcome.err, part));
  }
  for (const char* part : {"internal error", "HDF5-DIAG", "terminate called", "Traceback", "what():", "std::"})
    CHECK_FALSE(contains(outcome.err, part));
}

/// Lets the command describe `cells`, which it must refuse with `parts`: into a new file, and over a file that is
/// there, in turns. Neither leaves a trace.
inline void check_not_described(const std::filesystem::path& cells, std::vector<std::string> parts,
                                const std::string& more = "", const std::string& environment = "") {
  static int turn = 0;
  const char* const endings[] = {"csv", "h5ad", "jsonl"};
  const TemporaryFolder folder;
  const auto out = folder / (std::string("out.") + endings[turn % 3]);
  const bool old = turn++ % 2 == 0;
  if (old) write_file(out, "precious");
  CAPTURE(cells);
  CAPTURE(out);
  parts.push_back(cells.filename().string());
  check_refused(describe(cells, out, more, environment), parts);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    left.push_back(entry.path().filename().string());
  CHECK(left == (old ? std::vector<std::string>{out.filename().string()} : std::vector<std::string>{}));
  if (old) CHECK(read_file(out) == "precious");
}

}  // namespace cell2text::test
