// The subcommands. The program lists them all and has those that compute with no tensor; the others are in a library
// (tensor_commands.cpp) that it opens when one of them is asked for, because LibTorch takes long to load.
#pragma once

#include <CLI/CLI.hpp>
#include <span>

namespace cell2text::driver {

struct ListedCommand {
  const char *name, *summary;
  bool needs_tensors = true;
};

/// In the order of `cell2text --help`.
inline constexpr ListedCommand listed_commands[] = {
    {"run", "Train a model as an experiment file says, describe the test cells, score the texts"},
    {"grid", "Many runs of one experiment: every combination of the values of its axes"},
    {"describe", "Describe the cells of a file with a trained model"},
    {"calibrate", "Make a model's confidences as high as its labels are often right, on cells of known labels"},
    {"explain", "Why this word? Which genes of a cell moved each label of its description"},
    {"embed", "Embed the cells of a file with an encoder alone"},
    {"generate", "Let a decoder alone go on from a prompt, without cells"},
    {"doctor", "Is this file of cells right, and does it suit a model?"},
    {"evaluate", "Score predicted texts against references, or columns of labels, whoever wrote them"},
    {"plugins", "What encoders, adapters, decoders, metrics ... there are; check and begin new ones"},
    {"schema", "JSON Schema of the experiment file, or of one plugin's settings"},
    {"model", "What a model folder holds, and making its decoder plain"},
    {"report", "One page about a run, or many side by side: curves, scores, effects, confusions, examples, settings"},
    {"ontology", "Terms of an ontology: how near they are, and which names are theirs", false},
    {"dataset", "Make datasets to train on, and look at them"},
};

// Each declares a command's options, and what runs when it is chosen.
void add_run(CLI::App* command);
void add_grid(CLI::App* command);
void add_describe(CLI::App* command);
void add_calibrate(CLI::App* command);
void add_explain(CLI::App* command);
void add_embed(CLI::App* command);
void add_generate(CLI::App* command);
void add_doctor(CLI::App* command);
void add_evaluate(CLI::App* command);
void add_plugins(CLI::App* plugins);
void add_schema(CLI::App* command);
void add_model(CLI::App* model);
void add_report(CLI::App* command);
void add_ontology(CLI::App* ontology);
void add_ontology_map(CLI::App& ontology);
void add_dataset(CLI::App* command);

/// A command that the caller has. The name is one of those listed.
struct OwnCommand {
  const char* name;
  void (*add)(CLI::App* command);
};

/// Reads the command line, runs what it asks for, and returns the exit code; errors become sentences on stderr.
int run_command_line(int argc, char** argv, std::span<const OwnCommand> own);

}  // namespace cell2text::driver
