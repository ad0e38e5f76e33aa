// What baselines are given of an experiment's cells: the encoder's embeddings, counts, and the truth. Fits and scores
// nothing. Host only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "cell2text/embedding_level.hpp"
#include "cell2text/encoder_at_level.hpp"
#include "cell2text/experiment_run.hpp"

namespace cell2text {

namespace baselines_detail {

/// A column of what `value(row)` says of each row; values in the order in which they first occur.
template <class ValueOf>
LabelColumn column_of(const std::string& name, const std::vector<std::int64_t>& rows, const ValueOf& value) {
  LabelColumn column{name, {}, {}};
  std::unordered_map<std::string, std::int32_t> codes;
  for (const std::int64_t row : rows) {
    const std::optional<std::string> text = value(row);
    if (!text) {
      column.codes.push_back(-1);
      continue;
    }
    const auto [entry, is_new] = codes.try_emplace(*text, static_cast<std::int32_t>(column.values.size()));
    if (is_new) column.values.push_back(*text);
    column.codes.push_back(entry->second);
  }
  return column;
}

}  // namespace baselines_detail

/// The truth of rows as their descriptions tell it: prediction_labels of which some cell knows a value; and the
/// pathways, where the settings say how texts tell them.
inline void add_truth(BaselineCells& cells, const DescriptionSource& descriptions,
                      const std::vector<std::int64_t>& rows) {
  for (const char* label : prediction_labels) {
    LabelColumn column =
        baselines_detail::column_of(label, rows, [&](std::int64_t row) { return descriptions.told(label, row); });
    if (!column.values.empty()) cells.labels.push_back(std::move(column));
  }
  if (!descriptions.tells_pathways()) return;
  for (std::size_t i = 0; i < 2; ++i)
    cells.pathways.push_back(baselines_detail::column_of(
        "pathway_" + std::to_string(i + 1), rows, [&](std::int64_t row) -> std::optional<std::string> {
          const auto pathways = descriptions.pathways(row);
          return i < pathways.size() ? std::optional(pathways[i]) : std::nullopt;
        }));
}

/// Embeds the cells of an experiment with an encoder of a model folder (the one that was trained, where it was), once
/// for each level that is asked for. Memory: one row of the encoder's width in float32 for each cell and level.
class BaselineInputs {
 public:
  using Told = std::function<void(std::int64_t done, std::int64_t all)>;

  /// All must outlive this. `told` hears how many cells are embedded, first 0, and may throw to end it.
  BaselineInputs(const Host& host, const ExperimentData& data, PluginChoice encoder, std::int64_t batch_size, Told told)
      : host_(host), data_(data), encoder_(std::move(encoder)), batch_size_(batch_size), told_(std::move(told)) {}

  /// Of these rows those that such a baseline can tell anything of: a cell without a gene that the encoder knows has no
  /// embedding.
  std::vector<std::int64_t> usable(std::vector<std::int64_t> rows, const BaselineNeeds& needs,
                                   const std::string& level) {
    if (needs.embeddings)
      std::erase_if(rows, [place = &embedded(level).place](std::int64_t row) { return (*place)[row] < 0; });
    return rows;
  }

  /// Usable rows as the baseline sees them, without any truth.
  BaselineCells features(const std::vector<std::int64_t>& rows, const BaselineNeeds& needs, const std::string& level) {
    BaselineCells cells{static_cast<std::int64_t>(rows.size()), {}, {}};
    if (needs.embeddings) {
      const Embedded& all = embedded(level);
      Tensor index = torch::empty({cells.size}, torch::kInt64);
      for (std::int64_t i = 0; i < cells.size; ++i) index.data_ptr<std::int64_t>()[i] = all.place[rows[i]];
      cells.embeddings_NE = all.values_NE.index_select(0, index);
    }
    if (needs.counts) cells.counts = data_.source->read(rows);
    return cells;
  }

 private:
  struct Embedded {
    Tensor values_NE;
    std::vector<std::int64_t> place;  // by row of the source; -1: no embedding
  };

  const Embedded& embedded(const std::string& level) {
    const auto found = embedded_.find(level);
    return found != embedded_.end() ? found->second : embedded_.emplace(level, embed(level)).first->second;
  }

  Embedded embed(const std::string& level) const {
    torch::NoGradGuard no_grad;
    const auto [choice, pool] = encoder_at_level(encoder_, level, {"'embedding' of a baseline", 0, 0}, host_.registry);
    Parameters parameters(host_.device, torch::kFloat32, 0);
    const EncoderHandle encoder(model_builder_detail::build_part<kinds::encoder>(host_, choice, parameters));
    encoder.set_training(false);
    std::vector<std::int64_t> rows;
    for (const auto* part : {&data_.split.train, &data_.split.validation, &data_.split.test})
      rows.insert(rows.end(), part->begin(), part->end());
    const auto all = static_cast<std::int64_t>(rows.size());
    Embedded out{torch::empty({all, encoder.width()}, torch::kFloat32),
                 std::vector<std::int64_t>(static_cast<std::size_t>(data_.source->size()), -1)};
    std::int64_t next = 0, done = 0;
    told_(0, all);
    CellLoader loader(*data_.source, encoder, std::move(rows), {batch_size_, free_length_window, 0, false});
    while (const auto batch = loader.next()) {
      GeneEmbeddings cells = encoder.encode(batch->tokens);
      if (pool) cells = mean_of_genes(cells);
      for (std::size_t b = 0; b < batch->rows.size(); ++b) {
        if (cells.lengths[b] == 0) continue;
        out.values_NE[next].copy_(cells.values_BGE[static_cast<std::int64_t>(b)][0]);
        out.place[batch->rows[b]] = next++;
      }
      told_(done += static_cast<std::int64_t>(batch->rows.size()), all);
    }
    out.values_NE = out.values_NE.narrow(0, 0, next);
    if (!out.values_NE.isfinite().all().item<bool>())
      throw InputError("the encoder '" + encoder_.name +
                       "' gives numbers that are not finite for some cells; baselines cannot be fitted on them");
    return out;
  }

  const Host& host_;
  const ExperimentData& data_;
  PluginChoice encoder_;
  std::int64_t batch_size_;
  Told told_;
  std::map<std::string, Embedded> embedded_;
};

}  // namespace cell2text
