// Stages and the hashes of source files: what is found, what is computed anew.
#include "cell2text/dataset/stage.hpp"

#include "cell2text/dataset/source_files.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
namespace test = cell2text::test;

TEST_CASE("dataset stage: found where its key is the same, computed anew where not, gone where computing it fails") {
  const test::TemporaryFolder folder;
  const auto at = folder / "stages/filter";
  int computed = 0;
  const auto body = [&](const std::filesystem::path& partial) {
    test::write_file(partial / "table.csv", std::to_string(++computed));
    return nlohmann::json{{"cells", 5}};
  };
  dataset::Stage first(at, "one");
  CHECK_FALSE(first.done());
  first.run(body);
  CHECK(first.done());
  CHECK(first.facts()["cells"] == 5);
  CHECK(dataset::Stage(at, "one").done());
  dataset::Stage other(at, "two");
  CHECK_FALSE(other.done());
  CHECK_THROWS_AS(other.run([](const std::filesystem::path&) -> nlohmann::json { throw InputError("no"); }),
                  InputError);
  CHECK(dataset::Stage(at, "one").done());  // what was there stays
  other.run(body);
  CHECK(test::read_file(at / "table.csv") == "2");
  CHECK_FALSE(dataset::Stage(at, "one").done());
  test::write_file(at / "stage.json", "{");
  CHECK_FALSE(dataset::Stage(at, "two").done());

  FilterSettings settings;
  const auto key = [&] { return dataset::StageKey("filter", 1).on("inputs").settings(settings).text(); };
  const std::string before = key();
  CHECK(key() == before);
  settings.minimum_genes = 7;
  CHECK(key() != before);
}

TEST_CASE("dataset files: a hash follows the bytes and not the name; what has not changed is not read again") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "a", "counts");
  test::write_file(folder / "b", "counts");
  test::write_file(folder / "memory", "no json");
  dataset::FileHashes hashes(folder / "memory");
  CHECK(hashes.of(folder / "a") == hashes.of(folder / "b"));
  const std::string before = hashes.of(folder / "a");
  test::write_file(folder / "a", "Counts!");
  CHECK(hashes.of(folder / "a") != before);
  CHECK(dataset::FileHashes(folder / "memory").of(folder / "a") == hashes.of(folder / "a"));
  std::filesystem::create_directory(folder / "matrix");
  test::write_file(folder / "matrix/one", "1");
  const std::string one = hashes.of(folder / "matrix");
  test::write_file(folder / "matrix/two", "2");
  CHECK(hashes.of(folder / "matrix") != one);
  Value settings;
  settings.set("path", Value((folder / "a").string()));
  settings.set("counts", Value(std::string("X")));
  const std::string identity = dataset::source_identity(settings, hashes);
  std::filesystem::rename(folder / "a", folder / "c");
  settings.set("path", Value((folder / "c").string()));
  CHECK(dataset::source_identity(settings, hashes) == identity);
  settings.set("counts", Value(std::string("raw/X")));
  CHECK(dataset::source_identity(settings, hashes) != identity);
  CHECK_THROWS_AS(hashes.of(folder / "none"), InputError);
}
