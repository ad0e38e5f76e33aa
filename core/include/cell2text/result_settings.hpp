// Which settings of an experiment change nothing in its result. Stands here once: a run may be resumed with others, and
// the runs of a grid are told apart without them.
#pragma once

#include <algorithm>
#include <string_view>

namespace cell2text {

/// `key` in dots as experiment.toml has it, or the name of a table, of which then all is meant. Device and threads may
/// change the last digits of a result, as another machine may; a resumed run says so where they differ.
inline bool changes_no_result(std::string_view key) {
  static constexpr std::string_view keys[] = {
      "name",
      "threads",
      "device",
      "encoder.cache",
      "encoder.cache_folder",
      "encoder.cache_limit",
      "training.checkpoint_minutes",
      "training.checkpoint_steps",
  };
  return std::ranges::find(keys, key) != std::end(keys);
}

}  // namespace cell2text
