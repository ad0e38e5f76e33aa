// Which cell types a page tells apart: of more than it can show, the most frequent; the others are one, "other".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cell2text::driver {

/// Cells by name.
using NamedCounts = std::map<std::string, std::int64_t>;

/// All of `counts`, the largest first; as large ones by name.
inline std::vector<std::pair<std::string, std::int64_t>> largest(const NamedCounts& counts) {
  std::vector<std::pair<std::string, std::int64_t>> all(counts.begin(), counts.end());
  std::ranges::stable_sort(all, std::greater{}, [](const auto& one) { return one.second; });
  return all;
}

class ShownTypes {
 public:
  /// At most `most` of the types in `counts`.
  ShownTypes(const NamedCounts& counts, std::size_t most) {
    for (const auto& [type, cells] : largest(counts))
      if (frequent_.size() < most) frequent_.insert(type);
  }

  /// What the type is called on the page.
  const std::string& name(const std::string& type) const {
    static const std::string other = "other";
    return frequent_.contains(type) ? type : other;
  }
  /// Counts by what types are called.
  NamedCounts counts(const NamedCounts& all) const {
    NamedCounts shown;
    for (const auto& [type, cells] : all) shown[name(type)] += cells;
    return shown;
  }

 private:
  std::set<std::string> frequent_;
};

}  // namespace cell2text::driver
