// A row of one of several decoder states.
#pragma once

#include <cstdint>

namespace cell2text {

struct StateRow {
  std::int64_t state, row;
};

}  // namespace cell2text
