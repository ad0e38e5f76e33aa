// An experiment from cells to scores, stage by stage: data, model, training, predictions, scores.
// Knows nothing of terminals; what is written where is the run folder's (run_folder.hpp).
#pragma once

#include <cmath>
#include <set>
#include <unordered_map>

#include "cell2text/cells/stratified_choice.hpp"
#include "cell2text/cells/without_counts.hpp"
#include "cell2text/embeddings/identity.hpp"
#include "cell2text/embeddings/need.hpp"
#include "cell2text/evaluate/cell_truth.hpp"
#include "cell2text/evaluate/known_labels.hpp"
#include "cell2text/experiment_scores.hpp"
#include "cell2text/generate/constraint_of_rows.hpp"
#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/generate/drafts.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/train/given_dropout.hpp"
#include "cell2text/train/trainer.hpp"

namespace cell2text {

/// The cells of an experiment: an open source, descriptions, and who is trained on and who is tested.
struct ExperimentData {
  std::unique_ptr<SourceHandle> source;
  std::unique_ptr<DescriptionSource> descriptions;
  Split split;
  std::int64_t left_out = 0;        ///< cells without a description
  std::int64_t without_counts = 0;  ///< cells that express nothing: left out of training, and not of the test
  std::int64_t not_trained = 0;     ///< training cells beyond training.fraction
  std::int64_t not_evaluated = 0;   ///< test cells beyond evaluation.max_cells
  std::int64_t donors = 0;          ///< distinct donors, 0 where the file does not say
};

/// Opens the source, splits its cells, and leaves out those without a description, of training those without counts
/// (there is nothing to learn from) and those beyond training.fraction, and of the test those beyond
/// evaluation.max_cells.
inline ExperimentData open_data(const Host& host, const Experiment& experiment) {
  ExperimentData data;
  const LoadedPlugin plugin = host.registry.load("source", experiment.data.name);
  data.source = std::make_unique<SourceHandle>(
      plugin.build<kinds::source>(experiment.data.settings, {&host.context, nullptr, {}}));
  data.descriptions = std::make_unique<DescriptionSource>(*data.source, experiment.descriptions);
  const SplitSettings& split = experiment.split;
  const std::string column = split.by == "donor" ? "donor_id" : split.by == "column" ? split.column : split.stratify;
  if (!data.source->has_column(column)) {
    std::vector<std::string> names;
    for (const ColumnInfo& info : data.source->columns()) names.push_back(info.name);
    throw InputError("[split] by = \"" + split.by + "\" needs the obs column '" + column +
                     "', which the file does not have" + suggestion(column, names));
  }
  const LabelColumn labels = data.source->labels(column);
  data.split = split.by == "donor"    ? split_by_donor(labels, split, host.context.seed)
               : split.by == "column" ? split_by_column(labels)
                                      : split_by_cell(labels, split, host.context.seed);
  for (auto* rows : {&data.split.train, &data.split.validation, &data.split.test})
    data.left_out += static_cast<std::int64_t>(
        std::erase_if(*rows, [&](std::int64_t row) { return !data.descriptions->text(row); }));
  data.without_counts = leave_out_empty(*data.source, {&data.split.train, &data.split.validation});
  if (data.split.train.empty())
    throw InputError("no cells are left to train on: " + std::to_string(data.left_out) +
                     " have no description, and of the others to train or validate on " +
                     std::to_string(data.without_counts) + " have no counts");
  const auto cell_type = [&](std::int64_t row) { return data.descriptions->label("cell_type", row); };
  const auto keep = [&](std::vector<std::int64_t>& rows, std::int64_t wanted, std::int64_t seed) {
    const std::int64_t before = std::ssize(rows);
    rows = stratified_choice(rows, wanted, static_cast<std::uint64_t>(seed), cell_type);
    return before - std::ssize(rows);
  };
  if (const auto wanted = experiment.evaluation.max_cells)
    data.not_evaluated = keep(data.split.test, *wanted, experiment.evaluation.seed);
  if (const auto fraction = experiment.training.fraction) {
    const double wanted = std::ceil(*fraction * static_cast<double>(data.split.train.size()) - 1e-9);
    data.not_trained = keep(data.split.train, static_cast<std::int64_t>(wanted), experiment.general.seed);
  }
  if (data.source->has_column("donor_id")) {
    const LabelColumn donors = data.source->labels("donor_id");
    data.donors = static_cast<std::int64_t>(std::set<std::int32_t>(donors.codes.begin(), donors.codes.end()).size());
  }
  return data;
}

/// The cache of embeddings that the experiment asks for; null where it asks for none, or there are no embeddings.
/// `encoder` is the model's, with its settings resolved. Errors as EmbeddingFolder.
inline std::shared_ptr<EmbeddingCache> open_cache(const Host& host, const EncoderRole& role,
                                                  const PluginChoice& encoder, const Model& model) {
  if (role.cache == "none" || model.told_genes) return nullptr;
  std::vector<FieldInfo> fields;
  host.registry.load("encoder", encoder.name).descriptor->schema(fields).raise();
  EmbeddingCacheOptions options{
      role.cache_folder ? std::filesystem::path(*role.cache_folder) : usual_embedding_folder(), role.cache_limit.bytes,
      "", host.device, host.context.log};
  options.identity =
      encoder_identity({encoder.name, encoder.resolved, std::move(fields), host.device}, *model.encoder_parameters);
  return std::make_shared<EmbeddingCache>(std::move(options));
}

/// Description tokens of a row, with the end token that closes them.
inline TextOfRow text_tokens(const ExperimentData& data, const DecoderHandle& decoder) {
  const auto end = decoder.end_tokens();
  if (end.empty()) throw InputError("the decoder's tokenizer names no end token; a description could never end");
  return [&data, &decoder, end = end.front()](std::int64_t row) {
    auto tokens = decoder.encode_text(*data.descriptions->text(row));
    tokens.push_back(end);
    return tokens;
  };
}

/// What training prompts tell of the cells' labels; empty where the prompt has no place for it. `data` must outlive it.
/// InputError where a label that the prompt tells is known of no training cell.
inline GivenInEpoch given_in_training(const ExperimentData& data, const Experiment& experiment) {
  const auto field = given_field(experiment.prompt.user);
  if (!field) return {};
  GivenDropout given(*data.descriptions, field->labels, experiment.training.given_dropout.value_or(0.5),
                     static_cast<std::uint64_t>(experiment.general.seed));
  given.expect_known(data.split.train);
  return given;
}

/// The longest training description in tokens + 16: what "auto" means for max_new_tokens.
inline std::int64_t automatic_max_new_tokens(const ExperimentData& data, const TextOfRow& text) {
  std::size_t longest = 0;
  for (const std::int64_t row : data.split.train) longest = std::max(longest, text(row).size());
  return static_cast<std::int64_t>(longest) + 16;
}

/// The training descriptions, each once and the most frequent first, which greedy decoding guesses from.
inline std::shared_ptr<const DraftTexts> draft_texts(const ExperimentData& data, const TextOfRow& text) {
  constexpr std::int64_t most_tokens = std::int64_t{1} << 20;
  std::unordered_map<std::string, std::pair<std::int64_t, std::int64_t>> seen;  // how often, and the first row
  for (const std::int64_t row : data.split.train)
    ++seen.try_emplace(*data.descriptions->text(row), 0, row).first->second.first;
  std::vector<std::pair<std::int64_t, std::int64_t>> order;
  for (const auto& [words, one] : seen) order.push_back(one);
  std::ranges::sort(
      order, [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<std::vector<std::int64_t>> texts;
  std::int64_t tokens = 0;
  for (const auto& [times, row] : order) {
    texts.push_back(text(row));
    tokens += std::ssize(texts.back());
    if (tokens >= most_tokens) break;
  }
  return std::make_shared<const DraftTexts>(std::move(texts));
}

/// Values of the scored labels among training cells, most frequent first.
inline std::map<std::string, std::vector<TrainedLabel>> trained_labels(const ExperimentData& data) {
  std::map<std::string, std::vector<TrainedLabel>> all;
  for (const char* label : DescriptionSource::label_names) {
    std::map<std::string, TrainedLabel> values;
    for (const std::int64_t row : data.split.train)
      if (const auto name = data.descriptions->label(label, row)) {
        TrainedLabel& value = values[*name];
        value.name = *name;
        if (!value.ontology_id) value.ontology_id = data.descriptions->ontology_id(label, row);
        ++value.cells;
      }
    for (auto& [name, value] : values) all[label].push_back(std::move(value));
    std::ranges::stable_sort(all[label], std::greater{}, &TrainedLabel::cells);
  }
  return all;
}

/// Names that a label may have in a text: those of the model, of the cells to score, and of the ontology.
inline KnownLabels known_labels(const ModelCard& card, const ExperimentData& data) {
  KnownLabels known = card.known_labels();
  for (const char* label : DescriptionSource::label_names)
    for (const std::int64_t row : data.split.test)
      if (const auto name = data.descriptions->label(label, row)) known.values[label].push_back(*name);
  if (const Ontology* ontology = data.descriptions->ontology()) add_terms(known, *ontology);
  sort_names(known);
  known.trained = card.known_labels().values;
  return known;
}

/// What [evaluation] says is given of a test cell: its own labels where the model knows them. Empty where nothing is.
/// `data` must outlive it.
inline GivenOfRow given_in_test(const ExperimentData& data, const ModelCard& card, const Experiment& experiment) {
  if (!experiment.evaluation.given || experiment.evaluation.given->empty()) return {};
  const LabelLimits limits{card.known_labels().values, {}};
  std::map<std::string, std::set<std::string>> known;
  for (const std::string& label : *experiment.evaluation.given) {
    const std::vector<std::string> names = limits.all(label);
    known[label] = {names.begin(), names.end()};
  }
  return [&descriptions = *data.descriptions, known = std::move(known)](std::int64_t row) {
    GivenLabels given;
    for (const auto& [label, names] : known)
      if (const auto told = descriptions.told(label, row); told && names.contains(*told)) given[label] = *told;
    return given;
  };
}

/// Describes the test cells, in batches of like length, and gives them back in the order of the file.
/// `progress` is told how many cells are done. Where a judge is asked, predictions tell how sure it is.
inline std::vector<Prediction> predict(const Model& model, const ExperimentData& data,
                                       const GenerationSettings& settings,
                                       const std::function<void(std::int64_t)>& progress,
                                       const DescribeExtras& wanted = {}) {
  LoaderOptions options{settings.batch_size, free_length_window, 0, false};
  CellLoader loader(*data.source, *model.encoder, data.split.test, options);
  const CellTruth truth(*data.source, *data.descriptions);
  std::vector<std::pair<std::int64_t, Prediction>> found;
  while (auto batch = loader.next()) {
    for (DescribedCell& cell : describe_cells(model, *batch, settings, wanted)) {
      Prediction prediction{
          cell.name, *data.descriptions->text(cell.row), std::move(cell.text), cell.log_probability, {}};
      truth.add_to(prediction, cell.row);
      for (const auto& [label, one] : cell.confidences) prediction.confidences[label] = one.confidence;
      found.emplace_back(cell.row, std::move(prediction));
    }
    progress(static_cast<std::int64_t>(found.size()));
  }
  std::ranges::sort(found, {}, [](const auto& one) { return one.first; });
  std::vector<Prediction> predictions;
  for (auto& [row, prediction] : found) predictions.push_back(std::move(prediction));
  return predictions;
}

}  // namespace cell2text
