// A folder is there whole or not at all.
#include "cell2text/io/atomic_folder.hpp"

#include <sys/stat.h>

#include "support/oracle.hpp"

using cell2text::AtomicFolder;
using cell2text::EnvironmentError;
namespace test = cell2text::test;

TEST_CASE("atomic folder: it appears at commit, in the place of an older one") {
  const test::TemporaryFolder folder;
  const auto path = folder / "model";
  for (const std::string text : {"first", "second"}) {
    AtomicFolder writing(path);
    test::write_file(writing.partial() / "file", text);
    CHECK(std::filesystem::exists(path) == (text == "second"));
    writing.commit();
    CHECK(test::read_file(path / "file") == text);
    CHECK_FALSE(std::filesystem::exists(writing.partial()));
  }
}

TEST_CASE("atomic folder: without commit the old one stays, and nothing else") {
  const test::TemporaryFolder folder;
  const auto path = folder / "model";
  std::filesystem::create_directory(path);
  test::write_file(path / "file", "old");
  { test::write_file(AtomicFolder(path).partial() / "file", "new"); }
  CHECK(test::read_file(path / "file") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("atomic folder: what a killed writer left is no part of the next") {
  const test::TemporaryFolder folder;
  const auto path = folder / "model";
  std::filesystem::create_directory(path.string() + ".partial");
  test::write_file(path.string() + ".partial/left", "x");
  AtomicFolder writing(path);
  writing.commit();
  CHECK(std::filesystem::is_empty(path));
}

TEST_CASE("atomic folder: a place that cannot hold it is an error that names it") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", "");
  CHECK_THROWS_WITH_AS(AtomicFolder(folder / "file/model"), doctest::Contains("cannot make the folder"),
                       EnvironmentError);
  const auto path = folder / "model";
  {
    AtomicFolder writing(path);
    std::filesystem::remove_all(writing.partial());
    CHECK_THROWS_WITH_AS(writing.commit(), doctest::Contains("cannot bring to the disk"), EnvironmentError);
  }
  AtomicFolder writing(path);
  test::write_file(path, "a file has taken the name");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  CHECK_NOTHROW(writing.commit());  // a name is exchanged whatever stood there
  CHECK(std::filesystem::is_directory(path));
}
