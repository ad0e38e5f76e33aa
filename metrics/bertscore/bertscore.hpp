// The metric `bertscore`: how alike predicted and true texts are, token by token, to a BERT or RoBERTa encoder.
// The network is text_encoder.hpp's, the sums are matching.hpp's, the order of work is buckets.hpp's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "buckets.hpp"
#include "cell2text/context.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/parallel/threads.hpp"
#include "matching.hpp"
#include "settings.hpp"
#include "text_encoder.hpp"

namespace cell2text::bertscore {

/// BERTScore as the package bert-score computes it, without rescaling: `NAME.precision`, `NAME.recall` and `NAME.f1`,
/// means over cells with a value per cell. Equal texts and equal pairs are computed once. A value is the same whatever
/// texts stand beside, to within rounding. Everything that can be wrong with the folder is found at construction.
class BertScore {
 public:
  using Settings = bertscore::Settings;

  BertScore(const Settings& settings, const Context& context)
      : settings_(settings), name_(settings.score_name()), encoder_(std::make_unique<TextEncoder>(settings)) {
    context.log.info("bertscore: " + settings.model + ", output of block " + std::to_string(encoder_->layer()) +
                     " of " + std::to_string(encoder_->num_layers()) + ", width " + std::to_string(encoder_->width()) +
                     ", at most " + std::to_string(encoder_->max_tokens()) + " tokens of a text");
    if (encoder_->case_assumed())
      context.log.warning("bertscore: " + settings.model +
                          "/vocab.txt holds capitals, and no file says that the model keeps them; texts are "
                          "lower-cased, as transformers does. For a cased model write {\"do_lower_case\": false} into "
                          "tokenizer_config.json there");
  }

  Scores score(std::span<const Prediction> predictions, const KnownLabels& = {}) const {
    DistinctTexts distinct;
    std::vector<TextPair> pairs;
    for (const Prediction& one : predictions) {
      const std::size_t reference = distinct.add(one.reference);
      pairs.push_back({reference, distinct.add(one.prediction)});
    }
    const std::vector<Tokens> tokens = tokenize(distinct.texts());
    const TokenWeights weights = weights_of(pairs, tokens);
    const auto by_pair = compare(pairs, tokens, weights);
    std::vector<PrecisionRecallF1> cells;
    for (const TextPair& pair : pairs) cells.push_back(by_pair.at(pair));
    return named(cells, note(tokens));
  }

  const TextEncoder& encoder() const { return *encoder_; }

 private:
  std::vector<Tokens> tokenize(const std::vector<std::string_view>& texts) const {
    std::vector<Tokens> tokens(texts.size());
    parallel_pieces(static_cast<std::int64_t>(texts.size()), 32, [&](std::int64_t first, std::int64_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
        tokens[i] = encoder_->tokenize(texts[i]);
    });
    return tokens;
  }

  TokenWeights weights_of(const std::vector<TextPair>& pairs, const std::vector<Tokens>& tokens) const {
    if (!settings_.idf)
      return TokenWeights::even(encoder_->vocabulary_size(), [&](std::int64_t id) { return encoder_->is_frame(id); });
    std::vector<const std::vector<std::int64_t>*> references;
    for (const TextPair& pair : pairs) references.push_back(&tokens[pair.reference].ids);
    return TokenWeights::idf(encoder_->vocabulary_size(), references);
  }

  std::map<TextPair, PrecisionRecallF1> compare(const std::vector<TextPair>& pairs, const std::vector<Tokens>& tokens,
                                                const TokenWeights& weights) const {
    std::vector<std::int64_t> lengths;
    for (const Tokens& one : tokens) lengths.push_back(static_cast<std::int64_t>(one.ids.size()));
    const std::vector<Bucket> buckets = make_buckets(pairs, lengths, settings_.batch_tokens);
    KeptTexts kept(buckets, lengths, settings_.batch_tokens);
    std::vector<Tensor> vectors(tokens.size());  // of length one; undefined where they are not held
    std::map<TextPair, PrecisionRecallF1> by_pair;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      kept.start(i, [&](std::size_t text) { vectors[text] = Tensor(); });
      encode(buckets[i].texts, tokens, vectors);
      std::vector<PrecisionRecallF1> values(buckets[i].pairs.size());
      parallel_pieces(static_cast<std::int64_t>(values.size()), 4, [&](std::int64_t first, std::int64_t last) {
        const torch::NoGradGuard no_grad;
        for (auto p = static_cast<std::size_t>(first); p < static_cast<std::size_t>(last); ++p) {
          const auto& [reference, prediction] = buckets[i].pairs[p];
          values[p] = match({tokens[reference].ids, vectors[reference]}, {tokens[prediction].ids, vectors[prediction]},
                            weights);
        }
      });
      for (std::size_t p = 0; p < values.size(); ++p) by_pair.emplace(buckets[i].pairs[p], values[p]);
    }
    return by_pair;
  }

  /// Gives those of `texts` vectors that have none. Texts of one length go together, since nothing has to be padded
  /// then; each thread takes a group, which is faster than all threads at one.
  void encode(std::vector<std::size_t> texts, const std::vector<Tokens>& tokens, std::vector<Tensor>& vectors) const {
    constexpr std::size_t group_tokens = 512;
    std::erase_if(texts, [&](std::size_t text) { return vectors[text].defined() || tokens[text].empty(); });
    const auto length = [&](std::size_t text) { return tokens[text].ids.size(); };
    std::ranges::stable_sort(texts, std::greater<>(), length);  // the long ones first: no thread ends late
    std::vector<std::span<const std::size_t>> groups;
    for (std::size_t at = 0, end; at < texts.size(); at = end) {
      const std::size_t most = std::max<std::size_t>(1, group_tokens / length(texts[at]));
      for (end = at; end < texts.size() && end - at < most && length(texts[end]) == length(texts[at]);) ++end;
      groups.push_back(std::span(texts).subspan(at, end - at));
    }
    parallel_pieces(static_cast<std::int64_t>(groups.size()), 1, [&](std::int64_t first, std::int64_t last) {
      for (auto g = static_cast<std::size_t>(first); g < static_cast<std::size_t>(last); ++g)
        encode_group(groups[g], tokens, vectors);
    });
  }

  void encode_group(std::span<const std::size_t> texts, const std::vector<Tokens>& tokens,
                    std::vector<Tensor>& vectors) const {
    const torch::NoGradGuard no_grad;
    const std::size_t length = tokens[texts.front()].ids.size();
    const Tensor ids_BT =
        torch::empty({static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(length)}, torch::kInt64);
    auto* to = ids_BT.mutable_data_ptr<std::int64_t>();
    for (const std::size_t text : texts) to = std::ranges::copy(tokens[text].ids, to).out;
    const Tensor values_BTE = encoder_->encode(ids_BT);
    const Tensor unit_BTE = values_BTE / values_BTE.norm(2, {2}, true);
    for (std::size_t b = 0; b < texts.size(); ++b) {
      const Tensor own = unit_BTE[static_cast<std::int64_t>(b)];
      vectors[texts[b]] = texts.size() == 1 ? own : own.clone();  // each goes when its text is done
    }
  }

  static std::string note(const std::vector<Tokens>& tokens) {
    const auto cut = std::ranges::count_if(tokens, &Tokens::cut);
    return cut == 0 ? "" : std::to_string(cut) + " of " + std::to_string(tokens.size()) + " distinct texts were cut";
  }

  Scores named(const std::vector<PrecisionRecallF1>& cells, const std::string& note) const {
    Scores out;
    for (const auto& [part, value] :
         {std::pair{"precision", &PrecisionRecallF1::precision}, std::pair{"recall", &PrecisionRecallF1::recall},
          std::pair{"f1", &PrecisionRecallF1::f1}}) {
      Score score{.name = name_ + "." + part, .note = cells.empty() ? "no cells" : note};
      double sum = 0;
      std::size_t known = 0;
      for (const PrecisionRecallF1& cell : cells) {
        const double one = cell.*value;
        score.per_cell.push_back(static_cast<float>(one));
        if (!std::isnan(one)) sum += one, ++known;
      }
      if (known > 0)
        score.value = sum / static_cast<double>(known);
      else if (!cells.empty())
        score.note = "no token weighs anything: with idf more than one reference is needed";
      out.scores.push_back(std::move(score));
    }
    return out;
  }

  Settings settings_;
  std::string name_;
  std::unique_ptr<TextEncoder> encoder_;
};

}  // namespace cell2text::bertscore
