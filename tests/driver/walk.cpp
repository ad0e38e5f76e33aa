// docs/walk.md as a new user would try it: every block is run, from a 10x folder to a picture.
#include "driver/template_model.hpp"

using namespace cell2text::test;

TEST_CASE(
    "oracle: the walk of the docs: a 10x folder becomes a UMAP with descriptions, each block as it stands there") {
  const auto done = oracle("walk.py", seed(),
                           {(source_dir() / "docs/walk.md").string(), template_model().string(),
                            (source_dir() / "data").string(), (build_dir() / "bin").string()});
  CHECK(std::filesystem::exists(done / "ok"));
}
