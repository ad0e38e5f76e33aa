// The memory of an attention decoder: keys and values of prompts, which rows share, and of each row's own
// tail of later tokens. Rows fork, leave and join without copies of the prompt. One forward pass is
// begin(...), attend(...) once per layer in order, end().
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/nn/attention.hpp"
#include "cell2text/nn/kv_rows.hpp"
#include "cell2text/nn/kv_view.hpp"
#include "cell2text/nn/remembered_rows.hpp"
#include "cell2text/state_row.hpp"

namespace cell2text {

/// Satisfies DecoderState, with all that is optional. The first forward pass fills the prompts; later ones add to the
/// tails. Nothing in it carries gradients.
class KvCache {
 public:
  explicit KvCache(std::int64_t layers) : prompts_(layers) {}

  std::int64_t rows() const { return rows_.size(); }
  /// Tokens that row r has read.
  std::int64_t length(std::int64_t r) const { return rows_.at(r).length(); }

  /// Shares everything; the tails are copied when one side writes.
  KvCache fork(std::span<const std::int64_t> parents) const {
    KvCache child = *this;
    child.rows_ = rows_.of(parents);
    return child;
  }

  /// As `fork`, in place. Prompts that no row uses any more are dropped.
  void select(std::span<const std::int64_t> rows) {
    if (rows.empty()) return void(*this = KvCache(static_cast<std::int64_t>(prompts_.size())));
    rows_ = rows_.of(rows);
    drop_unused_prompts();
  }

  /// Row r forgets all but its first lengths[r] tokens. Of a prompt it sees less from then on; others see what they
  /// saw.
  void truncate(std::span<const std::int64_t> lengths) {
    rows_.expect_size(std::ssize(lengths), "truncate");
    for (std::int64_t r = 0; r < rows(); ++r)
      if (lengths[r] < 1 || lengths[r] > length(r))
        throw BugError("truncate: row " + std::to_string(r) + " to " + std::to_string(lengths[r]) +
                       " tokens; expected 1 to " + std::to_string(length(r)));
    auto length = lengths.begin();
    for (KvRow& row : rows_) {
      row.prompt_length = std::min(row.prompt_length, *length);
      row.tail_length = *length++ - row.prompt_length;
    }
  }

  /// What each row has read becomes its prompt. Copies it once, so that forks share it and copy none of it.
  void settle() {
    if (rows_.all(&KvRow::tail_length, 0)) return;
    for (std::size_t layer = 0; layer < prompts_.size(); ++layer)
      prompts_[layer] = {settled(prompts_[layer].k, (*tails_)[layer].k),
                         settled(prompts_[layer].v, (*tails_)[layer].v)};
    std::int64_t number = 0;
    for (KvRow& row : rows_) row = {.prompt = number, .prompt_length = row.length(), .tail = number}, ++number;
    tails_.reset();
  }

  /// Row i continues row rows[i].row of *states[rows[i].state]. BugError where these do not have the same prompts, as
  /// forks of a state and forks of those do, but for `settle`. Copies their tails.
  static KvCache joined(std::span<const KvCache* const> states, std::span<const StateRow> rows) {
    KvCache all = states.front()->fork({});
    for (const StateRow& from : rows) {
      const KvCache& state = *states[static_cast<std::size_t>(from.state)];
      if (!state.prompts_.front().k.is_same(all.prompts_.front().k))
        throw BugError("states are joined that do not share their prompts");
      KvRow row = state.rows_.at(from.row);
      row.tail = all.rows();
      all.rows_.add(row);
    }
    all.gather_tails(states, rows);
    return all;
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
    for (const std::int64_t length : lengths)
      if (length < 0 || length > T)
        throw BugError("a row with " + std::to_string(length) + " new tokens in a batch of " + std::to_string(T));
    pass_ = {.new_lengths = lengths, .T = T, .prefill = rows_.empty()};
    if (pass_.prefill) return;
    rows_.expect_size(std::ssize(lengths), "forward");
    // What forks share stays in memory anyway, and would be copied to leave a part of it.
    if (prompts_.front().k.use_count() == 1) drop_unused_prompts();
    pass_.view = KvView(rows_, T, prompts_.front().k);
    if (!pass_.view.even()) pass_.slots = pass_.view.slots_RT();
    pass_.move_tails =
        !tails_ || tails_.use_count() > 1 || !continues_all_tails() || pass_.view.width() > tails_->front().k.size(2);
    if (!pass_.move_tails) return;
    pass_.new_tails = std::make_shared<std::vector<KeysValues>>(prompts_.size());
    if (pass_.view.old_width() > 0) pass_.continued = rows_.column(&KvRow::tail, device);
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
    if (const RowsKeys keys{prompts_[layer].k, prompts_[layer].v, tail.k, tail.v}; can_attend_by_rows(q_RTHC, keys))
      return attend_by_rows(q_RTHC, keys, rows_, rule);
    const std::int64_t W = pass_.view.width();
    RememberedKeys keys;
    keys.prompt_k_QKPC = prompts_[layer].k, keys.prompt_v_QKPC = prompts_[layer].v;
    keys.tail_k_RKWC = tail.k.narrow(2, 0, W), keys.tail_v_RKWC = tail.v.narrow(2, 0, W);
    pass_.view.show(keys, rule);
    return remembered_attention(q_RTHC, keys, rule);
  }

  /// Closes the pass: from here on the rows have read the new tokens.
  void end() {
    if (pass_.prefill)
      for (const std::int64_t length : pass_.new_lengths)
        rows_.add({.prompt = rows(), .prompt_length = length, .tail = rows()});
    else
      add_to_tails();
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
    KvView view = {};
    Tensor slots = {};  // [R,T], where tails differ in length
    bool move_tails = false;
    Tensor continued = {};  // where tails move: the row of the old storage for each
    std::shared_ptr<std::vector<KeysValues>> new_tails = {};
  };

  /// Row i of the tails is row i's.
  bool continues_all_tails() const {
    std::int64_t number = 0;
    for (const KvRow& row : rows_)
      if (row.tail != number++) return false;
    return tails_->front().k.size(0) == number;
  }

  void add_to_tails() {
    if (pass_.move_tails) tails_ = std::move(pass_.new_tails);
    std::int64_t number = 0;
    for (KvRow& row : rows_) {
      if (pass_.move_tails) row.tail = number;
      row.tail_length += pass_.new_lengths[static_cast<std::size_t>(number++)];
    }
  }

  void drop_unused_prompts() {
    std::vector<std::int64_t> kept, new_number(prompts_.front().k.size(0), -1);
    for (const KvRow& row : rows_) new_number[row.prompt] = 0;
    for (std::size_t prompt = 0; prompt < new_number.size(); ++prompt) {
      if (new_number[prompt] < 0) continue;
      new_number[prompt] = std::ssize(kept);
      kept.push_back(static_cast<std::int64_t>(prompt));
    }
    if (kept.size() == new_number.size() || kept.empty()) return;
    const std::int64_t P = rows_.longest(&KvRow::prompt_length);
    const Tensor rows = torch::tensor(kept, torch::kInt64).to(prompts_.front().k.device());
    for (KeysValues& layer : prompts_) {
      layer.k = layer.k.narrow(2, 0, P).index_select(0, rows);
      layer.v = layer.v.narrow(2, 0, P).index_select(0, rows);
    }
    for (KvRow& row : rows_) row.prompt = new_number[row.prompt];
  }

  // Of each row what it sees of its prompt and then its tail, [R,K,P,C], zeros behind them.
  Tensor settled(const Tensor& prompt_QKPC, const Tensor& tail_RKWC) const {
    const std::int64_t P = std::ranges::max(rows_, {}, &KvRow::length).length();
    const Tensor all = at::zeros({rows(), prompt_QKPC.size(1), P, prompt_QKPC.size(3)}, prompt_QKPC.options());
    std::int64_t number = 0;
    for (const KvRow& row : rows_) {
      const Tensor to = all[number++];
      to.narrow(1, 0, row.prompt_length).copy_(prompt_QKPC[row.prompt].narrow(1, 0, row.prompt_length));
      to.narrow(1, row.prompt_length, row.tail_length).copy_(tail_RKWC[row.tail].narrow(1, 0, row.tail_length));
    }
    return all;
  }

  // New tails of what these rows continue, state by state, with room to grow.
  void gather_tails(std::span<const KvCache* const> states, std::span<const StateRow> from) {
    tails_.reset();
    if (rows_.empty() || rows_.all(&KvRow::tail_length, 0)) return;
    const std::int64_t room = room_for(rows_.longest(&KvRow::tail_length));
    tails_ = std::make_shared<std::vector<KeysValues>>(prompts_.size());
    for (std::size_t layer = 0; layer < prompts_.size(); ++layer) {
      const Tensor& prompt = prompts_[layer].k;
      const std::vector<std::int64_t> shape{rows(), prompt.size(1), room, prompt.size(3)};
      // Hidden by masks where a tail is shorter, but 0 * NaN of raw memory would not be.
      (*tails_)[layer] = {at::zeros(shape, prompt.options()), at::zeros(shape, prompt.options())};
    }
    for (std::size_t number = 0; number < states.size(); ++number) gather_from(number, *states[number], from);
  }

  void gather_from(std::size_t number, const KvCache& state, std::span<const StateRow> from) {
    std::vector<std::int64_t> to_rows, from_rows;
    std::int64_t W = 0;  // what lies beyond may be raw memory
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].state != static_cast<std::int64_t>(number)) continue;
      const KvRow& row = state.rows_.at(from[i].row);
      to_rows.push_back(static_cast<std::int64_t>(i)), from_rows.push_back(row.tail);
      W = std::max(W, row.tail_length);
    }
    if (W == 0) return;
    const torch::Device device = prompts_.front().k.device();
    const Tensor to = torch::tensor(to_rows, torch::kInt64).to(device),
                 rows = torch::tensor(from_rows, torch::kInt64).to(device);
    const auto gather = [&](const Tensor& tails, const Tensor& others) {
      tails.narrow(2, 0, W).index_copy_(0, to, others.narrow(2, 0, W).index_select(0, rows));
    };
    for (std::size_t layer = 0; layer < prompts_.size(); ++layer) {
      gather((*tails_)[layer].k, (*state.tails_)[layer].k);
      gather((*tails_)[layer].v, (*state.tails_)[layer].v);
    }
  }

  static std::int64_t room_for(std::int64_t tokens) { return std::max<std::int64_t>(tokens + tokens / 2, 4); }

  // A new buffer with room to grow, filled with the rows that continue; the old one goes with its last user.
  void move_tail(std::size_t layer, const Tensor& like_RTKC) {
    const std::int64_t K = like_RTKC.size(2), C = like_RTKC.size(3), old = pass_.view.old_width();
    const std::int64_t before = tails_ ? tails_->front().k.size(2) : 0;
    const std::int64_t room = pass_.view.width() <= before ? before : room_for(pass_.view.width());
    KeysValues& to = (*pass_.new_tails)[layer];
    to = {at::empty({rows(), K, room, C}, like_RTKC.options().requires_grad(false)),
          at::empty({rows(), K, room, C}, like_RTKC.options().requires_grad(false))};
    if (old == 0) return;
    const KeysValues& from = (*tails_)[layer];
    Tensor k = to.k.narrow(2, 0, old), v = to.v.narrow(2, 0, old);
    at::index_select_out(k, from.k.narrow(2, 0, old), 0, pass_.continued);  // straight into its place
    at::index_select_out(v, from.v.narrow(2, 0, old), 0, pass_.continued);
  }

  void write(const Tensor& tail, const Tensor& new_RTKC) const {
    const Tensor target = tail.narrow(2, pass_.view.old_width(), pass_.T);
    if (pass_.view.even()) return void(target.copy_(new_RTKC.transpose(1, 2)));
    target.zero_();  // hidden by the mask, but 0 * NaN of raw memory would not be
    const Tensor rows = at::arange(tail.size(0), pass_.slots.options()).view({-1, 1});
    tail.transpose(1, 2).index_put_({rows, pass_.slots}, new_RTKC);
  }

  std::vector<KeysValues> prompts_;  // per layer
  KvRows rows_;
  std::shared_ptr<std::vector<KeysValues>> tails_;  // per layer; written only by a sole owner
  Pass pass_;
};

}  // namespace cell2text
