// Texts that end a text. Tokens are turned into text by whoever has a tokenizer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cell2text {

class StopTexts {
 public:
  using Decode = std::function<std::string(std::span<const std::int64_t>)>;

  StopTexts() = default;
  StopTexts(std::vector<std::string> texts, Decode decode) : texts_(std::move(texts)), decode_(std::move(decode)) {}

  bool empty() const { return texts_.empty(); }

  /// Whether the text of `tokens` holds one of them.
  bool reached(std::span<const std::int64_t> tokens) const {
    return !empty() && first_in(decode_(tokens)) != std::string::npos;
  }

  /// `text` up to the first of them.
  std::string cut(std::string text) const {
    if (const auto place = first_in(text); place != std::string::npos) text.resize(place);
    return text;
  }

 private:
  std::size_t first_in(const std::string& text) const {
    std::size_t first = std::string::npos;
    for (const std::string& stop : texts_) first = std::min(first, text.find(stop));
    return first;
  }

  std::vector<std::string> texts_;
  Decode decode_;
};

}  // namespace cell2text
