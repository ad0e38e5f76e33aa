// Going over the counts of many cells: blocks are read one after the other and worked on by several threads.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "cell2text/cells/prefetch.hpp"
#include "cell2text/dataset/sources.hpp"

namespace cell2text::dataset {

/// Some of the cells of a pass: their counts, and the place of the first among all of the pass.
struct CellBlock {
  std::int64_t first = 0;
  CellBatch cells;
};

/// How a pass is done, and who is told.
struct Pass {
  int threads = 1;
  std::int64_t block_cells = 2048;
  std::function<void(std::int64_t done)> progress = [](std::int64_t) {};  ///< may throw, which ends the pass
  /// A source that cannot be read; true passes over its cells from here on. Called on a reading thread.
  std::function<bool(std::int64_t source, const std::exception& error)> damaged =
      [](std::int64_t, const std::exception&) { return false; };
};

/// Calls `work(block)` for all of `cells` (ascending), on several threads, and `use` with what it returned, on this one
/// and in order. Memory: a few blocks. What any of them throws is thrown here.
template <class Work, class Use>
void for_each_block(const Sources& sources, std::span<const std::int64_t> cells, const Pass& pass, const Work& work,
                    const Use& use) {
  using Result = std::invoke_result_t<const Work&, CellBlock>;
  struct Done {
    Result result;
    std::int64_t cells;
  };
  std::int64_t next = 0;
  const auto take = [&]() -> std::optional<typename Prefetch<Done>::Job> {
    while (next < std::ssize(cells)) {
      const std::int64_t source = sources.source_of(cells[next]);
      const auto own = std::lower_bound(cells.begin() + next, cells.end(), sources.end(source)) - cells.begin();
      const std::int64_t count = std::min(own - next, pass.block_cells);
      try {
        auto block = std::make_shared<CellBlock>(next, sources.read(cells.subspan(next, count)));
        next += count;
        return [&work, block, count] { return Done{work(std::move(*block)), count}; };
      } catch (const InputError& error) {
        if (!pass.damaged(source, error)) throw;
        next = own;
      }
    }
    return std::nullopt;
  };
  Prefetch<Done> blocks(take, {static_cast<std::size_t>(pass.threads) + 1, pass.threads});
  std::int64_t done = 0;
  pass.progress(0);
  while (auto one = blocks.next()) {
    use(std::move(one->result));
    pass.progress(done += one->cells);
  }
}

}  // namespace cell2text::dataset
