// cell2text plugins new KIND NAME: a starter of one's own, which is the example of that kind under another name.
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/settings.hpp"
#include "plugin_commands.hpp"
#include "starters.hpp"

namespace cell2text::driver {

namespace {

constexpr const char* new_examples =
    "Examples:\n"
    "  cell2text plugins new decoder mine\n"
    "  cell2text plugins new metric my_score -o plugins/my_score\n"
    "Then, as it is or changed:\n"
    "  cmake -S mine -B mine/build -DCMAKE_PREFIX_PATH=PREFIX && cmake --build mine/build\n"
    "  cell2text plugins check mine/build/libmine_plugin.so\n"
    "PREFIX is where Cell2Text is installed. Kinds: decoder, encoder, adapter, metric, finetuning, source, "
    "baseline.";

struct NewArguments {
  std::string kind, name, out;
};

/// The name that the example has: that of its only .cpp file.
std::string example_name(const std::string& kind) {
  std::vector<std::string> kinds;
  for (const StarterFile& file : starter_files()) {
    const std::filesystem::path path = file.path;
    const std::string of = path.parent_path().string();
    if (of == kind && path.extension() == ".cpp") return path.stem().string();
    if (path.extension() == ".cpp") kinds.push_back(of);
  }
  throw InputError("there is no starter of the kind '" + kind + "'" + suggestion(kind, kinds));
}

/// InputError unless the name can be part of a C++ name, of a target and of a file's.
void expect_name(const std::string& name) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz", more = letters + "0123456789_";
  if (name.empty() || letters.find(name[0]) == std::string::npos || name.find_first_not_of(more) != std::string::npos)
    throw InputError("a plugin cannot be called '" + name +
                     "' here; use small letters, digits and _, and begin with a letter");
}

std::string renamed(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

void write_starter(const NewArguments& arguments) {
  const std::string example = example_name(arguments.kind);
  expect_name(arguments.name);
  const std::filesystem::path folder = arguments.out.empty() ? arguments.name : arguments.out;
  if (std::filesystem::exists(folder))
    throw InputError(folder.string() + " is there already; give another name, or another folder with -o");
  AtomicFolder writing(folder);
  std::string data;
  for (const StarterFile& file : starter_files()) {
    const std::filesystem::path path = file.path;
    if (path.parent_path() != arguments.kind) continue;
    if (path.extension() == ".csv") data = " --set path=" + (folder / path.filename()).string();
    write_atomically(writing.partial() / renamed(path.filename().string(), example, arguments.name),
                     renamed(file.text, example, arguments.name));
  }
  writing.commit();
  fmt::print(
      "{0}: a {1} that works. Build it, check it, and change it:\n"
      "  cmake -S {0} -B {0}/build -DCMAKE_PREFIX_PATH=PREFIX && cmake --build {0}/build\n"
      "  cell2text plugins check {0}/build/lib{2}_plugin.so{3}\n",
      folder.string(), arguments.kind, arguments.name, data);
}

}  // namespace

void add_plugins_new(CLI::App& plugins) {
  static NewArguments arguments;
  auto* command = plugins.add_subcommand("new", "Begin a plugin of your own: a folder that builds and passes check");
  command->add_option("KIND", arguments.kind, "decoder, encoder, adapter, metric, finetuning, source or baseline")
      ->required();
  command->add_option("NAME", arguments.name, "What experiment files will call it")->required();
  command->add_option("-o,--out", arguments.out, "Folder to write (default NAME)");
  command->footer(new_examples);
  command->callback([] { write_starter(arguments); });
}

}  // namespace cell2text::driver
