// Which pairs of texts are compared together, so that each text is computed once, or seldom more often, and no more
// vectors are held than asked for. Computes nothing itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace cell2text::bertscore {

/// Texts by number.
struct TextPair {
  std::size_t reference = 0, prediction = 0;
  auto operator<=>(const TextPair&) const = default;
};

/// Numbers texts and pairs of them, equal ones alike.
class DistinctTexts {
 public:
  /// The number of a text, which outlives this object.
  std::size_t add(std::string_view text) {
    const auto [place, is_new] = numbers_.emplace(text, texts_.size());
    if (is_new) texts_.push_back(text);
    return place->second;
  }
  const std::vector<std::string_view>& texts() const { return texts_; }

 private:
  std::map<std::string_view, std::size_t> numbers_;
  std::vector<std::string_view> texts_;
};

/// Pairs that are compared together, and the texts they are made of.
struct Bucket {
  std::vector<TextPair> pairs;
  std::vector<std::size_t> texts;  ///< each once
};

/// Puts pairs, each once and in order, into buckets of texts with at most `most` tokens together; a pair that has more
/// is alone. `lengths` are the texts'.
inline std::vector<Bucket> make_buckets(std::vector<TextPair> pairs, const std::vector<std::int64_t>& lengths,
                                        std::int64_t most) {
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  std::vector<Bucket> buckets;
  std::vector<std::size_t> last(lengths.size());  // the bucket that a text is in, and one
  std::int64_t tokens = 0;
  for (const TextPair& pair : pairs) {
    const auto more = [&] {
      const bool two = pair.reference != pair.prediction;
      std::int64_t sum = last[pair.reference] == buckets.size() ? 0 : lengths[pair.reference];
      if (two && last[pair.prediction] != buckets.size()) sum += lengths[pair.prediction];
      return sum;
    };
    if (buckets.empty() || tokens + more() > most) buckets.emplace_back(), tokens = 0;
    tokens += more();
    for (const std::size_t text : {pair.reference, pair.prediction}) {
      if (last[text] == buckets.size()) continue;
      last[text] = buckets.size();
      buckets.back().texts.push_back(text);
    }
    buckets.back().pairs.push_back(pair);
  }
  return buckets;
}

/// Which texts' vectors are kept from one bucket for the next ones: of those that are needed again, the ones that are
/// needed soonest, as far as there is room.
class KeptTexts {
 public:
  KeptTexts(const std::vector<Bucket>& buckets, const std::vector<std::int64_t>& lengths, std::int64_t most)
      : buckets_(buckets), lengths_(lengths), most_(most), uses_(lengths.size()) {
    for (std::size_t i = buckets.size(); i-- > 0;)
      for (const std::size_t text : buckets[i].texts) uses_[text].push_back(i);  // the next one last
  }

  /// Goes on to bucket `number`; buckets come in order. Calls `drop(text)` for each text whose vectors go before.
  template <class Drop>
  void start(std::size_t number, const Drop& drop) {
    std::int64_t tokens = 0;
    for (const std::size_t text : buckets_[number].texts) tokens += lengths_[text], uses_[text].pop_back();
    std::vector<std::size_t> here = buckets_[number].texts;
    std::ranges::sort(here);
    std::vector<std::size_t> others;
    std::ranges::set_difference(held_, here, std::back_inserter(others));
    std::ranges::stable_sort(others, {}, [&](std::size_t text) { return next_use(text); });
    held_ = here;
    for (const std::size_t text : others) {
      if (next_use(text) == never || tokens + lengths_[text] > most_) {
        drop(text);
      } else {
        tokens += lengths_[text];
        held_.push_back(text);
      }
    }
    std::ranges::sort(held_);
  }

 private:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  std::size_t next_use(std::size_t text) const { return uses_[text].empty() ? never : uses_[text].back(); }

  const std::vector<Bucket>& buckets_;
  const std::vector<std::int64_t>& lengths_;
  std::int64_t most_;
  std::vector<std::vector<std::size_t>> uses_;  // by text: the buckets still to come, the next one last
  std::vector<std::size_t> held_;               // sorted
};

}  // namespace cell2text::bertscore
