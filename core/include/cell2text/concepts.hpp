// The contracts. A plugin author writes a plain class; the concept of its kind checks it at compile
// time, and `CELL2TEXT_PLUGIN` (plugin.hpp) registers it. No base class.
//
// Every plugin class P has `struct P::Settings` (settings.hpp) and a constructor:
//   Source, Metric, Baseline  P(const Settings&, const Context&)
//   Encoder, Decoder, FineTuning  P(const Settings&, ModelContext&)
//   Adapter                  P(const Settings&, ModelContext&, AdapterShape)
#pragma once

#include <concepts>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/value_kind.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/state_row.hpp"

namespace cell2text {

template <class P>
concept HasSettings = requires {
  typename P::Settings;
}
&&DescribesItself<typename P::Settings>;

// Optional calls: a class without one passes, a class with one of another type does not.
template <class P>
concept MatricesIfAny = !requires(P source) {
  source.matrices();
}
|| requires(P source) {
  { source.matrices() } -> std::convertible_to<std::vector<MatrixInfo>>;
};
template <class P>
concept KnownIfAny = !requires(const P& encoder, const GeneTable& genes) {
  encoder.known(genes);
}
|| requires(const P& encoder, const GeneTable& genes) {
  { encoder.known(genes) } -> std::convertible_to<std::vector<bool>>;
};

/// Cells and their labels from a file. Rows are numbered from 0.
/// Optional:
///   matrices() -> std::vector<MatrixInfo>, what the file holds and what its values are; for checks of the file
///   read(rows, CellBatch& into), as read(rows), into the arrays of cells that nobody needs any more: in training, new
///     pages for each window would take as long as a third of its reading
template <class P>
concept Source = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, const Context&> &&
    requires(P source, std::span<const std::int64_t> rows, const std::string& column) {
  { source.size() } -> std::convertible_to<std::int64_t>;
  { source.genes() } -> std::convertible_to<std::shared_ptr<const GeneTable>>;
  { source.columns() } -> std::convertible_to<std::vector<ColumnInfo>>;
  { source.labels(column) } -> std::convertible_to<LabelColumn>;
  { source.read(rows) } -> std::convertible_to<CellBatch>;
} && MatricesIfAny<P>;

/// One vector per gene of a cell. `tokenize` is const and called from several threads.
/// Optional, for checks of a file before the work:
///   known(genes) const -> std::vector<bool>, whether the encoder knows the gene of each column
///   needs_counts() const -> bool, whether normalised values would mislead it; without the call: true
/// `save` writes a folder that `checkpoint = FOLDER` of the same plugin opens again. Settings with a default (how it
/// works) are then given again as they were; optional ones (where it came from) are not. A Decoder's `save` likewise.
template <class P>
concept Encoder = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, ModelContext&> &&
    requires(P encoder, const P& constant, const CellBatch& cells, const GeneTokens& tokens,
             const std::filesystem::path& folder) {
  { constant.tokenize(cells) } -> std::convertible_to<GeneTokens>;
  { encoder.encode(tokens) } -> std::convertible_to<GeneEmbeddings>;
  { constant.width() } -> std::convertible_to<std::int64_t>;
  {encoder.save(folder)};
} && KnownIfAny<P>;

/// From gene embeddings [B,G,E] to soft tokens [B,P,D]. A trained one is built again from its settings with a default
/// (how it works), without the optional ones (where it started from), and its parameters are loaded after that.
template <class P>
concept Adapter = HasSettings<P> &&
    std::constructible_from<P, const typename P::Settings&, ModelContext&, AdapterShape> &&
    requires(P adapter, const GeneEmbeddings& genes) {
  { adapter.forward(genes) } -> std::convertible_to<SoftPrompt>;
};

/// What a decoder remembers of the tokens it has read: a KV cache, a recurrent state. One row per sequence.
///   fork(parents)   a new state whose row i continues row parents[i]; what is computed is shared, not copied
///   select(rows)    keeps these rows, in this order; a row may be named more than once
/// Optional:
///   truncate(lengths)      cuts row i back to lengths[i] tokens, at least one, also where they were settled
///   static joined(states, rows) -> S
///                          row i continues row rows[i].row of *states[rows[i].state]; all come by `fork` and by this
///                          from one state. With it many branches of a text are read together, in fewer passes
///   settle()               many rows will be forked from what was read until now: a hint
template <class S>
concept DecoderState = std::move_constructible<S> &&
    requires(S state, const S& constant, std::span<const std::int64_t> rows) {
  { constant.fork(rows) } -> std::convertible_to<S>;
  {state.select(rows)};
  { constant.bytes() } -> std::convertible_to<std::int64_t>;
};

template <class S>
concept JoinedIfAny = !requires(std::span<const S* const> states, std::span<const StateRow> rows) {
  S::joined(states, rows);
}
|| requires(std::span<const S* const> states, std::span<const StateRow> rows) {
  { S::joined(states, rows) } -> std::convertible_to<S>;
};

template <class T>
concept TextTokenizer = requires(const T& tokenizer, std::string_view text, std::span<const std::int64_t> ids) {
  { tokenizer.encode(text) } -> std::convertible_to<std::vector<std::int64_t>>;
  { tokenizer.decode(ids) } -> std::convertible_to<std::string>;
};

// Optional calls of a decoder, as above.
template <class P>
concept ModelTypesIfAny = !requires {
  P::model_types();
}
|| requires {
  { P::model_types() } -> std::convertible_to<std::vector<std::string>>;
};
template <class P>
concept ForwardLastIfAny = !requires(P decoder, const Tensor& x, const std::vector<std::int64_t>& lengths) {
  decoder.forward_last(x, lengths, x, lengths, static_cast<typename P::State*>(nullptr));
}
|| requires(P decoder, const Tensor& x, const std::vector<std::int64_t>& lengths) {
  {
    decoder.forward_last(x, lengths, x, lengths, static_cast<typename P::State*>(nullptr))
    } -> std::convertible_to<Tensor>;
};
template <class T>
concept EncodePromptIfAny = !requires(const T& tokenizer, std::string_view text) {
  tokenizer.encode_prompt(text, true);
}
|| requires(const T& tokenizer, std::string_view text) {
  { tokenizer.encode_prompt(text, true) } -> std::convertible_to<std::vector<std::int64_t>>;
};

/// A language model that reads embeddings. See DecoderHandle (plugin/handles.hpp) for the meaning of each call.
/// Optional:
///   state_bytes_per_token() const -> std::int64_t, what its state keeps of one token of one row, for an estimate of
///   the memory that a command needs
///   forward_last(embeddings, lengths, positions, last, state) -> Tensor, as DecoderHandle says: `forward` for a caller
///   who needs few of the hidden states. Without it they are picked from what `forward` returns
///   static model_types() -> std::vector<std::string>, the `model_type`s of a config.json that it opens as a checkpoint
///   tokenizer().encode_prompt(text, framed) const -> ids, as DecoderHandle says; without it: encode(text), right for a
///   tokenizer whose special tokens have no names in a text
template <class P>
concept Decoder = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, ModelContext&> &&
    requires(P decoder, const P& constant, const ChatText& chat, const Tensor& x,
             const std::vector<std::int64_t>& lengths, const std::filesystem::path& folder) {
  requires DecoderState<typename P::State>;
  requires JoinedIfAny<typename P::State>;
  requires TextTokenizer<std::remove_cvref_t<decltype(constant.tokenizer())>>;
  requires EncodePromptIfAny<std::remove_cvref_t<decltype(constant.tokenizer())>>;
  requires ModelTypesIfAny<P>;
  requires ForwardLastIfAny<P>;
  { constant.chat(chat) } -> std::convertible_to<ChatPieces>;
  { constant.end_tokens() } -> std::convertible_to<std::vector<std::int64_t>>;
  { constant.width() } -> std::convertible_to<std::int64_t>;
  { constant.vocabulary_size() } -> std::convertible_to<std::int64_t>;
  { decoder.embed(x) } -> std::convertible_to<Tensor>;
  { decoder.new_state() } -> std::convertible_to<typename P::State>;
  { decoder.forward(x, lengths, x, static_cast<typename P::State*>(nullptr)) } -> std::convertible_to<Tensor>;
  { decoder.logits(x) } -> std::convertible_to<Tensor>;
  { decoder.linear_layers() } -> std::convertible_to<std::vector<LinearSlot*>>;
  {decoder.save(folder)};
};

/// Which parameters of a decoder are trained, and how they are kept.
///   changes_base()  whether the decoder's own weights change (then the model folder holds them whole)
///   save / load     what the strategy itself adds, in a folder of its own
///   merge           makes the decoder plain: what was added goes into its weights
template <class P>
concept FineTuning = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, ModelContext&> &&
    requires(P tuning, const P& constant, DecoderView view, const std::filesystem::path& folder) {
  {tuning.prepare(view)};
  { constant.changes_base() } -> std::convertible_to<bool>;
  {tuning.save(folder)};
  {tuning.load(folder)};
  {tuning.merge()};
};

// Optional call of a metric, as above.
template <class P>
concept ComparesTextsIfAny = !requires(const P& metric) {
  metric.compares_texts();
}
|| requires(const P& metric) {
  { metric.compares_texts() } -> std::same_as<bool>;
};

// Optional call of a metric, as above.
template <class P>
concept ReadsConfidencesIfAny = !requires(const P& metric) {
  metric.reads_confidences();
}
|| requires(const P& metric) {
  { metric.reads_confidences() } -> std::same_as<bool>;
};

/// Scores of predicted texts. Values per cell, where they make sense, allow intervals and comparisons.
/// Optional: compares_texts() const -> bool, whether the wording counts; false where labels are read from the texts and
/// nothing else matters, so that it also scores a system that gives labels alone. Without the call: true.
/// Optional: reads_confidences() const -> bool, whether it needs to know how sure a system is, which a run then finds
/// out; what cannot tell is not scored by it. Without the call: false.
template <class P>
concept Metric = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, const Context&> &&
    requires(const P& metric, std::span<const Prediction> predictions, const KnownLabels& known) {
  { metric.score(predictions, known) } -> std::convertible_to<Scores>;
} && ComparesTextsIfAny<P> && ReadsConfidencesIfAny<P>;

// A fit that takes no time need not ask whether to leave off.
template <class P>
concept FitsCells = requires(P baseline, const BaselineCells& cells) {
  {baseline.fit(cells, cells)};
}
|| requires(P baseline, const BaselineCells& cells, const StopQuestion& stop) {
  {baseline.fit(cells, cells, stop)};
};

/// A model to compare with: fitted on labelled cells, predicts labels or descriptions of others.
///   needs()        which of the cells' features it looks at
///   fit            on the training cells; the validation cells (there may be none) may say when to stop. One that may
///                  take long has a third parameter, a StopQuestion to ask now and then
///   save / load    what `fit` has learned, in a folder of its own, which is there; what is loaded predicts the same
template <class P>
concept Baseline = HasSettings<P> && std::constructible_from<P, const typename P::Settings&, const Context&> &&
    requires(P baseline, const P& constant, const BaselineCells& cells, const std::filesystem::path& folder) {
  { constant.needs() } -> std::convertible_to<BaselineNeeds>;
  requires FitsCells<P>;
  { constant.predict(cells) } -> std::convertible_to<BaselineAnswers>;
  {constant.save(folder)};
  {baseline.load(folder)};
};

}  // namespace cell2text
