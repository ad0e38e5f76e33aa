// One abstract class per kind of plugin: the only virtual calls, and the only place where host and
// plugin meet. Nothing throws across: each call returns a Fault. Authors never see these classes;
// plugin/wrap.hpp makes them from a plain class, plugin/handles.hpp turns them back into plain calls.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/concepts.hpp"

namespace cell2text::objects {

struct SourceObject {
  virtual ~SourceObject() = default;
  virtual Fault size(std::int64_t& out) noexcept = 0;
  virtual Fault genes(std::shared_ptr<const GeneTable>& out) noexcept = 0;
  virtual Fault columns(std::vector<ColumnInfo>& out) noexcept = 0;
  virtual Fault labels(const std::string& column, LabelColumn& out) noexcept = 0;
  virtual Fault read(std::span<const std::int64_t> rows, CellBatch& out) noexcept = 0;
  virtual Fault matrices(std::vector<MatrixInfo>& out) noexcept = 0;
};

struct EncoderObject {
  virtual ~EncoderObject() = default;
  virtual Fault tokenize(const CellBatch& cells, GeneTokens& out) const noexcept = 0;
  virtual Fault encode(const GeneTokens& tokens, GeneEmbeddings& out) noexcept = 0;
  virtual Fault width(std::int64_t& out) const noexcept = 0;
  virtual Fault known(const GeneTable& genes, std::optional<std::vector<bool>>& out) const noexcept = 0;
  virtual Fault needs_counts(bool& out) const noexcept = 0;
  virtual Fault save(const std::filesystem::path& folder) noexcept = 0;
  virtual Fault set_training(bool training) noexcept = 0;
};

struct AdapterObject {
  virtual ~AdapterObject() = default;
  virtual Fault forward(const GeneEmbeddings& genes, SoftPrompt& out) noexcept = 0;
  virtual Fault set_training(bool training) noexcept = 0;
};

struct StateObject {
  virtual ~StateObject() = default;
  virtual Fault fork(std::span<const std::int64_t> parents, std::unique_ptr<StateObject>& out) const noexcept = 0;
  virtual Fault select(std::span<const std::int64_t> rows) noexcept = 0;
  virtual Fault truncate(std::span<const std::int64_t> lengths) noexcept = 0;
  virtual bool can_truncate() const noexcept = 0;
  // Of states of the same decoder, this one among them.
  virtual Fault joined(std::span<const StateObject* const> states, std::span<const StateRow> rows,
                       std::unique_ptr<StateObject>& out) const noexcept = 0;
  virtual bool can_join() const noexcept = 0;
  virtual Fault settle() noexcept = 0;
  virtual Fault bytes(std::int64_t& out) const noexcept = 0;
  virtual void* concrete() noexcept = 0;  // the author's State, for the decoder that made it
};

struct DecoderObject {
  virtual ~DecoderObject() = default;
  virtual Fault encode_text(std::string_view text, std::vector<std::int64_t>& out) const noexcept = 0;
  virtual Fault encode_prompt(std::string_view text, bool framed, std::vector<std::int64_t>& out) const noexcept = 0;
  virtual Fault decode_text(std::span<const std::int64_t> ids, std::string& out) const noexcept = 0;
  virtual Fault chat(const ChatText& text, ChatPieces& out) const noexcept = 0;
  virtual Fault end_tokens(std::vector<std::int64_t>& out) const noexcept = 0;
  virtual Fault widths(std::int64_t& width, std::int64_t& vocabulary) const noexcept = 0;
  virtual Fault state_bytes_per_token(std::optional<std::int64_t>& out) const noexcept = 0;
  virtual Fault embed(const Tensor& ids, Tensor& out) noexcept = 0;
  virtual Fault new_state(std::unique_ptr<StateObject>& out) noexcept = 0;
  virtual Fault forward(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths,
                        const Tensor& positions_BT, StateObject* state, Tensor& out) noexcept = 0;
  virtual Fault forward_last(const Tensor& embeddings_BTD, const std::vector<std::int64_t>& lengths,
                             const Tensor& positions_BT, const std::vector<std::int64_t>& last, StateObject* state,
                             Tensor& out) noexcept = 0;
  virtual Fault logits(const Tensor& hidden, Tensor& out) noexcept = 0;
  virtual Fault linear_layers(std::vector<LinearSlot*>& out) noexcept = 0;
  virtual Fault save(const std::filesystem::path& folder) noexcept = 0;
  virtual Fault set_training(bool training) noexcept = 0;
};

struct FineTuningObject {
  virtual ~FineTuningObject() = default;
  virtual Fault prepare(const DecoderView& view) noexcept = 0;
  virtual Fault changes_base(bool& out) const noexcept = 0;
  virtual Fault save(const std::filesystem::path& folder) noexcept = 0;
  virtual Fault load(const std::filesystem::path& folder) noexcept = 0;
  virtual Fault merge() noexcept = 0;
};

struct MetricObject {
  virtual ~MetricObject() = default;
  virtual Fault score(std::span<const Prediction> predictions, const KnownLabels& known,
                      Scores& out) const noexcept = 0;
  virtual Fault compares_texts(bool& out) const noexcept = 0;
  virtual Fault reads_confidences(bool& out) const noexcept = 0;
};

struct BaselineObject {
  virtual ~BaselineObject() = default;
  virtual Fault needs(BaselineNeeds& out) const noexcept = 0;
  virtual Fault fit(const BaselineCells& train, const BaselineCells& validation, const StopQuestion& stop) noexcept = 0;
  virtual Fault predict(const BaselineCells& cells, BaselineAnswers& out) const noexcept = 0;
  virtual Fault save(const std::filesystem::path& folder) const noexcept = 0;
  virtual Fault load(const std::filesystem::path& folder) noexcept = 0;
};

}  // namespace cell2text::objects
