// Whole numbers counted in classes of equal width, for tables and plots.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cell2text {

/// How often each number occurs.
using NumberCounts = std::map<std::int64_t, std::int64_t>;

/// Counts of numbers in classes of equal width: class i holds first + i * width up to below the next.
struct Histogram {
  std::string what;
  std::int64_t first = 0, width = 1;
  std::vector<std::int64_t> counts;
  double mean = 0;
  std::int64_t smallest = 0, largest = 0, numbers = 0;
};

/// At most `classes` classes, of a width of 1, 2 or 5 times a power of ten; empty where there are no numbers.
inline Histogram histogram(std::string what, const NumberCounts& of, std::int64_t classes = 60) {
  Histogram all{std::move(what), 0, 1, {}, 0, 0, 0, 0};
  if (of.empty()) return all;
  const std::int64_t least = of.begin()->first, most = of.rbegin()->first;
  all.smallest = least, all.largest = most;
  while ((most - least) / all.width + 1 > classes) {
    const bool two = std::to_string(all.width).front() == '2';  // 1, 2, 5, 10, 20, ...
    all.width = two ? all.width / 2 * 5 : all.width * 2;
  }
  all.first = least / all.width * all.width;
  all.counts.resize(static_cast<std::size_t>((most - all.first) / all.width + 1));
  double sum = 0;
  for (const auto& [number, count] : of) {
    all.counts[static_cast<std::size_t>((number - all.first) / all.width)] += count;
    all.numbers += count, sum += static_cast<double>(number) * static_cast<double>(count);
  }
  all.mean = sum / static_cast<double>(all.numbers);
  return all;
}

}  // namespace cell2text
