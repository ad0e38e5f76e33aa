// The letters that tensor names end in, and the check of a shape at a role's border.
//   B cells in a batch   G gene tokens   E encoder width   P soft tokens
//   D decoder width      T text tokens   V vocabulary      R rows of a decoder state   H heads
#pragma once

#include <torch/types.h>

#include <initializer_list>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text {

using Tensor = torch::Tensor;

/// Throws BugError unless `x` has the given shape; -1 matches any size. `what` names the tensor.
inline void expect_shape(const Tensor& x, std::initializer_list<std::int64_t> shape, const char* what) {
  bool same = x.defined() && x.dim() == static_cast<std::int64_t>(shape.size());
  auto wanted = shape.begin();
  for (std::int64_t i = 0; same && i < x.dim(); ++i, ++wanted) same = *wanted < 0 || *wanted == x.size(i);
  if (same) return;
  auto text = [](auto sizes) {
    std::string all = "[";
    for (const std::int64_t n : sizes) all += (all.size() > 1 ? ", " : "") + (n < 0 ? "any" : std::to_string(n));
    return all + "]";
  };
  throw BugError(std::string(what) + " has shape " + (x.defined() ? text(x.sizes()) : std::string("(undefined)")) +
                 "; expected " + text(shape));
}

}  // namespace cell2text
