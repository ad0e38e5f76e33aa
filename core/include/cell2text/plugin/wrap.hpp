// Makes the abstract object of a kind from an author's plain class. Compiled inside the plugin.
#pragma once

#include <memory>
#include <utility>

#include "cell2text/last_tokens.hpp"
#include "cell2text/plugin/objects.hpp"

namespace cell2text::objects {

template <class P>
void set_training_of(P& part, bool training) {
  if constexpr (requires { part.set_training(training); }) part.set_training(training);
}

template <Source P>
struct WrappedSource final : SourceObject {
  P part;
  WrappedSource(const typename P::Settings& settings, const Context& context) : part(settings, context) {}
  Fault size(std::int64_t& out) noexcept override {
    return guarded([&] { out = part.size(); });
  }
  Fault genes(std::shared_ptr<const GeneTable>& out) noexcept override {
    return guarded([&] { out = part.genes(); });
  }
  Fault columns(std::vector<ColumnInfo>& out) noexcept override {
    return guarded([&] { out = part.columns(); });
  }
  Fault labels(const std::string& column, LabelColumn& out) noexcept override {
    return guarded([&] { out = part.labels(column); });
  }
  Fault read(std::span<const std::int64_t> rows, CellBatch& out) noexcept override {
    if constexpr (requires { part.read(rows, out); }) return guarded([&] { part.read(rows, out); });
    return guarded([&] { out = part.read(rows); });
  }
  Fault matrices([[maybe_unused]] std::vector<MatrixInfo>& out) noexcept override {
    if constexpr (requires { part.matrices(); }) return guarded([&] { out = part.matrices(); });
    return {};
  }
};

template <Encoder P>
struct WrappedEncoder final : EncoderObject {
  P part;
  WrappedEncoder(const typename P::Settings& settings, ModelContext& context) : part(settings, context) {}
  Fault tokenize(const CellBatch& cells, GeneTokens& out) const noexcept override {
    return guarded([&] { out = part.tokenize(cells); });
  }
  Fault encode(const GeneTokens& tokens, GeneEmbeddings& out) noexcept override {
    return guarded([&] { out = part.encode(tokens); });
  }
  Fault width(std::int64_t& out) const noexcept override {
    return guarded([&] { out = part.width(); });
  }
  Fault known([[maybe_unused]] const GeneTable& genes,
              [[maybe_unused]] std::optional<std::vector<bool>>& out) const noexcept override {
    if constexpr (requires { part.known(genes); }) return guarded([&] { out = part.known(genes); });
    return {};
  }
  Fault needs_counts(bool& out) const noexcept override {
    out = true;
    if constexpr (requires { part.needs_counts(); }) return guarded([&] { out = part.needs_counts(); });
    return {};
  }
  Fault save(const std::filesystem::path& folder) noexcept override {
    return guarded([&] { part.save(folder); });
  }
  Fault set_training(bool training) noexcept override {
    return guarded([&] { set_training_of(part, training); });
  }
};

template <Adapter P>
struct WrappedAdapter final : AdapterObject {
  P part;
  WrappedAdapter(const typename P::Settings& settings, ModelContext& context, AdapterShape shape)
      : part(settings, context, shape) {}
  Fault forward(const GeneEmbeddings& genes, SoftPrompt& out) noexcept override {
    return guarded([&] { out = part.forward(genes); });
  }
  Fault set_training(bool training) noexcept override {
    return guarded([&] { set_training_of(part, training); });
  }
};

template <DecoderState S>
struct WrappedState final : StateObject {
  static constexpr bool joins = requires(std::span<const S* const> states, std::span<const StateRow> rows) {
    S::joined(states, rows);
  };
  S state;
  explicit WrappedState(S state) : state(std::move(state)) {}
  Fault fork(std::span<const std::int64_t> parents, std::unique_ptr<StateObject>& out) const noexcept override {
    return guarded([&] { out = std::make_unique<WrappedState>(state.fork(parents)); });
  }
  Fault select(std::span<const std::int64_t> rows) noexcept override {
    return guarded([&] { state.select(rows); });
  }
  Fault truncate([[maybe_unused]] std::span<const std::int64_t> lengths) noexcept override {
    if constexpr (requires { state.truncate(lengths); }) return guarded([&] { state.truncate(lengths); });
    return {Fault::Kind::bug, "this decoder's state has no truncate"};
  }
  bool can_truncate() const noexcept override {
    return requires(S s, std::span<const std::int64_t> lengths) {
      s.truncate(lengths);
    };
  }
  Fault joined([[maybe_unused]] std::span<const StateObject* const> states,
               [[maybe_unused]] std::span<const StateRow> rows,
               [[maybe_unused]] std::unique_ptr<StateObject>& out) const noexcept override {
    if constexpr (joins)
      return guarded([&] {
        std::vector<const S*> own;
        for (const StateObject* one : states) own.push_back(&static_cast<const WrappedState*>(one)->state);
        out = std::make_unique<WrappedState>(S::joined(std::span<const S* const>(own), rows));
      });
    return {Fault::Kind::bug, "this decoder's state has no joined"};
  }
  bool can_join() const noexcept override { return joins; }
  Fault settle() noexcept override {
    if constexpr (requires { state.settle(); }) return guarded([&] { state.settle(); });
    return {};
  }
  Fault bytes(std::int64_t& out) const noexcept override {
    return guarded([&] { out = state.bytes(); });
  }
  void* concrete() noexcept override { return &state; }
};

template <Decoder P>
struct WrappedDecoder final : DecoderObject {
  using State = typename P::State;
  P part;
  WrappedDecoder(const typename P::Settings& settings, ModelContext& context) : part(settings, context) {}
  Fault encode_text(std::string_view text, std::vector<std::int64_t>& out) const noexcept override {
    return guarded([&] { out = part.tokenizer().encode(text); });
  }
  Fault encode_prompt(std::string_view text, [[maybe_unused]] bool framed,
                      std::vector<std::int64_t>& out) const noexcept override {
    if constexpr (requires { part.tokenizer().encode_prompt(text, framed); })
      return guarded([&] { out = part.tokenizer().encode_prompt(text, framed); });
    return guarded([&] { out = part.tokenizer().encode(text); });
  }
  Fault decode_text(std::span<const std::int64_t> ids, std::string& out) const noexcept override {
    return guarded([&] { out = part.tokenizer().decode(ids); });
  }
  Fault chat(const ChatText& text, ChatPieces& out) const noexcept override {
    return guarded([&] { out = part.chat(text); });
  }
  Fault end_tokens(std::vector<std::int64_t>& out) const noexcept override {
    return guarded([&] { out = part.end_tokens(); });
  }
  Fault widths(std::int64_t& width, std::int64_t& vocabulary) const noexcept override {
    return guarded([&] { width = part.width(), vocabulary = part.vocabulary_size(); });
  }
  Fault state_bytes_per_token([[maybe_unused]] std::optional<std::int64_t>& out) const noexcept override {
    if constexpr (requires { part.state_bytes_per_token(); })
      return guarded([&] { out = part.state_bytes_per_token(); });
    return {};
  }
  Fault embed(const Tensor& ids, Tensor& out) noexcept override {
    return guarded([&] { out = part.embed(ids); });
  }
  Fault new_state(std::unique_ptr<StateObject>& out) noexcept override {
    return guarded([&] { out = std::make_unique<WrappedState<State>>(part.new_state()); });
  }
  Fault forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                StateObject* state, Tensor& out) noexcept override {
    return guarded([&] { out = part.forward(embeddings_BTD, lengths, positions_BT, own(state)); });
  }
  Fault forward_last(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths, const Tensor& positions_BT,
                     const std::vector<std::int64_t>& last, StateObject* state, Tensor& out) noexcept override {
    if constexpr (requires { part.forward_last(embeddings_BTD, lengths, positions_BT, last, own(state)); })
      return guarded([&] { out = part.forward_last(embeddings_BTD, lengths, positions_BT, last, own(state)); });
    return guarded([&] {
      const auto places = last_places(lengths, last, embeddings_BTD.size(1));
      out = rows_at(part.forward(embeddings_BTD, lengths, positions_BT, own(state)), places);
    });
  }
  Fault logits(const Tensor& hidden, Tensor& out) noexcept override {
    return guarded([&] { out = part.logits(hidden); });
  }
  Fault linear_layers(std::vector<LinearSlot*>& out) noexcept override {
    return guarded([&] { out = part.linear_layers(); });
  }
  Fault save(const std::filesystem::path& folder) noexcept override {
    return guarded([&] { part.save(folder); });
  }
  Fault set_training(bool training) noexcept override {
    return guarded([&] { set_training_of(part, training); });
  }

 private:
  static State* own(StateObject* state) { return state ? static_cast<State*>(state->concrete()) : nullptr; }
};

template <FineTuning P>
struct WrappedFineTuning final : FineTuningObject {
  P part;
  WrappedFineTuning(const typename P::Settings& settings, ModelContext& context) : part(settings, context) {}
  Fault prepare(const DecoderView& view) noexcept override {
    return guarded([&] { part.prepare(view); });
  }
  Fault changes_base(bool& out) const noexcept override {
    return guarded([&] { out = part.changes_base(); });
  }
  Fault save(const std::filesystem::path& folder) noexcept override {
    return guarded([&] { part.save(folder); });
  }
  Fault load(const std::filesystem::path& folder) noexcept override {
    return guarded([&] { part.load(folder); });
  }
  Fault merge() noexcept override {
    return guarded([&] { part.merge(); });
  }
};

template <Metric P>
struct WrappedMetric final : MetricObject {
  P part;
  WrappedMetric(const typename P::Settings& settings, const Context& context) : part(settings, context) {}
  Fault score(std::span<const Prediction> predictions, const KnownLabels& known, Scores& out) const noexcept override {
    return guarded([&] { out = part.score(predictions, known); });
  }
  Fault compares_texts(bool& out) const noexcept override {
    out = true;
    if constexpr (requires { part.compares_texts(); }) return guarded([&] { out = part.compares_texts(); });
    return {};
  }
  Fault reads_confidences(bool& out) const noexcept override {
    out = false;
    if constexpr (requires { part.reads_confidences(); }) return guarded([&] { out = part.reads_confidences(); });
    return {};
  }
};

template <Baseline P>
struct WrappedBaseline final : BaselineObject {
  P part;
  WrappedBaseline(const typename P::Settings& settings, const Context& context) : part(settings, context) {}
  Fault needs(BaselineNeeds& out) const noexcept override {
    return guarded([&] { out = part.needs(); });
  }
  Fault fit(const BaselineCells& train, const BaselineCells& validation,
            [[maybe_unused]] const StopQuestion& stop) noexcept override {
    if constexpr (requires { part.fit(train, validation, stop); })
      return guarded([&] { part.fit(train, validation, stop); });
    else
      return guarded([&] { part.fit(train, validation); });
  }
  Fault predict(const BaselineCells& cells, BaselineAnswers& out) const noexcept override {
    return guarded([&] { out = part.predict(cells); });
  }
  Fault save(const std::filesystem::path& folder) const noexcept override {
    return guarded([&] { part.save(folder); });
  }
  Fault load(const std::filesystem::path& folder) noexcept override {
    return guarded([&] { part.load(folder); });
  }
};

}  // namespace cell2text::objects
