// What the new tokens of one pass see of a KvCache: rows by their prompts, and masks. The same for all layers that look
// back as far, and made at the first that asks. Holds no keys or values.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "cell2text/nn/attention.hpp"
#include "cell2text/nn/kv_rows.hpp"

namespace cell2text {

class KvView {
 public:
  KvView() = default;

  /// Of `rows` before they read T new tokens each, or fewer, which stand behind the longest tail's width in all tails
  /// where these are even, and else behind each tail itself. `prompts` [Q,K,P,C] are the first layer's keys.
  KvView(const KvRows& rows, std::int64_t T, const Tensor& prompts_QKPC)
      : rows_(rows),
        T_(T),
        old_width_(rows.longest(&KvRow::tail_length)),
        even_(rows.all(&KvRow::tail_length, old_width_)),
        prompts_(prompts_QKPC.size(0)),
        prompt_tokens_(prompts_QKPC.size(2)),
        options_(prompts_QKPC.options()) {}

  /// All tails have the same length.
  bool even() const { return even_; }
  /// Of the longest tail, without the new tokens, and with them.
  std::int64_t old_width() const { return old_width_; }
  std::int64_t width() const { return old_width_ + T_; }
  /// [R,T], where the new tokens stand in their tails.
  Tensor slots_RT() const {
    const Tensor first = column(&KvRow::tail_length).view({-1, 1});
    return first + at::arange(T_, first.options());
  }

  /// Says which of `keys`, of all tokens, a layer with this rule sees. It may narrow them.
  void show(RememberedKeys& keys, const AttentionRule& rule) {
    if (!std::exchange(is_made_, true)) make();
    keys.rows_per_prompt = rows_per_prompt_;
    keys.runs = runs_;
    keys.prompt_mask = prompt_mask_;
    keys.tail_mask_R1TW = tail_mask_;
    if (rule.window > 0) look_back(rule.window, keys);
  }

 private:
  struct Window {
    std::int64_t size = 0, first_key = 0;  // of the prompts: what lies before it no row sees
    Tensor prompt_mask = {}, tail_mask = {};
  };

  Tensor column(std::int64_t KvRow::*member) const { return rows_.column(member, options_.device()); }
  Tensor minus_infinity_where(const Tensor& hidden) const {
    return at::zeros(hidden.sizes(), options_).masked_fill_(hidden, -std::numeric_limits<float>::infinity());
  }

  // What all layers share, unless they look back only so far.
  void make() {
    group_prompts(prompts_, prompt_tokens_);
    if (even_ && T_ == 1) return;
    // Key j of a row is visible to its new token i where j <= old length + i.
    const Tensor old = column(&KvRow::tail_length).view({-1, 1, 1, 1});
    const Tensor queries = at::arange(T_, old.options()).view({1, 1, -1, 1});
    tail_mask_ = minus_infinity_where(at::arange(width(), old.options()) > old + queries);
  }

  // Rows in order, n of each prompt: all prompts at once. Any other order: by runs of rows that have the same.
  void group_prompts(std::int64_t Q, std::int64_t P) {
    const std::int64_t R = rows_.size(), n = std::max<std::int64_t>(R / Q, 1);
    bool grouped = R == Q * n, alike = true;  // of a prompt all its rows see as much
    for (std::int64_t r = 0; grouped && r < R; ++r) {
      grouped = rows_.at(r).prompt == r / n;
      alike &= rows_.at(r).prompt_length == rows_.at(r / n * n).prompt_length;
    }
    rows_per_prompt_ = n;
    for (std::int64_t r = 0; !grouped && r < R; ++r) {
      const std::int64_t prompt = rows_.at(r).prompt;
      if (r == 0 || prompt != runs_.back().prompt) runs_.push_back({prompt, r, 0});
      ++runs_.back().count;
    }
    if (rows_.all(&KvRow::prompt_length, P)) return;
    Tensor lengths = column(&KvRow::prompt_length);
    if (grouped && alike) lengths = lengths.slice(0, 0, R, n);
    prompt_mask_ = minus_infinity_where(at::arange(P, lengths.options()) >= lengths.view({-1, 1, 1}));
  }

  // Narrows what a layer sees to the last `window` tokens up to each new one.
  void look_back(std::int64_t window, RememberedKeys& keys) {
    const auto [shortest, longest] = std::ranges::minmax(rows_, {}, &KvRow::length);
    if (longest.length() + T_ <= window) return;
    auto found = std::ranges::find(windows_, window, &Window::size);
    if (found == windows_.end()) {
      const std::int64_t P = keys.prompt_k_QKPC.size(2);
      windows_.push_back(windowed(window, std::clamp<std::int64_t>(shortest.length() - window + 1, 0, P), P));
      found = std::prev(windows_.end());
    }
    const std::int64_t seen = keys.prompt_k_QKPC.size(2) - found->first_key;
    keys.prompt_k_QKPC = keys.prompt_k_QKPC.narrow(2, found->first_key, seen);
    keys.prompt_v_QKPC = keys.prompt_v_QKPC.narrow(2, found->first_key, seen);
    keys.prompt_mask = found->prompt_mask;
    keys.tail_mask_R1TW = found->tail_mask;
  }

  // Token i of a row stands at its prompt's length + its tail's length + i, key j of the prompt at j, and of the tail
  // at the prompt's length + j.
  Window windowed(std::int64_t window, std::int64_t first_key, std::int64_t P) const {
    const Tensor prompt_R11 = column(&KvRow::prompt_length).view({-1, 1, 1});
    const Tensor last_RT1 = slots_RT().unsqueeze(-1);
    const Tensor on_prompt = at::arange(first_key, P, prompt_R11.options());
    const Tensor on_tail = at::arange(width(), prompt_R11.options());
    return {window, first_key,
            minus_infinity_where((on_prompt >= prompt_R11).logical_or(on_prompt <= prompt_R11 + last_RT1 - window)),
            minus_infinity_where((on_tail > last_RT1).logical_or(on_tail <= last_RT1 - window)).unsqueeze(1)};
  }

  KvRows rows_;
  std::int64_t T_ = 0, old_width_ = 0;
  bool even_ = true;
  std::int64_t prompts_ = 0, prompt_tokens_ = 0;
  at::TensorOptions options_;
  bool is_made_ = false;
  std::int64_t rows_per_prompt_ = 1;
  std::vector<PromptRun> runs_;  // where rows do not lie in equal groups by prompt
  Tensor prompt_mask_, tail_mask_;
  std::vector<Window> windows_;  // what layers that look back so far see; made at the first of them
};

}  // namespace cell2text
