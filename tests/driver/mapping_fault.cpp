#include "../../driver/mapping_fault.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "cell2text/io/mapped_file.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

struct End {
  int status = 0;
  std::string err;

  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool killed_by(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

/// How a child process ends that installs the handler and runs `body`.
End child(const std::filesystem::path& errors, const std::function<void()>& body) {
  const pid_t id = ::fork();
  if (id == 0) {
    const rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const int file = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDERR_FILENO);
    // doctest and the sanitizers have handlers of their own, which would hide what the default action is.
    ::signal(SIGBUS, SIG_DFL);
    ::signal(SIGABRT, SIG_DFL);
    driver::name_lost_mappings();
    body();
    ::_exit(0);
  }
  End end;
  ::waitpid(id, &end.status, 0);
  end.err = read_file(errors);
  return end;
}

/// Reads all of the mapping; the sum keeps the compiler from leaving it out.
void touch(const MappedFile& mapped) {
  unsigned sum = 0;
  for (const std::byte byte : mapped.data()) sum += static_cast<unsigned>(byte);
  if (sum == 1) ::_exit(77);
}

}  // namespace

TEST_CASE("mapping fault: a file that loses bytes under a map ends the program with its name and exit code 1") {
  TemporaryFolder folder;
  for (const std::string name : {"model.safetensors", "a name with  blanks ", "\u00fcml\u00e4ut"}) {
    const auto path = folder / name;
    write_file(path, std::string(100'000, 'x'));
    const End end = child(folder / "err", [&] {
      const auto mapped = MappedFile::open(path);
      std::filesystem::resize_file(path, 5000);
      touch(*mapped);
    });
    INFO(end.err);
    CHECK(end.exited_with(1));
    CHECK(end.err.starts_with("cell2text: " + path.string() + " became shorter while it was in use"));
    CHECK(std::ranges::count(end.err, '\n') == 1);
  }
}

TEST_CASE("mapping fault: a file that stays whole, or is replaced by renaming, is read to its end") {
  TemporaryFolder folder;
  const auto path = folder / "a.bin";
  write_file(path, std::string(100'000, 'x'));
  const End end = child(folder / "err", [&] {
    const auto mapped = MappedFile::open(path);
    write_file(folder / "b.bin", "short");
    std::filesystem::rename(folder / "b.bin", path);
    touch(*mapped);
  });
  CHECK(end.exited_with(0));
  CHECK(end.err.empty());
}

TEST_CASE("mapping fault: many threads that read one file say one sentence") {
  TemporaryFolder folder;
  const auto path = folder / "shared.bin";
  write_file(path, std::string(1'000'000, 'x'));
  const End end = child(folder / "err", [&] {
    const auto mapped = MappedFile::open(path);
    std::filesystem::resize_file(path, 0);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { touch(*mapped); });
    for (std::thread& thread : threads) thread.join();
  });
  CHECK(end.exited_with(1));
  CHECK(std::ranges::count(end.err, '\n') == 1);
}

TEST_CASE("mapping fault: any other SIGBUS ends the program as it would without the handler") {
  TemporaryFolder folder;
  CHECK(child(folder / "err", [] { ::raise(SIGBUS); }).killed_by(SIGBUS));
  // Memory that is shared through a file: nothing of ours.
  const auto path = folder / "shared";
  write_file(path, std::string(8192, 'x'));
  const End end = child(folder / "err", [&] {
    const int file = ::open(path.c_str(), O_RDWR);
    auto* bytes = static_cast<volatile char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    std::filesystem::resize_file(path, 0);
    bytes[5000] = 'y';
  });
  CHECK(end.killed_by(SIGBUS));
  CHECK(end.err.empty());
}
