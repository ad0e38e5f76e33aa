// Lists of labels that a user writes, against what stands in an ontology.
#include "cell2text/ontology/label_list.hpp"

#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using namespace cell2text;

namespace {

const std::vector<KnownLabel> listed_cells{{"T cell", "CL:0000084"},
                                           {"CD8-positive, alpha-beta T cell", "CL:0000625"},
                                           {"B cell", {}},
                                           {"b CELL", "CL:0000999"},
                                           {"monocyte", {}}};

std::vector<Ontology> small_ontology() {
  std::vector<Ontology> all;
  all.push_back(
      Ontology::parse("[Term]\nid: CL:0000542\nname: lymphocyte\n\n"
                      "[Term]\nid: CL:0000084\nname: T cell\nis_a: CL:0000542\n\n"
                      "[Term]\nid: CL:0000625\nname: CD8 T\nis_a: CL:0000084\n\n"
                      "[Term]\nid: CL:0000576\nname: monocyte\nrelationship: part_of CL:0000542\n\n"
                      "[Term]\nid: CL:0000001\nname: old\nis_obsolete: true\nreplaced_by: CL:0000084\n\n"
                      "[Term]\nid: CL:0000002\nname: gone\nis_obsolete: true\n",
                      "small.obo"));
  return all;
}

struct ListFile {
  test::TemporaryFolder folder;
  ListedLabels read(const std::string& text, const std::vector<Ontology>& ontologies = {}) const {
    test::write_file(folder / "list.txt", text);
    return read_label_list(folder / "list.txt", listed_cells, ontologies);
  }
};

using ListedNames = std::vector<std::string>;

}  // namespace

TEST_CASE("label list: names, in any case, and ids; comments and empty lines are skipped") {
  const ListFile f;
  const ListedLabels some = f.read("\xEF\xBB\xBF# mine\n\n t CELL \r\nCL:0000625\nmoon cell\nB cell\n");
  CHECK(some.names == ListedNames{"B cell", "CD8-positive, alpha-beta T cell", "T cell"});
  CHECK(some.unknown == ListedNames{"moon cell"});
  CHECK(find_label(listed_cells, "b cell") == nullptr);  // two names in other cases
  CHECK(find_label(listed_cells, "b CELL") == &listed_cells[3]);
}

TEST_CASE("label list: with an ontology an entry allows all kinds below it, and the parts of an anatomy") {
  const ListFile f;
  CHECK(f.read("lymphocyte\n", small_ontology()).names == ListedNames{"CD8-positive, alpha-beta T cell", "T cell"});
  CHECK(f.read("CL:0000001", small_ontology()).names == ListedNames{"CD8-positive, alpha-beta T cell", "T cell"});
  CHECK(f.read("CL:0000576", small_ontology()).names == ListedNames{"monocyte"});
  CHECK(f.read("CD8 T\nb CELL", small_ontology()).names == ListedNames{"CD8-positive, alpha-beta T cell", "b CELL"});
  std::vector<Ontology> anatomy;
  anatomy.push_back(
      Ontology::parse("[Term]\nid: UBERON:1\nname: lung\nis_a: UBERON:2\n\n"
                      "[Term]\nid: UBERON:2\nname: lobe\nrelationship: part_of UBERON:1\n",  // a ring ends nowhere
                      "small.obo"));
  test::write_file(f.folder / "list.txt", "UBERON:1\n");
  CHECK(read_label_list(f.folder / "list.txt", {{"upper lobe", "UBERON:2"}, {"blood", {}}}, anatomy).names ==
        ListedNames{"upper lobe"});
}

TEST_CASE("label list: what cannot be used is refused by file and line") {
  const ListFile f;
  const auto refused = [&](const std::string& text, const std::vector<Ontology>& ontologies, const std::string& part) {
    CHECK_THROWS_WITH_AS(f.read(text, ontologies), doctest::Contains(part.c_str()), InputError);
  };
  refused("", {}, "list.txt lists no labels");
  refused("# nothing\n\n", {}, "list.txt lists no labels");
  refused("moon cell\nmoncyte\n", {}, "knows none of the 2 labels that it lists; the first is 'moon cell'");
  refused("moncyte", {}, "did you mean 'monocyte'?");
  refused("T cell\nCL:7777777\n", small_ontology(), "list.txt:2: 'CL:7777777' is no id of a current term");
  refused("CL:0000002", small_ontology(), "'CL:0000002' is no id of a current term");
  refused("moon cell", small_ontology(), "list.txt:1: 'moon cell' is neither a name in the ontology");
  CHECK_THROWS_AS(read_label_list(f.folder / "nowhere", listed_cells, {}), InputError);
  const std::vector<KnownLabel> many(30, {"a long name", {}});
  CHECK(nearest_label("zzz", many).ends_with("a long name, ..."));
  CHECK((is_term_id("CL:1") && !is_term_id("CL:") && !is_term_id(":1") && !is_term_id("a b:1") && !is_term_id("CL:x")));
}
