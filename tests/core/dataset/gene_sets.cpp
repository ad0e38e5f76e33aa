#include "cell2text/dataset/gene_sets.hpp"

#include <doctest/doctest.h>

#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::dataset;
using test::says;

namespace {

std::vector<GeneSet> read_gmt(const std::string& bytes) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "sets.gmt", bytes);
  return read_gene_sets(folder / "sets.gmt");
}

std::string gmt_refusal(const std::string& bytes) {
  try {
    read_gmt(bytes);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("gmt: sets in the order of the file, each gene once") {
  const auto sets = read_gmt("\xEF\xBB\xBF# from MSigDB\r\nB\thttp://b\tTP53\tMYC\tTP53\r\n\r\nA\t\tIL6\t\t");
  REQUIRE(sets.size() == 2);
  CHECK(sets[0].name == "B");
  CHECK(sets[0].description == "http://b");
  CHECK(sets[0].genes == std::vector<std::string>{"TP53", "MYC"});
  CHECK(says(sets[0].where, "sets.gmt:2"));
  CHECK(sets[1].name == "A");
  CHECK(sets[1].description.empty());
  CHECK(sets[1].genes == std::vector<std::string>{"IL6"});
}

TEST_CASE("gmt: damage is refused with file and line") {
  CHECK(says(gmt_refusal("A\td\tG1\nB\td\n"), "sets.gmt:2: 2 fields"));
  CHECK(says(gmt_refusal("A\td\t\t\n"), "sets.gmt:1: 2 fields"));
  CHECK(says(gmt_refusal("A d G1\n"), "1 fields"));
  CHECK(says(gmt_refusal("A\td\tG1\t\tG2\n"), "sets.gmt:1: an empty field among the genes of 'A'"));
  CHECK(says(gmt_refusal("\td\tG1\n"), "sets.gmt:1: a gene set without a name"));
  const std::string twice = gmt_refusal("A\td\tG1\nB\td\tG1\nA\td\tG2\n");
  CHECK(says(twice, "sets.gmt:3: the gene set 'A' is there already"));
  CHECK(says(twice, "sets.gmt:1)"));
  CHECK(says(gmt_refusal("\x1f\x8b\x08\t1\t2\n"), "sets.gmt:1: bytes that are no UTF-8"));
  CHECK(says(gmt_refusal("\n# nothing\n"), "holds no gene sets"));
  CHECK(says(gmt_refusal(""), "is empty (0 bytes)"));
}

TEST_CASE("gmt: the Hallmark sets of the demo, and the descriptions that belong to them") {
  const auto folder = test::source_dir() / "data/demo/pathways";
  const auto sets = read_gene_sets(folder / "h.all.v2025.1.Hs.symbols.gmt");
  REQUIRE(sets.size() == 50);
  std::size_t genes = 0;
  for (const auto& set : sets) genes += set.genes.size();
  CHECK(genes == 7322);
  std::istringstream lines(test::read_file(folder / "hallmark_descriptions.tsv"));
  std::vector<std::string> described;
  for (std::string line; std::getline(lines, line);) described.push_back(line.substr(0, line.find('\t')));
  REQUIRE(described.size() == 50);
  for (const auto& set : sets) CHECK(std::ranges::count(described, set.name) == 1);
}

TEST_CASE("gene sets: columns are found by symbol, or by id where there are no symbols; unselected ones are left out") {
  const auto sets = read_gmt("A\t\tTP53\tMYC\tIL6\tABSENT\nB\t\tABSENT\nC\t\tENSG0000001\tENSG0000002\n");
  GeneTable table{{"ENSG0000003", "ENSG0000001.4", "ENSG0000005", "ENSG0000006"}, {"IL6", "MYC", "TP53", "MYC"}, {}};
  const std::vector<std::uint8_t> selected = {1, 1, 0, 1};
  const auto by_symbol = map_gene_sets(sets, table, selected);
  REQUIRE(by_symbol.size() == 3);
  CHECK(by_symbol[0].name == "A");
  CHECK(by_symbol[0].genes == 4);
  CHECK(by_symbol[0].found == 3);
  CHECK(by_symbol[0].columns == std::vector<std::int32_t>{0, 1});  // the first of two columns that are called MYC
  CHECK(by_symbol[0].coverage() == 0.5);
  CHECK(by_symbol[1].found == 0);
  CHECK(by_symbol[2].found == 0);
  CHECK(available_columns(by_symbol, 0.5) == std::vector<std::vector<std::int32_t>>{{0, 1}, {}, {}});
  CHECK(available_columns(by_symbol, 0.51) == std::vector<std::vector<std::int32_t>>{{}, {}, {}});
  table.symbols.clear();
  const auto by_id = map_gene_sets(sets, table, selected);
  CHECK(by_id[0].found == 0);
  CHECK(by_id[2].columns == std::vector<std::int32_t>{1});
  CHECK(by_id[2].coverage() == 0.5);
}

TEST_CASE("gene sets: names of another kind than the data's are refused") {
  const auto sets = read_gmt("A\t\tTP53\tMYC\n");
  const GeneTable table{{"ENSG0000003"}, {}, {}};
  try {
    map_gene_sets(sets, table, std::vector<std::uint8_t>{1});
    FAIL("nothing was thrown");
  } catch (const InputError& error) {
    CHECK(says(error.what(), "sets.gmt:1: no gene of any set is in the data"));
    CHECK(says(error.what(), "'TP53'"));
    CHECK(says(error.what(), "'ENSG0000003'"));
  }
}
