#include "cell2text/io/atomic_file.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <iterator>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("atomic file: the old file stays until commit, then the new one is whole") {
  TemporaryFolder folder;
  const auto path = folder / "a.txt";
  write_file(path, "old");
  AtomicFile file(path);
  CHECK(file.path() == path);
  CHECK(file.temporary_path().parent_path() == folder.path());
  file.write("new ");
  file.write(std::as_bytes(std::span("bytes", 5)));
  CHECK(file.written() == 9);
  CHECK(read_file(path) == "old");
  file.commit();
  CHECK(read_file(path) == "new bytes");
  CHECK(files_in(folder.path()) == 1);
  CHECK_THROWS_AS(file.write("more"), BugError);
  CHECK_THROWS_AS(file.commit(), BugError);
}

TEST_CASE("atomic file: without commit nothing is left behind") {
  TemporaryFolder folder;
  {
    AtomicFile file(folder / "a.txt");
    file.write("half");
    CHECK(files_in(folder.path()) == 1);
    AtomicFile moved = std::move(file);
    CHECK(files_in(folder.path()) == 1);
  }
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("atomic file: a library may write, truncate or replace the temporary file itself") {
  TemporaryFolder folder;
  AtomicFile file(folder / "a.h5");
  std::filesystem::remove(file.temporary_path());
  write_file(file.temporary_path(), "written by name");
  file.commit();
  CHECK(read_file(folder / "a.h5") == "written by name");
}

TEST_CASE("atomic file: a relative path, a very long name and an empty file") {
  TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_atomically("plain.txt", "x");
  std::filesystem::current_path(before);
  CHECK(read_file(folder / "plain.txt") == "x");
  const std::string name(250, 'n');
  write_atomically(folder / name, "y");
  CHECK(read_file(folder / name) == "y");
  write_atomically(folder / "empty", "");
  CHECK(std::filesystem::file_size(folder / "empty") == 0);
}

TEST_CASE("atomic file: permissions of the old file are kept, a link is followed") {
  TemporaryFolder folder;
  write_file(folder / "real.txt", "old");
  std::filesystem::permissions(folder / "real.txt", std::filesystem::perms(0640));
  std::filesystem::create_symlink("real.txt", folder / "link.txt");
  write_atomically(folder / "link.txt", "new");
  CHECK(std::filesystem::is_symlink(folder / "link.txt"));
  CHECK(read_file(folder / "real.txt") == "new");
  CHECK(std::filesystem::status(folder / "real.txt").permissions() == std::filesystem::perms(0640));
}

TEST_CASE("atomic file: what cannot be a file is the caller's fault") {
  TemporaryFolder folder;
  CHECK(has(message_of<InputError>([&] { AtomicFile(folder / "no/a.txt"); }), "no does not exist; create it first"));
  CHECK(has(message_of<InputError>([&] { AtomicFile(folder.path()); }), "it exists and is not a file"));
  CHECK(has(message_of<InputError>([&] { AtomicFile("/dev/null"); }), "it exists and is not a file"));
  CHECK(has(message_of<InputError>([&] { AtomicFile("somewhere/"); }), "it names no file"));
  CHECK(has(message_of<InputError>([&] { AtomicFile(""); }), "it names no file"));
}

TEST_CASE("atomic file: a folder that takes no files is the world's fault") {
  CHECK(has(message_of<EnvironmentError>([&] { AtomicFile("/proc/self/a.txt"); }),
            "cannot create a file beside /proc/self/a.txt"));
}

TEST_CASE("atomic file: a disk that fills up is an error that names the file, and the old file stays") {
  TemporaryFolder folder;
  const auto path = folder / "a.bin";
  write_file(path, "old");
  // A limit on the size of files makes the write that crosses it short and the next one fail, as a full disk does.
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    write_atomically(path, std::string(3000, 'x'));
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  CHECK(has(message, "cannot write " + path.string()));
  CHECK(read_file(path) == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("atomic file: a temporary file that lost bytes or vanished is never renamed") {
  TemporaryFolder folder;
  const auto path = folder / "a.bin";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("0123456789");
    std::filesystem::resize_file(file.temporary_path(), 4);
    CHECK(has(message_of<EnvironmentError>([&] { file.commit(); }), "ended with 4 bytes in the file, 10 expected"));
  }
  {
    AtomicFile file(path);
    std::filesystem::remove(file.temporary_path());
    CHECK(has(message_of<EnvironmentError>([&] { file.commit(); }), "cannot bring to the disk " + path.string()));
  }
  {
    AtomicFile file(path);
    std::filesystem::remove(path);
    std::filesystem::create_directories(path / "taken");
    CHECK(has(message_of<EnvironmentError>([&] { file.commit(); }), "cannot rename a temporary file to"));
  }
  CHECK(files_in(folder.path()) == 1);
}
