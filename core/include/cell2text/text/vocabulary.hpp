// Tokens and their ids. What a token's characters mean is not known here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// A one-to-one map between tokens and ids; ids may leave gaps.
class Vocabulary {
 public:
  /// Ids are below this and below `limit`: an id that is out of all proportion is a damaged file, and would cost
  /// its size in memory.
  static constexpr std::int64_t max_ids = 1 << 24;

  Vocabulary() = default;
  explicit Vocabulary(std::int64_t limit) : limit_(std::min(limit, max_ids)) {}

  /// Adds a token. `where` names the file in errors. InputError: an id or a token that is there already, an id that
  /// is negative or too large.
  void add(std::string token, std::int64_t id, const std::string& where) {
    if (id < 0 || id >= limit_)
      throw InputError(where + ": token '" + token + "' has the id " + std::to_string(id) + "; 0 to " +
                       std::to_string(limit_ - 1) + " is expected");
    const auto index = static_cast<std::size_t>(id);
    if (index >= tokens_.size()) tokens_.resize(index + 1);
    if (tokens_[index])
      throw InputError(where + ": the tokens '" + *tokens_[index] + "' and '" + token + "' have the same id " +
                       std::to_string(id) + "; each id may stand for one token only");
    if (!ids_.emplace(token, id).second)
      throw InputError(where + ": the token '" + token + "' has two ids, " + std::to_string(ids_.at(token)) + " and " +
                       std::to_string(id) + "; one is expected");
    tokens_[index] = std::move(token);
  }

  /// The highest id and one: the rows that a table of embeddings must have.
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }

  std::optional<std::int64_t> id_of(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The token of `id`, or null where no token has it.
  const std::string* find(std::int64_t id) const {
    if (id < 0 || id >= size()) return nullptr;
    const auto& token = tokens_[static_cast<std::size_t>(id)];
    return token ? &*token : nullptr;
  }

 private:
  std::int64_t limit_ = max_ids;
  std::vector<std::optional<std::string>> tokens_;  // by id
  std::unordered_map<std::string, std::int64_t, ViewHash, std::equal_to<>> ids_;
};

}  // namespace cell2text
