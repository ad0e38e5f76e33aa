// The memory of an attention decoder: keys and values of prompts, which rows share, and of each row's own
// tail of later tokens. Rows fork and leave without copies of the prompt. One forward pass is
// begin(...), attend(...) once per layer in order, end().
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/nn/attention.hpp"

namespace cell2text {

/// Satisfies DecoderState, with truncate. The first forward pass fills the prompts; later ones add to the tails.
/// Nothing in it carries gradients.
class KvCache {
 public:
  explicit KvCache(std::int64_t layers) : prompts_(layers) {}

  std::int64_t rows() const { return static_cast<std::int64_t>(prompt_of_row_.size()); }
  /// Tokens that row r has read.
  std::int64_t length(std::int64_t r) const { return prompt_lengths_[prompt_of_row_[r]] + tail_lengths_[r]; }

  /// Shares everything; the tails are copied when one side writes.
  KvCache fork(std::span<const std::int64_t> parents) const {
    KvCache child = *this;
    child.remap(parents);
    return child;
  }

  /// As `fork`, in place. Prompts that no row uses any more are dropped.
  void select(std::span<const std::int64_t> rows) {
    if (rows.empty()) return void(*this = KvCache(static_cast<std::int64_t>(prompts_.size())));
    remap(rows);
    drop_unused_prompts();
  }

  /// Row r forgets all but its first lengths[r] tokens. Prompts cannot be cut.
  void truncate(std::span<const std::int64_t> lengths) {
    expect_rows(static_cast<std::int64_t>(lengths.size()), "truncate");
    for (std::int64_t r = 0; r < rows(); ++r) {
      const std::int64_t prompt = prompt_lengths_[prompt_of_row_[r]];
      if (lengths[r] < prompt || lengths[r] > length(r))
        throw BugError("truncate: row " + std::to_string(r) + " to " + std::to_string(lengths[r]) +
                       " tokens; expected " + std::to_string(prompt) + " (its prompt) to " + std::to_string(length(r)));
    }
    for (std::int64_t r = 0; r < rows(); ++r) tail_lengths_[r] = lengths[r] - prompt_lengths_[prompt_of_row_[r]];
  }

  /// Bytes of keys and values, what rows share counted once.
  std::int64_t bytes() const {
    std::int64_t sum = 0;
    const auto add = [&sum](const KeysValues& layer) {
      for (const Tensor& part : {layer.k, layer.v})
        if (part.defined()) sum += static_cast<std::int64_t>(part.nbytes());
    };
    for (const KeysValues& layer : prompts_) add(layer);
    if (tails_)
      for (const KeysValues& layer : *tails_) add(layer);
    return sum;
  }

  /// Opens a forward pass in which row r reads lengths[r] <= T new tokens.
  void begin(const std::vector<std::int64_t>& lengths, std::int64_t T, torch::Device device) {
    const auto R = static_cast<std::int64_t>(lengths.size());
    for (const std::int64_t length : lengths)
      if (length < 0 || length > T)
        throw BugError("a row with " + std::to_string(length) + " new tokens in a batch of " + std::to_string(T));
    pass_ = {.new_lengths = lengths, .T = T, .prefill = prompt_of_row_.empty()};
    if (pass_.prefill) return;
    expect_rows(R, "forward");
    // What forks share stays in memory anyway, and would be copied to leave a part of it.
    if (prompts_.front().k.use_count() == 1) drop_unused_prompts();
    pass_.old_width = *std::ranges::max_element(tail_lengths_);
    pass_.even = std::ranges::all_of(tail_lengths_, [&](std::int64_t n) { return n == pass_.old_width; });
    group_prompts(device);
    if (!pass_.even || T > 1) mask_tails(device);
    if (!pass_.even) place_new_tokens(device);
    pass_.move_tails = !tails_ || tails_.use_count() > 1 || !is_identity(tail_rows_, tail_rows_in_storage()) ||
                       pass_.old_width + T > tails_->front().k.size(2);
    if (!pass_.move_tails) return;
    pass_.new_tails = std::make_shared<std::vector<KeysValues>>(prompts_.size());
    if (pass_.old_width > 0) pass_.continued = on(device, tail_rows_);
  }

  /// Attention of the new tokens of one layer, [R,T,H,C] -> [R,T,H*C], remembering their keys and values. In the first
  /// pass the tokens at places_RL alone may ask, [R,L,H,C] -> [R,L,H*C], as in causal_attention.
  Tensor attend(std::size_t layer, const Tensor& q_RTHC, const Tensor& k_RTKC, const Tensor& v_RTKC,
                const AttentionRule& rule, const Tensor& places_RL = {}) {
    if (pass_.prefill) {
      prompts_[layer] = {k_RTKC.detach().transpose(1, 2).contiguous(), v_RTKC.detach().transpose(1, 2).contiguous()};
      return causal_attention(q_RTHC, k_RTKC, v_RTKC, rule, places_RL);
    }
    if (pass_.move_tails) move_tail(layer, k_RTKC);
    KeysValues& tail = pass_.move_tails ? (*pass_.new_tails)[layer] : (*tails_)[layer];
    write(tail.k, k_RTKC.detach());
    write(tail.v, v_RTKC.detach());
    const std::int64_t W = pass_.old_width + pass_.T;
    RememberedKeys keys{.rows_per_prompt = pass_.rows_per_prompt,
                        .runs = pass_.runs,
                        .prompt_k_QKPC = prompts_[layer].k,
                        .prompt_v_QKPC = prompts_[layer].v,
                        .tail_k_RKWC = tail.k.narrow(2, 0, W),
                        .tail_v_RKWC = tail.v.narrow(2, 0, W),
                        .prompt_mask = pass_.prompt_mask,
                        .tail_mask_R1TW = pass_.tail_mask};
    if (rule.window > 0) look_back(rule.window, keys);
    return remembered_attention(q_RTHC, keys, rule);
  }

  /// Closes the pass: from here on the rows have read the new tokens.
  void end() {
    const auto R = static_cast<std::int64_t>(pass_.new_lengths.size());
    if (pass_.prefill) {
      prompt_lengths_ = pass_.new_lengths;
      prompt_of_row_ = iota(R);
      tail_rows_ = iota(R);
      tail_lengths_.assign(R, 0);
    } else {
      if (pass_.move_tails) tails_ = std::move(pass_.new_tails), tail_rows_ = iota(R);
      for (std::int64_t r = 0; r < R; ++r) tail_lengths_[r] += pass_.new_lengths[r];
    }
    pass_ = {};
  }

 private:
  struct KeysValues {
    Tensor k, v;  // [rows, K, tokens, C]
  };

  // What is the same for all layers of a forward pass.
  struct Pass {
    std::vector<std::int64_t> new_lengths = {};
    std::int64_t T = 0;
    bool prefill = false;
    bool even = true;            // all tails have the same length
    std::int64_t old_width = 0;  // of the longest tail
    std::int64_t rows_per_prompt = 1;
    std::vector<PromptRun> runs = {};  // where rows do not lie in equal groups by prompt
    Tensor prompt_mask = {}, tail_mask = {};
    struct Window {
      std::int64_t size = 0, first_key = 0;  // of the prompts: what lies before it no row sees
      Tensor prompt_mask = {}, tail_mask = {};
    };
    std::vector<Window> windows = {};  // what layers that look back so far see; made at the first of them
    Tensor slots = {};                 // where tails differ in length: [R*T] places of the new tokens in [R*W]
    bool move_tails = false;
    Tensor continued = {};  // where tails move: the row of the old storage for each
    std::shared_ptr<std::vector<KeysValues>> new_tails = {};
  };

  static std::vector<std::int64_t> iota(std::int64_t n) {
    std::vector<std::int64_t> all(n);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  static bool is_identity(const std::vector<std::int64_t>& rows, std::int64_t n) { return rows == iota(n); }
  static Tensor on(torch::Device device, const std::vector<std::int64_t>& values) {
    return torch::tensor(values, torch::kInt64).to(device);
  }
  std::int64_t tail_rows_in_storage() const { return tails_ ? tails_->front().k.size(0) : 0; }

  void expect_rows(std::int64_t found, const char* what) const {
    if (found != rows())
      throw BugError(std::string(what) + " with " + std::to_string(found) + " rows on a state of " +
                     std::to_string(rows()));
  }

  void remap(std::span<const std::int64_t> parents) {
    std::vector<std::int64_t> prompt, tail, length;
    for (const std::int64_t parent : parents) {
      if (parent < 0 || parent >= rows())
        throw BugError("row " + std::to_string(parent) + " of a state of " + std::to_string(rows()) + " rows");
      prompt.push_back(prompt_of_row_[parent]);
      tail.push_back(tail_rows_[parent]);
      length.push_back(tail_lengths_[parent]);
    }
    prompt_of_row_ = std::move(prompt), tail_rows_ = std::move(tail), tail_lengths_ = std::move(length);
  }

  void drop_unused_prompts() {
    std::vector<std::int64_t> kept, new_number(prompt_lengths_.size(), -1), kept_lengths;
    for (const std::int64_t prompt : prompt_of_row_) new_number[prompt] = 0;
    for (std::size_t prompt = 0; prompt < new_number.size(); ++prompt) {
      if (new_number[prompt] < 0) continue;
      new_number[prompt] = static_cast<std::int64_t>(kept.size());
      kept.push_back(static_cast<std::int64_t>(prompt));
      kept_lengths.push_back(prompt_lengths_[prompt]);
    }
    if (kept.size() == prompt_lengths_.size() || kept.empty()) return;
    const std::int64_t P = *std::ranges::max_element(kept_lengths);
    const Tensor rows = on(prompts_.front().k.device(), kept);
    for (KeysValues& layer : prompts_) {
      layer.k = layer.k.narrow(2, 0, P).index_select(0, rows);
      layer.v = layer.v.narrow(2, 0, P).index_select(0, rows);
    }
    for (std::int64_t& prompt : prompt_of_row_) prompt = new_number[prompt];
    prompt_lengths_ = std::move(kept_lengths);
  }

  // Rows in order, n of each prompt: all prompts at once. Any other order: by runs of rows that have the same.
  void group_prompts(torch::Device device) {
    const std::int64_t R = rows(), Q = static_cast<std::int64_t>(prompt_lengths_.size());
    const std::int64_t n = std::max<std::int64_t>(R / Q, 1);
    bool grouped = R == Q * n;
    for (std::int64_t r = 0; grouped && r < R; ++r) grouped = prompt_of_row_[r] == r / n;
    pass_.rows_per_prompt = n;
    for (std::int64_t r = 0; !grouped && r < R; ++r) {
      if (r == 0 || prompt_of_row_[r] != prompt_of_row_[r - 1]) pass_.runs.push_back({prompt_of_row_[r], r, 0});
      ++pass_.runs.back().count;
    }
    const std::int64_t P = prompts_.front().k.size(2);
    if (std::ranges::all_of(prompt_lengths_, [P](std::int64_t length) { return length == P; })) return;
    Tensor lengths = on(device, prompt_lengths_);
    if (!grouped) lengths = lengths.index_select(0, on(device, prompt_of_row_));
    const Tensor hidden = at::arange(P, lengths.options()) >= lengths.view({-1, 1, 1});
    pass_.prompt_mask = minus_infinity_where(hidden);
  }

  // Key j of a row is visible to its new token i where j <= old length + i.
  void mask_tails(torch::Device device) {
    const Tensor old = on(device, tail_lengths_).view({-1, 1, 1, 1});
    const Tensor keys = at::arange(pass_.old_width + pass_.T, old.options());
    const Tensor queries = at::arange(pass_.T, old.options()).view({1, 1, -1, 1});
    pass_.tail_mask = minus_infinity_where(keys > old + queries);
  }

  // Narrows what a layer sees to the last `window` tokens up to each new one.
  void look_back(std::int64_t window, RememberedKeys& keys) {
    std::int64_t shortest = std::numeric_limits<std::int64_t>::max(), longest = 0;
    for (std::int64_t r = 0; r < rows(); ++r) {
      shortest = std::min(shortest, length(r));
      longest = std::max(longest, length(r));
    }
    if (longest + pass_.T <= window) return;
    auto found = std::ranges::find(pass_.windows, window, &Pass::Window::size);
    if (found == pass_.windows.end()) {
      const std::int64_t first_key = std::clamp<std::int64_t>(shortest - window + 1, 0, keys.prompt_k_QKPC.size(2));
      pass_.windows.push_back(windowed(window, first_key, keys));
      found = std::prev(pass_.windows.end());
    }
    const std::int64_t seen = keys.prompt_k_QKPC.size(2) - found->first_key;
    keys.prompt_k_QKPC = keys.prompt_k_QKPC.narrow(2, found->first_key, seen);
    keys.prompt_v_QKPC = keys.prompt_v_QKPC.narrow(2, found->first_key, seen);
    keys.prompt_mask = found->prompt_mask;
    keys.tail_mask_R1TW = found->tail_mask;
  }

  // Token i of a row stands at its prompt's length + its tail's length + i, key j of the prompt at j, and of the tail
  // at the prompt's length + j.
  Pass::Window windowed(std::int64_t window, std::int64_t first_key, const RememberedKeys& keys) const {
    const torch::Device device = keys.prompt_k_QKPC.device();
    std::vector<std::int64_t> prompts;
    for (const std::int64_t prompt : prompt_of_row_) prompts.push_back(prompt_lengths_[prompt]);
    const Tensor prompt_R11 = on(device, prompts).view({-1, 1, 1});
    const Tensor last_RT1 =
        on(device, tail_lengths_).view({-1, 1, 1}) + at::arange(pass_.T, prompt_R11.options()).view({1, -1, 1});
    const Tensor on_prompt = at::arange(first_key, keys.prompt_k_QKPC.size(2), prompt_R11.options());
    const Tensor on_tail = at::arange(pass_.old_width + pass_.T, prompt_R11.options());
    return {window, first_key,
            minus_infinity_where((on_prompt >= prompt_R11).logical_or(on_prompt <= prompt_R11 + last_RT1 - window)),
            minus_infinity_where((on_tail > last_RT1).logical_or(on_tail <= last_RT1 - window)).unsqueeze(1)};
  }

  Tensor minus_infinity_where(const Tensor& hidden) const {
    const auto options = prompts_.front().k.options();
    return at::zeros(hidden.sizes(), options).masked_fill_(hidden, -std::numeric_limits<float>::infinity());
  }

  void place_new_tokens(torch::Device device) {
    const Tensor first = on(device, tail_lengths_).view({-1, 1});
    pass_.slots = first + at::arange(pass_.T, first.options());
  }

  // A new buffer with room to grow, filled with the rows that continue; the old one goes with its last user.
  void move_tail(std::size_t layer, const Tensor& like_RTKC) {
    const std::int64_t R = rows(), K = like_RTKC.size(2), C = like_RTKC.size(3);
    const std::int64_t old = pass_.old_width, needed = old + pass_.T;
    const std::int64_t before = tails_ ? tails_->front().k.size(2) : 0;
    const std::int64_t room = needed <= before ? before : std::max<std::int64_t>(needed + needed / 2, 16);
    KeysValues& to = (*pass_.new_tails)[layer];
    to = {at::empty({R, K, room, C}, like_RTKC.options().requires_grad(false)),
          at::empty({R, K, room, C}, like_RTKC.options().requires_grad(false))};
    if (old == 0) return;
    const KeysValues& from = (*tails_)[layer];
    Tensor k = to.k.narrow(2, 0, old), v = to.v.narrow(2, 0, old);
    at::index_select_out(k, from.k.narrow(2, 0, old), 0, pass_.continued);  // straight into its place
    at::index_select_out(v, from.v.narrow(2, 0, old), 0, pass_.continued);
  }

  void write(Tensor& tail, const Tensor& new_RTKC) const {
    const Tensor target = tail.narrow(2, pass_.old_width, pass_.T);
    if (pass_.even) return void(target.copy_(new_RTKC.transpose(1, 2)));
    target.zero_();  // hidden by the mask, but 0 * NaN of raw memory would not be
    const Tensor rows = at::arange(tail.size(0), pass_.slots.options()).view({-1, 1});
    tail.transpose(1, 2).index_put_({rows, pass_.slots}, new_RTKC);
  }

  std::vector<KeysValues> prompts_;           // per layer
  std::vector<std::int64_t> prompt_lengths_;  // per prompt
  std::vector<std::int64_t> prompt_of_row_;
  std::shared_ptr<std::vector<KeysValues>> tails_;  // per layer; written only by a sole owner
  std::vector<std::int64_t> tail_rows_;             // row of `tails_` that each row continues
  std::vector<std::int64_t> tail_lengths_;
  Pass pass_;
};

}  // namespace cell2text
