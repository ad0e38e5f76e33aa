// From the command line to an exit code; the same in the program and in the library of its tensor commands.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/version.hpp"
#include "commands.hpp"
#include "fault.hpp"

namespace cell2text::driver {

int report_fault(const Fault& fault) {
  using Kind = Fault::Kind;
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

namespace {

/// CLI11 would say of a mistyped command only that one is needed.
void expect_command(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]).starts_with('-')) return;
  std::vector<std::string> names;
  for (const ListedCommand& listed : listed_commands) names.emplace_back(listed.name);
  if (std::ranges::find(names, argv[1]) == names.end())
    throw InputError("there is no command '" + std::string(argv[1]) + "'" + suggestion(argv[1], names) +
                     "\nWhat each does: cell2text --help");
}

}  // namespace

int run_command_line(int argc, char** argv, std::span<const OwnCommand> own) {
  CLI::App app{
      "Turns one cell's RNA profile into a text.\n"
      "Start with: cell2text run examples/quickstart.toml",
      "cell2text"};
  app.set_version_flag("--version", cell2text::version);
  app.require_subcommand(1);
  app.footer(
      "Results go to stdout, progress and logs to stderr.\nExit codes: 0 done, 1 failed, 2 bad usage or bad input.");
  for (const ListedCommand& listed : listed_commands) {
    CLI::App* command = app.add_subcommand(listed.name, listed.summary);
    const auto found = std::ranges::find(own, std::string_view(listed.name), &OwnCommand::name);
    if (found != own.end()) found->add(command);
  }
  try {
    expect_command(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {  // of a command that has said all
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (...) {
    return report_fault(Fault::from_current_exception());
  }
  return 0;
}

}  // namespace cell2text::driver
