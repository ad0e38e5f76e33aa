// Finding plugins: the search path, what is no plugin, names that are wrong or claimed twice, libraries that
// cannot be loaded.
#include "cell2text/registry.hpp"

#include "core/plugin/libraries.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

void copy_to(const std::filesystem::path& to, const std::string& name) {
  std::filesystem::copy_file(test_library(name), to);
}

}  // namespace

TEST_CASE("registry: plugins of several folders are found, a folder that is not there is passed over") {
  const TemporaryFolder one, two;
  copy_to(one / "a.so", "letters");
  copy_to(two / "b.so", "keeper");
  copy_to(two / "ends_otherwise.txt", "twin");
  const EnvironmentVariable path("CELL2TEXT_PLUGIN_PATH",
                                 ":" + one.path().string() + "::/no/such/folder:" + two.path().string() + ":");
  const auto folders = Registry::default_search_path();
  REQUIRE(folders.size() == 4);
  CHECK(folders[0] == one.path());
  CHECK(folders[1] == "/no/such/folder");
  CHECK(folders[2] == two.path());
  CHECK(std::filesystem::equivalent(folders[3].parent_path().parent_path(), build_dir() / "lib"));

  const Registry registry({folders.begin(), folders.begin() + 3});
  REQUIRE(registry.plugins().size() == 2);
  CHECK(registry.find("metric", "letters").path == one / "a.so");
  CHECK(registry.find("finetuning", "keeper").path == two / "b.so");
  CHECK(registry.strangers().empty());
}

TEST_CASE("registry: without CELL2TEXT_PLUGIN_PATH only the folder beside the program is searched") {
  const EnvironmentVariable empty("CELL2TEXT_PLUGIN_PATH", "");
  CHECK(Registry::default_search_path().size() == 1);
  unsetenv("CELL2TEXT_PLUGIN_PATH");
  CHECK(Registry::default_search_path().size() == 1);
}

TEST_CASE("registry: what is no plugin is listed with the reason, and the others are still found") {
  const TemporaryFolder folder;
  copy_to(folder / "z_letters.so", "letters");
  copy_to(folder / "stranger.so", "stranger");
  write_file(folder / "text.so", "not a library at all\n");
  write_file(folder / "empty.so", "");
  std::filesystem::create_directory(folder / "folder.so");
  std::filesystem::create_symlink("loop.so", folder / "loop.so");
  write_file(folder / "half.so", read_file(test_library("letters")).substr(0, 5000));
  const Registry registry({folder.path()});
  REQUIRE(registry.plugins().size() == 1);
  CHECK(registry.find("metric", "letters").path == folder / "z_letters.so");
  std::map<std::string, std::string> reasons;
  for (const auto& [path, reason] : registry.strangers()) reasons[path.filename()] = reason;
  CHECK(reasons.size() == 6);
  CHECK(reasons["stranger.so"] == "a library without a plugin stamp");
  CHECK(has(reasons["text.so"], "it is not an ELF file"));
  CHECK(has(reasons["empty.so"], "it is not an ELF file"));
  CHECK(has(reasons["folder.so"], "is a folder"));
  CHECK(has(reasons["loop.so"], "cannot open"));
  CHECK(has(reasons["half.so"], "truncated or damaged"));
}

TEST_CASE("registry: a wrong name is answered with the nearest one and where was searched") {
  const TemporaryFolder folder;
  copy_to(folder / "a.so", "letters");
  copy_to(folder / "b.so", "twin");
  const Registry registry({folder.path(), "/no/such/folder"});
  CHECK(message_of<InputError>([&] { registry.find("metric", "leters"); }) ==
        "no metric is called 'leters'; did you mean 'letters'? (searched: " + folder.path().string() +
            ", /no/such/folder)");
  CHECK(has(message_of<InputError>([&] { registry.find("metric", "something else"); }), "; known: letters, twin ("));
  CHECK(has(message_of<InputError>([&] { registry.find("decoder", "letters"); }), "no decoder is called 'letters' ("));
}

TEST_CASE("registry: a name that two libraries claim is an error that names both; one file twice is not") {
  const TemporaryFolder one, two;
  copy_to(one / "first.so", "letters");
  std::filesystem::create_symlink(one / "first.so", two / "link.so");
  CHECK(Registry({one.path(), two.path(), one.path()}).plugins().size() == 1);
  copy_to(two / "second.so", "letters");
  const Registry registry({one.path(), two.path()});
  const std::string message = message_of<InputError>([&] { registry.load("metric", "letters"); });
  CHECK(has(message, "two libraries claim the metric 'letters'"));
  CHECK(has(message, (one / "first.so").string()));
  CHECK(has(message, (two / "second.so").string()));
}

TEST_CASE("registry: a library whose stamp does not fit is found, refused, and nothing of it is run") {
  const TemporaryFolder folder;
  const EnvironmentVariable flag("CELL2TEXT_TEST_FLAG", (folder / "flag").string());
  write_file(folder / "wrong.so", with_stamp(test_library("initialiser"), [](Manifest& m) { m.abi += 1; }));
  const Registry registry({folder.path()});
  const std::string message = message_of<InputError>([&] { registry.load("metric", "initialiser"); });
  CHECK(has(message, "wrong.so: plugin 'initialiser' does not fit this program: its core ABI is " +
                         std::to_string(abi_number + 1) + ", this program " + std::to_string(abi_number)));
  CHECK(!std::filesystem::exists(folder / "flag"));

  // The control: the same library with its own stamp is loaded, and its initialiser runs then and not before.
  std::filesystem::remove(folder / "wrong.so");
  copy_to(folder / "right.so", "initialiser");
  const Registry right({folder.path()});
  CHECK(right.find("metric", "initialiser").refusal == "");
  CHECK(!std::filesystem::exists(folder / "flag"));
  right.load("metric", "initialiser");
  CHECK(read_file(folder / "flag") == "loaded");
}

TEST_CASE("registry: a library built for another LibTorch is refused") {
  const TemporaryFolder folder;
  write_file(folder / "old.so", with_stamp(test_library("letters"), [](Manifest& m) { m.torch_minor += 1; }));
  const Registry registry({folder.path()});
  CHECK(has(message_of<InputError>([&] { registry.load("metric", "letters"); }),
            "it was built for LibTorch " + std::to_string(TORCH_VERSION_MAJOR) + "." +
                std::to_string(TORCH_VERSION_MINOR + 1)));
}

TEST_CASE("registry: a library with an undefined symbol is an error that names the symbol") {
  const auto file = read_plugin_file(test_library("undefined"));
  REQUIRE(file);
  CHECK(file->refusal == "");
  const std::string message = message_of<InputError>([&] { load_plugin_file(*file); });
  CHECK(has(message, "libtest_plugin_undefined.so: the library cannot be loaded"));
  CHECK(has(message, "cell2text_test_nobody_defines_this"));
}

TEST_CASE("registry: a stamp without an entry point, and one that contradicts the code, are refused") {
  const TemporaryFolder folder;
  std::string bytes = read_file(test_library("twin"));
  const std::string exported = std::string(1, '\0') + plugin_entry_point + '\0';
  REQUIRE(bytes.find(exported) != std::string::npos);
  for (auto at = bytes.find(exported); at != std::string::npos; at = bytes.find(exported)) bytes[at + 1] = 'X';
  write_file(folder / "closed.so", bytes);
  CHECK(has(message_of<InputError>([&] { load_plugin_file(*read_plugin_file(folder / "closed.so")); }),
            "has a stamp but does not export 'cell2text_plugin'"));

  write_file(folder / "lies.so", with_stamp(test_library("twin"), [](Manifest& m) { put_text(m.kind, "source"); }));
  CHECK(has(message_of<InputError>([&] { load_plugin_file(*read_plugin_file(folder / "lies.so")); }),
            "its stamp says source 'twin', its code metric 'twin'"));
}

TEST_CASE("registry: no plugin exports a symbol that g++ makes unique in the process") {
  int libraries = 0;
  for (const auto& folder : {build_dir() / "lib/cell2text/plugins", build_dir() / "tests/core/plugin/libraries"})
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".so") continue;
      std::string symbols;
      REQUIRE(run_command("nm -D --defined-only '" + entry.path().string() + "'", symbols) == 0);
      INFO(entry.path().string() << " exports:\n" << symbols);
      CHECK(!symbols.empty());
      CHECK(symbols.find(" u ") == std::string::npos);
      ++libraries;
    }
  CHECK(libraries >= 7);
}
