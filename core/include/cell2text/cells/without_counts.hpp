// Finds cells that express nothing. What becomes of them is for the caller to say: training leaves them out, describing
// keeps and marks them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// Takes the rows whose cells express nothing out of each list; returns how many. Reads the file once, in order.
inline std::int64_t leave_out_empty(const SourceHandle& source,
                                    std::initializer_list<std::vector<std::int64_t>*> lists) {
  constexpr std::int64_t step = 1024;
  std::vector<bool> empty(static_cast<std::size_t>(source.size()));
  std::vector<std::int64_t> rows;
  for (std::int64_t first = 0; first < source.size(); first += step) {
    rows.resize(std::min(step, source.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    const CellBatch cells = source.read(rows);
    for (std::int64_t cell = 0; cell < cells.size(); ++cell)
      empty[first + cell] = std::ranges::none_of(cells.counts_of(cell), [](float count) { return count > 0; });
  }
  std::int64_t left_out = 0;
  for (auto* list : lists)
    left_out += static_cast<std::int64_t>(std::erase_if(*list, [&](std::int64_t row) { return empty[row]; }));
  return left_out;
}

}  // namespace cell2text
