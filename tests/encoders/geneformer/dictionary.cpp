// GeneDictionary: reading, looking up columns, saving, and what is refused.
#include "dictionary.hpp"

#include "encoders/cells.hpp"

using cell2text::find_dictionary;
using cell2text::GeneTable;
using cell2text::InputError;
using cell2text::geneformer::Gene;
using cell2text::geneformer::GeneDictionary;
namespace test = cell2text::test;

namespace {

GeneDictionary open(const test::TemporaryFolder& folder) {
  const auto path = [&](const char* name) {
    return std::filesystem::exists(folder / name) ? folder / name : std::filesystem::path();
  };
  return GeneDictionary::open({folder / "token_dictionary.json", folder / "gene_median_dictionary.json",
                               path("ensembl_mapping_dict.json"), path("gene_name_id_dict.json")});
}

std::vector<std::int64_t> tokens_of(const GeneDictionary& dictionary, std::vector<std::string> ids,
                                    GeneTable::Kind kind = GeneTable::Kind::ensembl) {
  GeneTable table;
  table.ids = std::move(ids);
  table.kind = kind;
  std::vector<std::int64_t> tokens;
  for (const Gene* gene : dictionary.find(table)) tokens.push_back(gene ? gene->token : -1);
  return tokens;
}

}  // namespace

TEST_CASE("dictionary: ids are found without their version, others are not") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3});
  const auto dictionary = open(folder);
  CHECK(dictionary.vocabulary_size() == 7);
  CHECK(dictionary.num_genes() == 3);
  CHECK(dictionary.special("<cls>") == 2);
  CHECK_FALSE(dictionary.special("<sep>"));
  CHECK(tokens_of(dictionary, {"ENSG2", "ENSG0.12", "ENSG1.3_PAR_Y", "ENSG9", "ERCC-1", "<cls>", ""}) ==
        std::vector<std::int64_t>{6, 4, 5, -1, -1, -1, -1});
}

TEST_CASE("dictionary: genome prefixes are left out; a mouse symbol never becomes a human gene") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3});
  test::write_json(folder / "gene_name_id_dict.json", {{"ABC", "ENSG0"}});
  test::write_json(folder / "ensembl_mapping_dict.json", {{"OLD", "ENSG1"}});
  const auto dictionary = open(folder);
  CHECK(tokens_of(dictionary, {"GRCh38_ENSG2.4", "hg19-ENSG0", "mm10___ENSMUSG0", "GRCh38______ENSG1"}) ==
        std::vector<std::int64_t>{6, 4, -1, 5});
  CHECK(tokens_of(dictionary, {"GRCh38_ABC", "GRCh38_Old", "mm10___Abc"}, GeneTable::Kind::symbol) ==
        std::vector<std::int64_t>{4, 5, -1});
  CHECK(tokens_of(dictionary, {"mm10___Old"}, GeneTable::Kind::symbol) == std::vector<std::int64_t>{-1});
}

TEST_CASE("dictionary: retired ids lead to current ones, in any case of letters") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3});
  test::write_json(folder / "ensembl_mapping_dict.json",
                   {{"ENSG77", "ENSG1"}, {"ENSG78", "ENSG900"}, {"ENSG0", "ENSG2"}});
  CHECK(tokens_of(open(folder), {"ENSG77.1", "ensg77", "ENSG78", "ENSG0", "ENSG1"}) ==
        std::vector<std::int64_t>{5, 5, -1, 6, 5});
}

TEST_CASE("dictionary: symbols go by name, and by an older name only where nobody else claims the gene") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3, 4});
  test::write_json(folder / "gene_name_id_dict.json", {{"ABC", "ENSG0"}, {"C1orf2", "ENSG1"}, {"XYZ", "ENSG50"}});
  test::write_json(folder / "ensembl_mapping_dict.json",
                   {{"OLDABC", "ENSG0"}, {"OLD2", "ENSG2"}, {"OLD3", "ENSG3"}, {"OLDER3", "ENSG3"}});
  const auto kind = GeneTable::Kind::symbol;
  CHECK(tokens_of(open(folder), {"ABC", "OLDABC", "old2", "OLD3", "OLDER3", "C1orf2", "XYZ", "nothing", "nothing"},
                  kind) == std::vector<std::int64_t>{4, -1, 6, -1, -1, 5, -1, -1, -1});
  CHECK(tokens_of(open(folder), {"ABC", "ABC"}, kind) == std::vector<std::int64_t>{4, 4});
}

TEST_CASE("dictionary: symbols without a dictionary of names are refused") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1});
  const auto message = test::message_of<InputError>([&] { tokens_of(open(folder), {"CD4"}, GeneTable::Kind::symbol); });
  CHECK(message.find("CD4") != std::string::npos);
  CHECK(message.find("gene_names") != std::string::npos);
}

TEST_CASE("dictionary: files that contradict themselves or each other are refused") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2});
  const auto tokens = folder / "token_dictionary.json", medians = folder / "gene_median_dictionary.json";
  SUBCASE("two genes with one token") {
    test::write_json(tokens, {{"ENSG0", 4}, {"ENSG1", 4}});
  }
  SUBCASE("a negative token") {
    test::write_json(tokens, {{"ENSG0", -4}});
  }
  SUBCASE("a token beyond 31 bits") {
    test::write_json(tokens, {{"ENSG0", 1LL << 31}});
  }
  SUBCASE("no genes") {
    test::write_json(tokens, {{"<pad>", 0}});
  }
  SUBCASE("a gene without a median") {
    test::write_json(medians, {{"ENSG0", 1.0}});
  }
  SUBCASE("a median of zero") {
    test::write_json(medians, {{"ENSG0", 0.0}, {"ENSG1", 1.0}});
  }
  SUBCASE("a negative median") {
    test::write_json(medians, {{"ENSG0", -1.0}, {"ENSG1", 1.0}});
  }
  SUBCASE("a missing file") {
    std::filesystem::remove(medians);
  }
  const auto message = test::message_of<InputError>([&] { open(folder); });
  CHECK(message.find(folder.path().string()) != std::string::npos);
}

TEST_CASE("dictionary: what was saved opens again, bit for bit") {
  const test::TemporaryFolder folder, other;
  test::write_dictionaries(folder.path(), {0.1, 1.7629378614450941, 7.158424271565943e-07});
  test::write_json(folder / "ensembl_mapping_dict.json", {{"ENSG77", "ENSG1"}});
  test::write_json(folder / "gene_name_id_dict.json", {{"ABC", "ENSG0"}});
  open(folder).save(other.path());
  for (const char* name :
       {"token_dictionary.json", "gene_median_dictionary.json", "ensembl_mapping_dict.json", "gene_name_id_dict.json"})
    CHECK(nlohmann::json::parse(test::read_file(other / name)) ==
          nlohmann::json::parse(test::read_file(folder / name)));
}

TEST_CASE("dictionary: a folder is searched, and two candidates are refused") {
  const test::TemporaryFolder folder;
  CHECK(find_dictionary(folder.path(), "token_dictionary", "token_dictionary").empty());
  CHECK(find_dictionary(folder / "missing", "token_dictionary", "token_dictionary").empty());
  test::write_file(folder / "token_dictionary_gc104M.pkl", "x");
  test::write_file(folder / "token_dictionary.txt", "x");
  CHECK(find_dictionary(folder.path(), "token_dictionary", "key") == folder / "token_dictionary_gc104M.pkl");
  test::write_file(folder / "token_dictionary_gc30M.pkl", "x");
  const auto message =
      test::message_of<InputError>([&] { find_dictionary(folder.path(), "token_dictionary", "the_key"); });
  CHECK(message.find("gc30M") != std::string::npos);
  CHECK(message.find("the_key") != std::string::npos);
}
