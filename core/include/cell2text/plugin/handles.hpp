// Plugin objects as the host uses them: plain calls that throw our error types. A handle keeps the
// library loaded and frees the object before it.
#pragma once

#include <memory>
#include <numeric>
#include <utility>

#include "cell2text/plugin/descriptor.hpp"

namespace cell2text {

/// What keeps a plugin's library in memory; null for classes that are linked in.
using LibraryHold = std::shared_ptr<void>;

/// An object of a kind together with the library its code lives in. Members are destroyed in reverse
/// order: object first, library last.
template <class Kind>
class Held {
 public:
  using Object = typename Kind::Object;
  Held() = default;
  Held(LibraryHold library, const PluginDescriptor& descriptor, const Value& table, const BuildArguments& arguments)
      : library_(std::move(library)) {
    void* built = nullptr;
    descriptor.build(table, arguments, built).raise();
    object_.reset(static_cast<Object*>(built));
  }
  Held(Held&&) = default;
  Held& operator=(Held&& other) noexcept {  // the old object goes before the old library
    object_ = std::move(other.object_);
    library_ = std::move(other.library_);
    return *this;
  }
  Object* operator->() const { return object_.get(); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  LibraryHold library_;
  std::unique_ptr<Object> object_;
};

/// Calls `Object::method(arguments..., out)` and returns `out`.
template <class Out, class Object, class Method, class... Arguments>
Out ask(const Object& object, Method method, Arguments&&... arguments) {
  Out out{};
  ((*object.operator->()).*method)(std::forward<Arguments>(arguments)..., out).raise();
  return out;
}

class SourceHandle {
 public:
  explicit SourceHandle(Held<kinds::source> held) : held_(std::move(held)) {}
  std::int64_t size() const { return ask<std::int64_t>(held_, &objects::SourceObject::size); }
  std::shared_ptr<const GeneTable> genes() const {
    return ask<std::shared_ptr<const GeneTable>>(held_, &objects::SourceObject::genes);
  }
  std::vector<ColumnInfo> columns() const {
    return ask<std::vector<ColumnInfo>>(held_, &objects::SourceObject::columns);
  }
  bool has_column(const std::string& name) const {
    for (const ColumnInfo& column : columns())
      if (column.name == name) return true;
    return false;
  }
  LabelColumn labels(const std::string& column) const {
    return ask<LabelColumn>(held_, &objects::SourceObject::labels, column);
  }
  CellBatch read(std::span<const std::int64_t> rows) const {
    return ask<CellBatch>(held_, &objects::SourceObject::read, rows);
  }
  /// The same in the place of what `into` holds, whose memory may be used again. After an error `into` is of no use.
  void read(std::span<const std::int64_t> rows, CellBatch& into) const { held_->read(rows, into).raise(); }
  /// The matrices of the file with what their values are; empty where the source does not say.
  std::vector<MatrixInfo> matrices() const {
    return ask<std::vector<MatrixInfo>>(held_, &objects::SourceObject::matrices);
  }

 private:
  Held<kinds::source> held_;
};

class EncoderHandle {
 public:
  explicit EncoderHandle(Held<kinds::encoder> held) : held_(std::move(held)) {}
  /// Thread-safe. CPU tensors.
  GeneTokens tokenize(const CellBatch& cells) const {
    return ask<GeneTokens>(held_, &objects::EncoderObject::tokenize, cells);
  }
  GeneEmbeddings encode(const GeneTokens& tokens) const {
    auto genes = ask<GeneEmbeddings>(held_, &objects::EncoderObject::encode, tokens);
    expect_shape(genes.values_BGE, {tokens.size(), -1, width()}, "encoder output");
    return genes;
  }
  std::int64_t width() const { return ask<std::int64_t>(held_, &objects::EncoderObject::width); }
  /// Whether the encoder knows the gene of each column, [genes]; nothing where it does not say. Thread-safe.
  std::optional<std::vector<bool>> known(const GeneTable& genes) const {
    auto all = ask<std::optional<std::vector<bool>>>(held_, &objects::EncoderObject::known, genes);
    if (all && std::ssize(*all) != genes.size())
      throw BugError("the encoder's known() is for " + std::to_string(all->size()) + " genes; expected " +
                     std::to_string(genes.size()));
    return all;
  }
  /// Whether normalised values would mislead it.
  bool needs_counts() const { return ask<bool>(held_, &objects::EncoderObject::needs_counts); }
  void save(const std::filesystem::path& folder) const { held_->save(folder).raise(); }
  void set_training(bool training) const { held_->set_training(training).raise(); }

 private:
  Held<kinds::encoder> held_;
};

class AdapterHandle {
 public:
  explicit AdapterHandle(Held<kinds::adapter> held) : held_(std::move(held)) {}
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    auto prompt = ask<SoftPrompt>(held_, &objects::AdapterObject::forward, genes);
    expect_shape(prompt.values_BPD, {genes.values_BGE.size(0), -1, -1}, "adapter output");
    return prompt;
  }
  void set_training(bool training) const { held_->set_training(training).raise(); }

 private:
  Held<kinds::adapter> held_;
};

/// What a decoder remembers of each row's tokens. Copying is by `fork`.
class StateHandle {
 public:
  explicit StateHandle(std::unique_ptr<objects::StateObject> object) : object_(std::move(object)) {}
  /// Row i of the result continues row parents[i] of this state, which stays as it is.
  StateHandle fork(std::span<const std::int64_t> parents) const {
    std::unique_ptr<objects::StateObject> out;
    object_->fork(parents, out).raise();
    return StateHandle(std::move(out));
  }
  void select(std::span<const std::int64_t> rows) { object_->select(rows).raise(); }
  bool can_truncate() const { return object_->can_truncate(); }
  void truncate(std::span<const std::int64_t> lengths) { object_->truncate(lengths).raise(); }
  bool can_join() const { return object_->can_join(); }
  /// Row i of the result continues row rows[i].row of *states[rows[i].state]. The states, one at least, stay as they
  /// are; all come by `fork` and by this from one state.
  static StateHandle joined(std::span<const StateHandle* const> states, std::span<const StateRow> rows) {
    std::vector<const objects::StateObject*> objects;
    for (const StateHandle* state : states) objects.push_back(state->object_.get());
    std::unique_ptr<objects::StateObject> out;
    objects.front()->joined(objects, rows, out).raise();
    return StateHandle(std::move(out));
  }
  /// Many rows will be forked from what was read until now.
  void settle() { object_->settle().raise(); }
  std::int64_t bytes() const {
    std::int64_t out = 0;
    object_->bytes(out).raise();
    return out;
  }
  objects::StateObject* object() { return object_.get(); }

 private:
  std::unique_ptr<objects::StateObject> object_;
};

class DecoderHandle {
 public:
  explicit DecoderHandle(Held<kinds::decoder> held) : held_(std::move(held)) {
    held_->widths(width_, vocabulary_size_).raise();
  }
  std::vector<std::int64_t> encode_text(std::string_view text) const {
    return ask<std::vector<std::int64_t>>(held_, &objects::DecoderObject::encode_text, text);
  }
  /// The ids of a prompt that the caller answers for: the names of special tokens are these tokens. With `framed` also
  /// what the tokenizer itself puts around a text (a begin token).
  std::vector<std::int64_t> encode_prompt(std::string_view text, bool framed) const {
    std::vector<std::int64_t> out;
    held_->encode_prompt(text, framed, out).raise();
    return out;
  }
  /// Special tokens are left out.
  std::string decode_text(std::span<const std::int64_t> ids) const {
    return ask<std::string>(held_, &objects::DecoderObject::decode_text, ids);
  }
  ChatPieces chat(const ChatText& text) const { return ask<ChatPieces>(held_, &objects::DecoderObject::chat, text); }
  /// Tokens that end a description; the first is the one that training appends.
  std::vector<std::int64_t> end_tokens() const {
    return ask<std::vector<std::int64_t>>(held_, &objects::DecoderObject::end_tokens);
  }
  std::int64_t width() const { return width_; }
  std::int64_t vocabulary_size() const { return vocabulary_size_; }
  /// What its state keeps of one token of one row; nothing where the decoder does not say.
  std::optional<std::int64_t> state_bytes_per_token() const {
    return ask<std::optional<std::int64_t>>(held_, &objects::DecoderObject::state_bytes_per_token);
  }

  /// ids int64 [...] -> [..., D]
  Tensor embed(const Tensor& ids) const { return ask<Tensor>(held_, &objects::DecoderObject::embed, ids); }
  StateHandle new_state() const {
    std::unique_ptr<objects::StateObject> out;
    held_->new_state(out).raise();
    return StateHandle(std::move(out));
  }
  /// Reads T new positions per row, right-padded: row b holds lengths[b] of them, at `positions_BT` (int64).
  /// With a state, they continue what the state's rows have read, and are remembered. Returns hidden_BTD;
  /// what lies beyond a length is undefined.
  Tensor forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                 StateHandle* state = nullptr) const {
    return ask<Tensor>(held_, &objects::DecoderObject::forward, embeddings_BTD, lengths, positions_BT,
                       state ? state->object() : nullptr);
  }
  /// Reads as `forward` does, and returns the hidden states of the last last[b] <= lengths[b] tokens of each row alone,
  /// rows one behind the other: [sum of last, D]. A decoder may leave out what the others would have cost.
  Tensor forward_last(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths,
                      const Tensor& positions_BT, const std::vector<std::int64_t>& last,
                      StateHandle* state = nullptr) const {
    const auto hidden_ND = ask<Tensor>(held_, &objects::DecoderObject::forward_last, embeddings_BTD, lengths,
                                       positions_BT, last, state ? state->object() : nullptr);
    expect_shape(hidden_ND, {std::accumulate(last.begin(), last.end(), std::int64_t{0}), -1}, "forward_last");
    return hidden_ND;
  }
  /// hidden [..., D] -> logits [..., V]
  Tensor logits(const Tensor& hidden) const { return ask<Tensor>(held_, &objects::DecoderObject::logits, hidden); }
  std::vector<LinearSlot*> linear_layers() const {
    return ask<std::vector<LinearSlot*>>(held_, &objects::DecoderObject::linear_layers);
  }
  void save(const std::filesystem::path& folder) const { held_->save(folder).raise(); }
  void set_training(bool training) const { held_->set_training(training).raise(); }

 private:
  Held<kinds::decoder> held_;
  std::int64_t width_ = 0, vocabulary_size_ = 0;
};

class FineTuningHandle {
 public:
  explicit FineTuningHandle(Held<kinds::finetuning> held) : held_(std::move(held)) {}
  /// Marks what is trained (Parameter::trainable) and attaches what is added.
  void prepare(const DecoderView& view) const { held_->prepare(view).raise(); }
  bool changes_base() const { return ask<bool>(held_, &objects::FineTuningObject::changes_base); }
  void save(const std::filesystem::path& folder) const { held_->save(folder).raise(); }
  void load(const std::filesystem::path& folder) const { held_->load(folder).raise(); }
  void merge() const { held_->merge().raise(); }

 private:
  Held<kinds::finetuning> held_;
};

class MetricHandle {
 public:
  explicit MetricHandle(Held<kinds::metric> held) : held_(std::move(held)) {}
  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    return ask<Scores>(held_, &objects::MetricObject::score, predictions, known);
  }
  /// Whether the wording of a text counts, and not only the labels that are read from it.
  bool compares_texts() const { return ask<bool>(held_, &objects::MetricObject::compares_texts); }
  /// Whether it needs to know how sure a system is of its labels.
  bool reads_confidences() const { return ask<bool>(held_, &objects::MetricObject::reads_confidences); }

 private:
  Held<kinds::metric> held_;
};

class BaselineHandle {
 public:
  explicit BaselineHandle(Held<kinds::baseline> held) : held_(std::move(held)) {}
  BaselineNeeds needs() const { return ask<BaselineNeeds>(held_, &objects::BaselineObject::needs); }
  /// Once `stop` has said yes, what is fitted is of no use.
  void fit(const BaselineCells& train, const BaselineCells& validation, const StopQuestion& stop) const {
    held_->fit(train, validation, stop).raise();
  }
  BaselineAnswers predict(const BaselineCells& cells) const {
    auto answers = ask<BaselineAnswers>(held_, &objects::BaselineObject::predict, cells);
    const auto whole = [&](std::int64_t size) { return size == 0 || size == cells.size; };
    bool right = whole(std::ssize(answers.texts)) && whole(std::ssize(answers.copied));
    for (const auto* columns : {&answers.labels, &answers.pathways})
      for (const LabelColumn& column : *columns) right = right && column.size() == cells.size;
    if (!right) throw BugError("a baseline's answers are not for " + std::to_string(cells.size) + " cells");
    return answers;
  }
  void save(const std::filesystem::path& folder) const { held_->save(folder).raise(); }
  void load(const std::filesystem::path& folder) const { held_->load(folder).raise(); }

 private:
  Held<kinds::baseline> held_;
};

}  // namespace cell2text
