#include "cell2text/io/input_file.hpp"

#include <sys/resource.h>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("input file: reads at any position and stops at the end") {
  TemporaryFolder folder;
  write_file(folder / "a", "0123456789");
  const InputFile file(folder / "a");
  CHECK(file.size() == 10);
  std::string target(4, ' ');
  CHECK(file.read_at(3, std::as_writable_bytes(std::span(target))) == 4);
  CHECK(target == "3456");
  CHECK(file.read_at(8, std::as_writable_bytes(std::span(target))) == 2);
  CHECK(file.read_at(100, std::as_writable_bytes(std::span(target))) == 0);
}

TEST_CASE("input file: missing files, folders and pipes are the caller's fault") {
  TemporaryFolder folder;
  const auto missing = message_of<InputError>([&] { InputFile(folder / "none"); });
  CHECK(has(missing, (folder / "none").string() + " does not exist"));
  write_file(folder / "a", "x");
  CHECK(has(message_of<InputError>([&] { InputFile(folder / "a/b"); }), "does not exist"));
  CHECK(has(message_of<InputError>([&] { InputFile(folder.path()); }), "is a folder"));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(has(message_of<InputError>([&] { InputFile(folder / "pipe"); }), "is not a regular file"));
}

TEST_CASE("input file: what the system refuses is the world's fault and names the file") {
  TemporaryFolder folder;
  write_file(folder / "a", "x");
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none = {0, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::string message;
  try {
    InputFile file(folder / "a");
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(has(message, "cannot open " + (folder / "a").string()));
}

TEST_CASE("input file: an error while reading is reported, not taken for the end") {
  // Reading the memory of this process at an address that nothing is mapped to fails with an I/O error.
  const InputFile file("/proc/self/mem");
  std::string target(8, ' ');
  CHECK(has(message_of<EnvironmentError>([&] { file.read_at(0, std::as_writable_bytes(std::span(target))); }),
            "cannot read /proc/self/mem"));
}
