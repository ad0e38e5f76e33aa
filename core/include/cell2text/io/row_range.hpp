// A range of rows of a file.
#pragma once

#include <cstdint>

namespace cell2text {

struct RowRange {
  std::int64_t first = 0, count = 0;
};

}  // namespace cell2text
