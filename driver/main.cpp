// The `cell2text` program. It knows no LibTorch: help, and commands that need no tensor, start at once.
#include <dlfcn.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>

#include "cell2text/error.hpp"
#include "commands.hpp"
#include "fault.hpp"
#include "mapping_fault.hpp"
#include "tensor_commands.hpp"

namespace {

using namespace cell2text::driver;

/// Runs a command of the library beside the program. EnvironmentError where it cannot be opened.
int run_tensor_command(int argc, char** argv) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  const auto path = program.parent_path().parent_path() / "lib/cell2text" / tensor_commands_library;
  // Global, as if the program were linked with LibTorch: a plugin that is not finds its symbols there.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  const char* error = library ? nullptr : ::dlerror();
  void* entry = library ? ::dlsym(library, tensor_commands_entry) : nullptr;
  if (!entry)
    throw cell2text::EnvironmentError(path.string() + ": the commands that compute with LibTorch cannot be opened: " +
                                      (error ? error : "the library is another version's") +
                                      ". Where LibTorch was moved or removed, build again, or point the link "
                                      "lib/cell2text/torch of an installation at "
                                      "it");
  return reinterpret_cast<TensorCommandsEntry*>(entry)(argc, argv);
}

bool names_tensor_command(std::string_view word) {
  return std::ranges::any_of(listed_commands,
                             [&](const ListedCommand& one) { return one.needs_tensors && one.name == word; });
}

}  // namespace

int main(int argc, char** argv) {
  name_lost_mappings();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is then an error of the write, which names it
  // A command comes first on the line: the program's own options all end it.
  if (argc < 2 || !names_tensor_command(argv[1])) {
    constexpr OwnCommand own[] = {{"ontology", add_ontology}};
    return run_command_line(argc, argv, own);
  }
  try {
    return run_tensor_command(argc, argv);
  } catch (...) {
    return report_fault(cell2text::Fault::from_current_exception());
  }
}
