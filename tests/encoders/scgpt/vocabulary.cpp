// scGPT's vocabulary: reading, special tokens, and genes found by symbol or by Ensembl id.
#include "vocabulary.hpp"

#include "encoders/cells.hpp"

using cell2text::GeneTable;
using cell2text::InputError;
using cell2text::scgpt::Vocabulary;
namespace test = cell2text::test;
using Tokens = std::vector<std::int64_t>;

namespace {

/// TP53 0, CD4 1, MS4A1 2 and the special tokens; names know TP53, CD4, and MS4A1 also as CD20.
struct Files {
  test::TemporaryFolder folder;
  Files() {
    test::write_json(folder / "vocab.json", {{"TP53", 0}, {"CD4", 1}, {"MS4A1", 2}, {"<pad>", 3}});
    test::write_json(folder / "names.json",
                     {{"TP53", "ENSG141"}, {"CD4", "ENSG610"}, {"MS4A1", "ENSG156"}, {"CD20", "ENSG156"}});
  }
  Vocabulary open(bool names = true) const {
    return Vocabulary::open(folder / "vocab.json", names ? folder / "names.json" : std::filesystem::path());
  }
};

GeneTable table(GeneTable::Kind kind, std::vector<std::string> ids, std::vector<std::string> symbols = {}) {
  return {std::move(ids), std::move(symbols), kind};
}

std::string refused(const nlohmann::json& json) {
  const test::TemporaryFolder folder;
  test::write_json(folder / "vocab.json", json);
  return test::message_of<InputError>([&] { Vocabulary::open(folder / "vocab.json", ""); });
}

}  // namespace

TEST_CASE("scgpt vocabulary: special tokens that are missing are put at the end") {
  const Vocabulary vocabulary = Files().open();
  CHECK(vocabulary.size() == 6);
  CHECK(vocabulary.pad() == 3);
  CHECK(vocabulary.cls() == 4);
}

TEST_CASE("scgpt vocabulary: symbols are found as they stand, without a genome's prefix, and by their other names") {
  const Vocabulary vocabulary = Files().open();
  const auto symbols =
      table(GeneTable::Kind::symbol, {"CD4", "GRCh38_TP53", "mm10_CD4", "CD20", "<cls>", "tp53", "", "none"});
  CHECK(vocabulary.find(symbols) == Tokens{1, 0, -1, 2, -1, -1, -1, -1});
  CHECK(Files().open(false).find(symbols) == Tokens{1, 0, -1, -1, -1, -1, -1, -1});
}

TEST_CASE("scgpt vocabulary: a file with Ensembl ids is read by its symbols, else by the names") {
  const auto ids = std::vector<std::string>{"ENSG00000000610.3", "ENSG156", "ENSG9"};
  const auto with = table(GeneTable::Kind::ensembl, ids, {"CD4", "B1", "TP53"});
  CHECK(Files().open().find(with) == Tokens{1, 2, 0});
  CHECK(Files().open(false).find(with) == Tokens{1, -1, 0});
  const auto mouse = table(GeneTable::Kind::ensembl, {"ENSMUSG00000000610", "mm10_x"}, {"CD4", "TP53"});
  CHECK(Files().open().find(mouse) == Tokens{-1, -1});
  const auto without = table(GeneTable::Kind::ensembl, {"ENSG610", "ENSG156.4", "GRCh38_ENSG141"});
  CHECK(Files().open().find(without) == Tokens{1, 2, 0});
  const auto message = test::message_of<InputError>([&] { Files().open(false).find(without); });
  CHECK(test::has(message, "'gene_names'"));
  CHECK(Files().open(false).find(table(GeneTable::Kind::ensembl, {})).empty());
  CHECK(Files().open(false).find(table(GeneTable::Kind::ensembl, {"a barcode"})) == Tokens{-1});
}

TEST_CASE("scgpt vocabulary: what was saved opens as the same") {
  const test::TemporaryFolder saved;
  Files().open().save(saved.path());
  const Vocabulary again = Vocabulary::open(saved / "vocab.json", saved / "gene_name_id_dict.json");
  CHECK(again.size() == 6);
  CHECK(again.cls() == 4);
  CHECK(again.find(table(GeneTable::Kind::ensembl, {"ENSG156"})) == Tokens{2});
}

TEST_CASE("scgpt vocabulary: ids with gaps, twice or below 0, and a file without genes are refused") {
  CHECK(test::has(refused({{"A", 0}, {"B", 2}}), "run from 0 to 1"));
  CHECK(test::has(refused({{"A", -1}, {"B", 0}}), "'A' has id -1"));
  CHECK(test::has(refused({{"A", 0}, {"B", 0}}), "both have id 0"));
  CHECK(test::has(refused({{"<pad>", 0}}), "no genes"));
  CHECK(test::has(refused(nlohmann::json::object()), "no genes"));
  CHECK(test::has(refused({{"A", "x"}}), "vocab.json"));
  CHECK(test::has(refused({1, 2}), "vocab.json"));
}
