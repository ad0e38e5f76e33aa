#include "cell2text/io/spill_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {
std::span<const std::byte> spilled(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("spill file: what was written in any order is read back, and the folder shows nothing") {
  TemporaryFolder folder;
  const SpillFile made(folder.path());
  SpillFile file(folder.path());
  file.write_at(4, spilled("efgh"));
  file.write_at(0, spilled("abcd"));
  CHECK(std::filesystem::is_empty(folder.path()));
  std::string text(6, ' ');
  file.read_at(1, std::as_writable_bytes(std::span(text)));
  CHECK(text == "bcdefg");
  CHECK(
      has(message_of<BugError>([&] { file.read_at(5, std::as_writable_bytes(std::span(text))); }), "beyond what was"));
}

TEST_CASE("spill file: a folder that cannot be written to is named") {
  TemporaryFolder folder;
  CHECK(has(message_of<EnvironmentError>([&] { SpillFile{folder / "none"}; }), (folder / "none").string()));
}

TEST_CASE("spill file: a file that may not grow is an error that says why") {
  TemporaryFolder folder;
  SpillFile file(folder.path());
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{16, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto message = message_of<EnvironmentError>([&] { file.write_at(10, spilled("0123456789")); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(has(message, folder.path().string()));
  CHECK(has(message, "File too large"));
}
