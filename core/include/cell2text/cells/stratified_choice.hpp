// Some of the cells, of each label its share. Knows nothing of what they are for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cell2text/cells/split.hpp"

namespace cell2text {

/// At most `wanted` of `rows` (ascending, as the result): of each label its share of them to within one cell, the odd
/// ones to the labels that are the most behind. With one seed, a choice of more cells holds that of fewer but for such
/// odd ones. Rows without a label are a group of their own.
inline std::vector<std::int64_t> stratified_choice(
    const std::vector<std::int64_t>& rows, std::int64_t wanted, std::uint64_t seed,
    const std::function<std::optional<std::string>(std::int64_t)>& label) {
  const auto all = static_cast<std::int64_t>(rows.size());
  if (wanted >= all) return rows;
  std::map<std::optional<std::string>, std::vector<std::int64_t>> groups;
  for (const std::int64_t row : rows) groups[label(row)].push_back(row);

  std::mt19937_64 random(seed);
  struct Share {
    const std::vector<std::int64_t>* rows;
    std::int64_t taken, rest;  ///< rest: of wanted * size / all
  };
  std::vector<Share> shares;
  std::int64_t taken = 0;
  for (auto& [name, group] : groups) {
    split_detail::shuffle(group, random);
    const std::int64_t scaled = wanted * std::ssize(group);
    shares.push_back({&group, scaled / all, scaled % all});
    taken += shares.back().taken;
  }
  std::vector<Share*> behind;
  for (Share& share : shares) behind.push_back(&share);
  std::ranges::stable_sort(behind, std::greater{}, [](const Share* share) { return share->rest; });
  for (std::size_t i = 0; taken < wanted; ++i, ++taken) ++behind[i]->taken;

  std::vector<std::int64_t> chosen;
  for (const Share& share : shares) chosen.insert(chosen.end(), share.rows->begin(), share.rows->begin() + share.taken);
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace cell2text
