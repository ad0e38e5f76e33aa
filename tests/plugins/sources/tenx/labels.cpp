// The table of labels: which cell gets which line, what type a column has, and what is refused.
#include "files.hpp"

namespace cell2text::test {
namespace {

/// The source over the three barcodes of `TenxParts` with this table.
TenxSource labelled(const TemporaryFolder& folder, const std::string& table, Said& said, std::int64_t min_counts = 0) {
  write_file(folder / "labels.csv", table);
  auto settings = tenx_settings(make_v3(folder));
  settings.labels = (folder / "labels.csv").string();
  settings.min_counts = min_counts;
  return {settings, said.context()};
}
std::string labels_refusal(const std::string& table) {
  const TemporaryFolder folder;
  Said said;
  return refusal([&] { labelled(folder, table, said); });
}

TEST_CASE("labels: lines find their barcodes; values come in order of appearance, absent ones are missing") {
  const TemporaryFolder folder;
  Said said;
  const auto source = labelled(folder,
                               "\"\",cell_type,age,flag,empty\nAAAT-1,\"T cell, β\",7,TRUE,\nGGGG-1,never,8,false,NA\n"
                               "AAAC-1,B cell,NA,False,nan\n",
                               said);
  const auto columns = source.columns();
  REQUIRE(columns.size() == 4);
  CHECK((columns[0].name == "cell_type" && columns[0].type == ColumnInfo::Type::text));
  CHECK((columns[1].name == "age" && columns[1].type == ColumnInfo::Type::number));
  CHECK((columns[2].name == "flag" && columns[2].type == ColumnInfo::Type::boolean));
  CHECK((columns[3].name == "empty" && columns[3].type == ColumnInfo::Type::text));
  const LabelColumn types = source.labels("cell_type");
  CHECK(types.name == "cell_type");
  CHECK(types.values == std::vector<std::string>{"B cell", "T cell, β"});
  CHECK(types.codes == std::vector<std::int32_t>{0, -1, 1});
  CHECK(source.labels("age").codes == std::vector<std::int32_t>{-1, -1, 0});
  CHECK(source.labels("empty").values.empty());
  CHECK(said.has("labels of 2 of 3 cells"));
  CHECK(said.has("1 of its 3 barcodes are not among the cells, such as 'GGGG-1'"));
  check_says(refusal([&] { source.labels("none"); }), {"no column 'none'", "cell_type, age, flag, empty"});
}

TEST_CASE("labels: a column named barcode or cell is taken wherever it stands; one without a name is left out") {
  for (const char* name : {"barcode", "Barcode", "cell"}) {
    const TemporaryFolder folder;
    Said said;
    const auto source = labelled(folder, std::string(",kind,") + name + "\n0,x,AAAC-1\n1,y,AAAG-1\n2,x,AAAT-1\n", said);
    REQUIRE(source.columns().size() == 1);
    CHECK(source.labels("kind").codes == std::vector<std::int32_t>{0, 1, 0});
    CHECK(said.has("column 1 has no name"));
  }
}

TEST_CASE("labels: they are those of the barcodes that are left") {
  const TemporaryFolder folder;
  Said said;
  const auto source = labelled(folder, "barcode,kind\nAAAC-1,x\nAAAG-1,y\nAAAT-1,z\n", said, 6);
  CHECK(source.labels("kind").values == std::vector<std::string>{"x", "z"});
  CHECK(said.has("1 of its 3 barcodes are not among the cells, such as 'AAAG-1'"));
}

TEST_CASE("labels: numbers are numbers only where all are finite") {
  const TemporaryFolder folder;
  Said said;
  const auto source = labelled(folder, "barcode,a,b,c\nAAAC-1,1e3,1,inf\nAAAG-1,-2.5,1x,2\nAAAT-1,,3,3\n", said);
  CHECK(source.columns()[0].type == ColumnInfo::Type::number);
  CHECK(source.columns()[1].type == ColumnInfo::Type::text);
  CHECK(source.columns()[2].type == ColumnInfo::Type::text);
}

TEST_CASE("labels: a table without a barcode of the matrix is refused with an example of each") {
  check_says(labels_refusal("barcode,kind\nAAAC,x\n"),
             {"labels.csv", "none of its barcodes is in", "v3.h5", "'AAAC'", "'AAAC-1'", "-1 may differ"});
}

TEST_CASE("labels: tables that contradict themselves are refused") {
  check_says(labels_refusal("barcode,kind\nAAAC-1,x\nAAAG-1,x\nAAAC-1,y\n"),
             {"labels.csv:4:", "'AAAC-1' stands in line 2 already"});
  check_says(labels_refusal("barcode,kind,kind\nAAAC-1,x,y\n"), {"two columns are named 'kind'"});
  check_says(labels_refusal("barcode\nAAAC-1\n"), {"no column beside that of the barcodes"});
  check_says(labels_refusal("barcode,kind\n"), {"a header and nothing else"});
  check_says(labels_refusal("barcode,kind\nAAAC-1\n"), {"labels.csv:2:", "1 fields"});
  const TemporaryFolder folder;
  auto settings = tenx_settings(make_v3(folder));
  settings.labels = (folder / "none.csv").string();
  check_says(tenx_refusal(settings), {"none.csv does not exist"});
}

}  // namespace
}  // namespace cell2text::test
