#include "cell2text/cells/without_counts.hpp"

#include <doctest/doctest.h>

#include "support/toy_cells.hpp"

namespace test = cell2text::test;

TEST_CASE("without_counts: cells that express nothing leave the lists, the others keep their order") {
  std::vector<std::int64_t> expressed(3000, 2);
  for (const int row : {0, 7, 1023, 1024, 2999}) expressed[row] = 0;
  expressed[8] = -1;  // a gene that no encoder knows is a count as well
  const cell2text::SourceHandle source = test::toy_source(expressed);
  std::vector<std::int64_t> train{2999, 5, 7, 8, 1023, 1022}, validation{1024, 0}, none;
  CHECK(cell2text::leave_out_empty(source, {&train, &validation, &none}) == 5);
  CHECK(train == std::vector<std::int64_t>{5, 8, 1022});
  CHECK(validation.empty());
  CHECK(cell2text::leave_out_empty(source, {&train}) == 0);
}
