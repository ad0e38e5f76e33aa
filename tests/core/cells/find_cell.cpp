// A cell by its name: found in any block, told apart from its neighbours, refused where there is none or more than one.
#include "cell2text/cells/find_cell.hpp"

#include <doctest/doctest.h>

#include "support/toy_cells.hpp"

using namespace cell2text;

namespace {

/// Cells of the toy, of which every 600th has the same name.
class TwinSource : public test::ToySource {
 public:
  using ToySource::ToySource;
  CellBatch read(std::span<const std::int64_t> rows) const {
    CellBatch batch = ToySource::read(rows);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i] % 600 == 0) batch.names[i] = "twin";
    return batch;
  }
};

SourceHandle twins(std::int64_t cells) {
  Value table;
  table.set("expressed", {Value::Array(static_cast<std::size_t>(cells), test::number(1)), {}});
  const Context context;
  return SourceHandle(Held<kinds::source>(nullptr, descriptor_of<kinds::source, TwinSource>("twins", ""), table,
                                          {&context, nullptr, {}}));
}

}  // namespace

TEST_CASE("find cell: by its name, wherever it stands") {
  const SourceHandle source = twins(2500);
  for (const std::int64_t row : {1, 1023, 1024, 2499})
    CHECK(find_cell(source, "cell-" + std::to_string(row), "cells.h5ad") == row);
  CHECK(find_cell(twins(600), "twin", "cells.h5ad") == 0);
}

TEST_CASE("find cell: a name that is not there is refused with the nearest one of all blocks") {
  const SourceHandle source = twins(2500);
  CHECK_THROWS_WITH_AS(find_cell(source, "cel-2399", "cells.h5ad"),
                       "cells.h5ad: none of its 2500 cells is named 'cel-2399'; did you mean 'cell-2399'?", InputError);
  CHECK_THROWS_WITH_AS(find_cell(source, "cell--7", "cells.h5ad"), doctest::Contains("did you mean 'cell-7'?"),
                       InputError);
  CHECK_THROWS_WITH_AS(find_cell(source, "ACGTACGTACGT", "cells.h5ad"), doctest::Contains("names are those of obs"),
                       InputError);
}

TEST_CASE("find cell: a name of several cells is refused with their rows") {
  CHECK_THROWS_WITH_AS(find_cell(twins(1300), "twin", "cells.h5ad"),
                       "cells.h5ad: 3 cells are named 'twin', in rows 0, 600, 1200; say which with --row 0",
                       InputError);
  CHECK_THROWS_WITH_AS(find_cell(twins(4000), "twin", "cells.h5ad"), doctest::Contains("2400, ...; say"), InputError);
}
