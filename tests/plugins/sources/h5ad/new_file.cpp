// .h5ad files made from nothing: what the source reads back, and what is refused.
#include "cell2text/io/h5ad_file.hpp"
#include "files.hpp"

namespace cell2text::test {
namespace {

/// Random cells over random genes.
struct MadeCells {
  std::shared_ptr<const GeneTable> genes;
  CellBatch all;

  explicit MadeCells(std::mt19937_64& random) {
    auto table = std::make_shared<GeneTable>();
    for (std::uint64_t i = 0; i <= random() % 40; ++i) {
      table->ids.push_back("ENSG" + std::to_string(10000000000 + i));
      table->symbols.push_back("G" + std::to_string(i));
    }
    genes = table;
    all.genes = genes;
    all.row_starts = {0};
    for (std::uint64_t cell = 0; cell <= random() % 50; ++cell) {
      for (std::int32_t gene = 0; gene < genes->size(); ++gene)
        if (random() % 3 == 0)
          all.columns.push_back(gene), all.counts.push_back(static_cast<float>(1 + random() % 900));
      all.rows.push_back(static_cast<std::int64_t>(cell));
      all.names.push_back("cell-" + std::to_string(cell));
      all.row_starts.push_back(std::ssize(all.columns));
    }
  }

  CellBatch part(std::int64_t first, std::int64_t count) const {
    CellBatch batch{genes, {}, {}, {0}, {}, {}, {}};
    for (std::int64_t cell = first; cell < first + count; ++cell) {
      batch.rows.push_back(cell), batch.names.push_back(all.names[cell]);
      batch.columns.insert(batch.columns.end(), all.columns.begin() + all.row_starts[cell],
                           all.columns.begin() + all.row_starts[cell + 1]);
      batch.counts.insert(batch.counts.end(), all.counts.begin() + all.row_starts[cell],
                          all.counts.begin() + all.row_starts[cell + 1]);
      batch.row_starts.push_back(std::ssize(batch.columns));
    }
    return batch;
  }
  H5adContents contents() const { return {genes, all.size(), std::ssize(all.columns), 0, {}}; }
};

TEST_CASE("new h5ad: random cells come back as they were, whatever the blocks; the same bytes each time") {
  const auto number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  for (int round = 0; round < 8; ++round) {
    INFO("round " << round);
    const MadeCells cells(random);
    H5adContents contents = cells.contents();
    contents.gzip = round % 2 ? 4 : 0;
    LabelColumn labels{"", {"a", "b"}, {}};
    for (std::int64_t i = 0; i < cells.all.size(); ++i)
      labels.codes.push_back(static_cast<std::int32_t>(random() % 3) - 1);
    contents.additions.obs = {{"label", labels}};
    contents.additions.uns = {{"about", Value(std::string("cells"))}};
    const auto write = [&](const std::string& name, std::int64_t block) {
      write_new_h5ad(folder / name, contents,
                     [&](std::int64_t first) { return cells.part(first, std::min(block, cells.all.size() - first)); });
    };
    write("one.h5ad", 1 + static_cast<std::int64_t>(random() % 60));
    write("two.h5ad", contents.gzip ? 50 : 7);
    if (!contents.gzip) {
      const bool same = read_file(folder / "one.h5ad") == read_file(folder / "two.h5ad");
      CHECK(same);
    }
    H5adSource::Settings settings = settings_for(folder / "one.h5ad");
    settings.any_values = true;
    H5adSource source(settings, Context{});
    CHECK(source.genes()->ids == cells.genes->ids);
    CHECK(source.genes()->symbols == cells.genes->symbols);
    const CellBatch read = source.read(cells.all.rows);
    CHECK(read.names == cells.all.names);
    CHECK(read.row_starts == cells.all.row_starts);
    CHECK(read.columns == cells.all.columns);
    CHECK(read.counts == cells.all.counts);
    CHECK(source.labels("label").codes == labels.codes);
  }
}

TEST_CASE("new h5ad: blocks that hold other than what was announced, and unfit names, leave no file") {
  std::mt19937_64 random(5);
  const TemporaryFolder folder;
  const MadeCells cells(random);
  const auto write = [&](const H5adContents& contents, std::int64_t block) {
    write_new_h5ad(folder / "out.h5ad", contents, [&](std::int64_t first) { return cells.part(first, block); });
  };
  H5adContents more = cells.contents(), fewer = cells.contents(), label = cells.contents();
  ++more.nonzeros, fewer.nonzeros = std::max<std::int64_t>(0, fewer.nonzeros - 1);
  CHECK_THROWS_AS(write(more, cells.all.size()), BugError);
  CHECK_THROWS_AS(write(fewer, cells.all.size()), BugError);
  CHECK_THROWS_AS(write(cells.contents(), 0), BugError);
  label.additions.obs = {{"short", std::vector<std::int64_t>(static_cast<std::size_t>(cells.all.size() + 1))}};
  check_says(refusal([&] { write(label, cells.all.size()); }), {"'short'", "cells"});
  label.additions.obs = {{"a/b", std::vector<std::int64_t>(static_cast<std::size_t>(cells.all.size()))}};
  check_says(refusal([&] { write(label, cells.all.size()); }), {"a/b"});
  H5adContents genes = cells.contents();
  auto bad = std::make_shared<GeneTable>(*cells.genes);
  bad->ids.front() = "\xff";
  genes.genes = bad;
  check_says(refusal([&] { write(genes, cells.all.size()); }), {"UTF-8"});
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_THROWS_AS(write_new_h5ad("/proc/out.h5ad", cells.contents(), [&](std::int64_t) { return cells.part(0, 1); }),
                  EnvironmentError);
}

}  // namespace
}  // namespace cell2text::test
