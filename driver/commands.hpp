// The subcommands. Each `add_...` declares its options on the application and what runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>

namespace cell2text::driver {

void add_run(CLI::App& app);
void add_grid(CLI::App& app);
void add_describe(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_explain(CLI::App& app);
void add_generate(CLI::App& app);
void add_doctor(CLI::App& app);
void add_embed(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_plugins(CLI::App& app);
void add_schema(CLI::App& app);
void add_model(CLI::App& app);
void add_report(CLI::App& app);
void add_ontology(CLI::App& app);
void add_ontology_map(CLI::App& ontology);
void add_dataset(CLI::App& app);

}  // namespace cell2text::driver
