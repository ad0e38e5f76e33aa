// How sure a model is of the labels in the texts it wrote: at each label's place, the probability of every known label
// given the text before it, from one reading of the texts.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/asked_places.hpp"
#include "cell2text/generate/label_scores.hpp"
#include "cell2text/generate/label_temperature.hpp"

namespace cell2text {

struct LabelConfidence {
  double confidence = 0;  ///< of the label that the text has, among all known ones; 0 where it has none of them
  double unknown = 0;     ///< probability that the model would have written none of them
  std::vector<std::pair<std::string, double>> best;  ///< the most probable first, with probabilities as `confidence`
};

/// By role; without the roles that the text has no place for.
using LabelConfidences = std::map<std::string, LabelConfidence>;

/// By role; 1 where a role has none.
using LabelTemperatures = std::map<std::string, double>;

class LabelJudge {
 public:
  static constexpr std::size_t all_labels = std::numeric_limits<std::size_t>::max();  ///< as `best`

  /// `reader` and `decoder` must outlive it. InputError where the decoder's tokenizer cannot tell the labels apart.
  /// `temperatures` (label_temperature.hpp) act on the probabilities of whole labels, one label for all its wordings:
  /// `confidence` and `best` are made of those that the known labels then have between them, `unknown` of the known
  /// ones and of all that is none of them as one more label. What the search left out has no part in it.
  LabelJudge(const DecoderHandle& decoder, const KnownLabelReader& reader,
             const std::map<std::string, std::vector<std::string>>& known, std::size_t best = 0,
             const LabelScoreOptions& options = {}, LabelTemperatures temperatures = {})
      : decoder_(decoder),
        reader_(reader),
        questions_(decoder, known),
        best_(best),
        options_(options),
        temperatures_(std::move(temperatures)) {}

  /// `prompts` have read the prompts alone; texts[i] are the tokens that followed prompt i.
  std::vector<LabelConfidences> judge(const DecodingRows& prompts,
                                      const std::vector<std::vector<std::int64_t>>& texts) const {
    torch::NoGradGuard no_grad;
    std::vector<LabelConfidences> all(texts.size());
    std::vector<Asked> asked;
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (!texts[i].empty()) ask(static_cast<std::int64_t>(i), texts[i], asked);
    if (asked.empty()) return all;
    LabelTrees trees;
    for (const Asked& one : asked) trees.push_back(&one.place.question->tree);
    const auto scores = score_labels(at_places(prompts, asked), trees, options_);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const Asked& one = asked[i];
      all[one.prompt][one.role] = confidence(*one.place.question, scores[i], one.place.label, temperature_of(one.role));
    }
    return all;
  }

 private:
  /// A label of a text, and its place, which the text has.
  struct Asked {
    std::int64_t prompt;                      // its row
    const std::vector<std::int64_t>* tokens;  // of the text
    std::string role;
    AskedPlace place;
    std::vector<std::int64_t> begin() const {
      return {tokens->begin(), tokens->begin() + static_cast<std::ptrdiff_t>(*place.at)};
    }
  };

  void ask(std::int64_t prompt, const std::vector<std::int64_t>& text, std::vector<Asked>& asked) const {
    const AskedPlaces places = asked_places(decoder_, reader_, questions_, text);
    for (std::size_t which = 0; which < asked_labels.size(); ++which)
      if (places[which].at && !places[which].question->labels.empty())
        asked.push_back({prompt, &text, std::string(asked_labels[which]), places[which]});
  }

  /// A row for each place, those of a text side by side. A text is read once, up to the last of its places, and cut
  /// back to each; or, where the decoder's state cannot be cut, up to each place.
  static DecodingRows at_places(const DecodingRows& prompts, const std::vector<Asked>& asked) {
    std::vector<std::int64_t> rows, parents;  // of the texts the prompts, of the places the texts
    std::vector<std::vector<std::int64_t>> begins;
    for (const Asked& one : asked) {
      if (!prompts.can_cut() || rows.empty() || rows.back() != one.prompt)
        rows.push_back(one.prompt), begins.emplace_back();
      if (begins.back().size() < *one.place.at) begins.back() = one.begin();
      parents.push_back(std::ssize(rows) - 1);
    }
    DecodingRows texts = prompts.fork(rows);
    const std::vector<std::int64_t> prompt_lengths = texts.lengths();
    const Tensor hidden_RTD = texts.read_all(begins);
    texts.settle();
    if (!prompts.can_cut()) return texts;
    DecodingRows places = texts.fork(parents);
    std::vector<std::int64_t> lengths, last;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto read = static_cast<std::int64_t>(*asked[i].place.at);
      lengths.push_back(prompt_lengths[parents[i]] + read);
      last.push_back(parents[i] * hidden_RTD.size(1) + read - 1);
    }
    places.cut(std::move(lengths), rows_at(hidden_RTD, last));
    return places;
  }

  double temperature_of(const std::string& role) const {
    const auto found = temperatures_.find(role);
    return found == temperatures_.end() ? 1 : found->second;
  }

  LabelConfidence confidence(const LabelQuestion& question, const LabelScores& scores,
                             const std::optional<std::string>& written, double temperature) const {
    LabelConfidence result;
    const double known = scores.known();
    std::vector<double> with_unknown = scores.probabilities;
    with_unknown.push_back(std::clamp(1 - known - scores.left_out, 0.0, 1.0));
    result.unknown = tempered(std::move(with_unknown), temperature).back();
    if (known <= 0) return result;
    const std::vector<double> probabilities = tempered(scores.probabilities, temperature);
    const double all = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
    std::vector<std::size_t> order(question.labels.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
      if (written && question.labels[i] == fold_spaces(*written)) result.confidence = probabilities[i] / all;
    }
    const std::size_t count = std::min(best_, order.size());
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(count), [&](auto a, auto b) {
      return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
    });
    for (std::size_t i = 0; i < count; ++i)
      result.best.emplace_back(question.labels[order[i]], probabilities[order[i]] / all);
    return result;
  }

  const DecoderHandle& decoder_;
  const KnownLabelReader& reader_;
  LabelQuestions questions_;
  std::size_t best_;
  LabelScoreOptions options_;
  LabelTemperatures temperatures_;
};

}  // namespace cell2text
