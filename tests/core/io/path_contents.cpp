#include "cell2text/io/path_contents.hpp"

#include "support/oracle.hpp"

using cell2text::PathContents;
namespace test = cell2text::test;

TEST_CASE("path contents: a folder counts by the files in it") {
  const test::TemporaryFolder a, b;
  for (const auto* folder : {&a, &b}) {
    test::write_file(*folder / "config.json", "{}");
    test::write_file(*folder / "model.safetensors", std::string(100, 'w'));
  }
  PathContents contents;
  const std::string same = contents.of(a.path().string());
  CHECK(contents.of(b.path().string()) == same);
  test::write_file(b / "model.safetensors", std::string(99, 'w') + "x");
  CHECK(contents.of(b.path().string()) == same);  // looked at once
  CHECK(PathContents().of(b.path().string()) != same);
  CHECK(contents.of((a / "config.json").string()) == contents.of((b / "config.json").string()));
  CHECK(PathContents().of("/nonexistent/folder") == "/nonexistent/folder");
}
