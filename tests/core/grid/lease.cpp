// Leases: one holder at a time, gone with the process that held it, passed on to a program that it becomes.
#include "cell2text/grid/lease.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using cell2text::EnvironmentError;
using cell2text::Lease;
namespace test = cell2text::test;

TEST_CASE("lease: one holder at a time, within a process and between processes") {
  const test::TemporaryFolder folder;
  const auto file = folder / "lock";
  {
    const Lease first(file);
    REQUIRE((first.state() == Lease::State::taken));
    CHECK((Lease(file).state() == Lease::State::held));
    const pid_t child = fork();
    if (child == 0) _exit(Lease(file).state() == Lease::State::held ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK((Lease(folder / "other").state() == Lease::State::taken));
  }
  Lease second(file);
  REQUIRE((second.state() == Lease::State::taken));
  Lease moved = std::move(second);
  CHECK((moved.state() == Lease::State::taken));
  CHECK((Lease(file).state() == Lease::State::held));
  moved = Lease(folder / "other");
  CHECK((Lease(file).state() == Lease::State::taken));
}

TEST_CASE("lease: it is gone with a process that is killed") {
  const test::TemporaryFolder folder;
  const auto file = folder / "lock";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const Lease lease(file);
    const char told = lease.state() == Lease::State::taken ? 'y' : 'n';
    if (write(ready[1], &told, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char told = 0;
  REQUIRE(read(ready[0], &told, 1) == 1);
  REQUIRE(told == 'y');
  CHECK((Lease(file).state() == Lease::State::held));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK((Lease(file).state() == Lease::State::taken));
  close(ready[0]), close(ready[1]);
}

TEST_CASE("lease: passed on, it is held by the program that a child becomes, after its parent has let it go") {
  const test::TemporaryFolder folder;
  const auto file = folder / "lock";
  pid_t child = -1;
  {
    const Lease lease(file);
    child = fork();
    if (child == 0) {
      lease.pass_on();
      execl("/bin/sleep", "sleep", "60", nullptr);
      _exit(127);
    }
  }
  CHECK((Lease(file).state() == Lease::State::held));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK((Lease(file).state() == Lease::State::taken));
}

TEST_CASE("lease: a file that cannot be made is the machine's fault") {
  CHECK(test::has(test::message_of<EnvironmentError>([] { Lease("/nonexistent/folder/lock"); }), "cannot be opened"));
}
