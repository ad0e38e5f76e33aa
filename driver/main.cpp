// The `cell2text` command: declares the subcommands, and turns errors into sentences and exit codes.
#include <csignal>
#include <cstdio>
#include <exception>

#include "cell2text/error.hpp"
#include "cell2text/version.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "mapping_fault.hpp"
#include "process.hpp"

namespace {

/// 2 for what the user can mend, 1 for a broken world or a bug of ours.
int report(const cell2text::Fault& fault) {
  using Kind = cell2text::Fault::Kind;
  std::fflush(stdout);
  if (fault.kind == Kind::bug)
    std::fprintf(
        stderr,
        "cell2text: internal error: %s\nThis is a bug in the program or in a plugin; please report it with the "
        "command line that led here.\n",
        fault.message.c_str());
  else
    std::fprintf(stderr, "cell2text: %s\n", fault.message.c_str());
  return fault.kind == Kind::input ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  cell2text::driver::prepare_process();
  cell2text::driver::name_lost_mappings();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is then an error of the write, which names it

  CLI::App app{
      "Turns one cell's RNA profile into a text.\n"
      "Start with: cell2text run examples/quickstart.toml",
      "cell2text"};
  app.set_version_flag("--version", cell2text::version);
  app.require_subcommand(1);
  app.footer(
      "Results go to stdout, progress and logs to stderr.\nExit codes: 0 done, 1 failed, 2 bad usage or bad input.");
  using namespace cell2text::driver;
  for (auto add : {add_run, add_grid, add_describe, add_calibrate, add_explain, add_embed, add_generate, add_doctor,
                   add_evaluate, add_plugins, add_schema, add_model, add_report, add_ontology, add_dataset})
    add(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {  // of a command that has said all
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (...) {
    return report(cell2text::Fault::from_current_exception());
  }
  return 0;
}
