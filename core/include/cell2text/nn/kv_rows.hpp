// Where each row of a KvCache stands: how much it sees of which prompt, and which tail it continues.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

struct KvRow {
  std::int64_t prompt = 0;         ///< a row of the prompts
  std::int64_t prompt_length = 0;  ///< the tokens of it that are seen
  std::int64_t tail = 0;           ///< a row of the tails
  std::int64_t tail_length = 0;
  /// Tokens that were read.
  std::int64_t length() const { return prompt_length + tail_length; }
};

class KvRows {
 public:
  std::int64_t size() const { return std::ssize(rows_); }
  bool empty() const { return rows_.empty(); }
  void add(const KvRow& row) { rows_.push_back(row); }
  auto begin() { return rows_.begin(); }
  auto end() { return rows_.end(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

  /// BugError where there is no such row.
  const KvRow& at(std::int64_t row) const {
    if (row < 0 || row >= size())
      throw BugError("row " + std::to_string(row) + " of a state of " + std::to_string(size()) + " rows");
    return rows_[static_cast<std::size_t>(row)];
  }
  /// BugError where it has another number of rows.
  void expect_size(std::int64_t found, const char* what) const {
    if (found != size())
      throw BugError(std::string(what) + " with " + std::to_string(found) + " rows on a state of " +
                     std::to_string(size()));
  }

  /// Row i is row parents[i] of these.
  KvRows of(std::span<const std::int64_t> parents) const {
    KvRows made;
    for (const std::int64_t parent : parents) made.add(at(parent));
    return made;
  }
  std::int64_t longest(std::int64_t KvRow::*member) const { return std::ranges::max(rows_, {}, member).*member; }
  bool all(std::int64_t KvRow::*member, std::int64_t value) const {
    return std::ranges::all_of(rows_, [&](const KvRow& row) { return row.*member == value; });
  }
  /// [R], int64
  Tensor column(std::int64_t KvRow::*member, torch::Device device) const {
    std::vector<std::int64_t> values;
    for (const KvRow& row : rows_) values.push_back(row.*member);
    return torch::tensor(values, torch::kInt64).to(device);
  }

 private:
  std::vector<KvRow> rows_;
};

}  // namespace cell2text
