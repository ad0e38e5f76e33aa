#include "plugins/sources/h5ad/kept_names.hpp"

#include <numeric>

#include "files.hpp"

using namespace cell2text;
using namespace cell2text::test;
using h5ad::KeptNames;

TEST_CASE("kept names: what was added in order is there, within the limit") {
  KeptNames names(100);
  names.add(0, {"a", "", "long name"});
  names.add(0, {"a", "", "long name"});  // a second look at the file
  names.add(5, {"beyond"});
  names.add(3, {"b"});
  REQUIRE(names.size() == 4);
  CHECK(names[0] == "a");
  CHECK(names[1] == "");
  CHECK(names[2] == "long name");
  CHECK(names[3] == "b");
  names.add(4, {std::string(100, 'x')});
  CHECK(names.size() == 0);
  names.add(0, {"a"});  // and none is kept from then on
  CHECK(names.size() == 0);
}

TEST_CASE("kept names: a source gives the same names whether it keeps them or not") {
  const TemporaryFolder folder;
  const auto path = make_file(folder, [](const hdf5::Group& root) { write_sparse(root, "X", {}); });
  H5adSource kept(settings_for(path), Context{}), not_kept(settings_for(path), Context{}, 8);
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{0, 1, 2}, {2, 0, 0}, {1}, {}}) {
    CHECK(kept.names(rows) == not_kept.names(rows));
    CHECK(kept.read(rows).names == kept.names(rows));
    CHECK(not_kept.read(rows).names == kept.names(rows));
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(kept.names(rows)[i] == cell_names[rows[i]]);
  }
}
