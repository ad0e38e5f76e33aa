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
      if (!texts[i].empty())
        asked.push_back(
            {static_cast<std::int64_t>(i), &texts[i], asked_places(decoder_, reader_, questions_, texts[i])});
    if (asked.empty()) return all;
    Reading reading(prompts, asked);
    for (std::size_t which = 0; which < asked_labels.size(); ++which) ask(which, asked, reading, all);
    return all;
  }

 private:
  /// A text and what is asked about it.
  struct Asked {
    std::int64_t row;                         // of the prompts
    const std::vector<std::int64_t>* tokens;  // of the text
    AskedPlaces places;
  };

  /// The tokens of a text before the last place of it that is asked about; one at least.
  static std::vector<std::int64_t> up_to_last_place(const Asked& asked) {
    std::size_t end = 1;
    for (const AskedPlace& place : asked.places) end = std::max(end, place.at.value_or(0));
    return {asked.tokens->begin(), asked.tokens->begin() + static_cast<std::ptrdiff_t>(end)};
  }

  /// The texts read once, then cut back from one place to the one before it; or, where the decoder's state cannot be
  /// cut, read anew for each.
  class Reading {
   public:
    Reading(const DecodingRows& prompts, const std::vector<Asked>& asked) : prompts_(prompts) {
      if (!prompts.can_cut()) return;
      std::vector<std::int64_t> rows;
      std::vector<std::vector<std::int64_t>> texts;
      for (const Asked& one : asked) rows.push_back(one.row), texts.push_back(up_to_last_place(one));
      rows_.emplace(prompts.fork(rows));
      begins_ = rows_->lengths();
      hidden_RTD_ = rows_->read_all(texts);
    }

    /// The rows of some texts, numbers in `asked`, after so many of their tokens (one at least).
    DecodingRows at(const std::vector<Asked>& asked, const std::vector<std::int64_t>& which,
                    const std::vector<std::size_t>& tokens) {
      return rows_ ? cut(which, tokens) : read_anew(asked, which, tokens);
    }

   private:
    DecodingRows cut(const std::vector<std::int64_t>& which, const std::vector<std::size_t>& tokens) {
      std::vector<std::int64_t> lengths = rows_->lengths(), places;
      for (std::size_t i = 0; i < which.size(); ++i)
        lengths[which[i]] = begins_[which[i]] + static_cast<std::int64_t>(tokens[i]);
      const std::int64_t T = hidden_RTD_.size(1);
      for (std::size_t r = 0; r < lengths.size(); ++r)
        places.push_back(static_cast<std::int64_t>(r) * T + lengths[r] - begins_[r] - 1);
      rows_->cut(std::move(lengths), rows_at(hidden_RTD_, places));
      return rows_->fork(which);
    }
    DecodingRows read_anew(const std::vector<Asked>& asked, const std::vector<std::int64_t>& which,
                           const std::vector<std::size_t>& tokens) const {
      std::vector<std::int64_t> parents;
      std::vector<std::vector<std::int64_t>> begins;
      for (std::size_t i = 0; i < which.size(); ++i) {
        const Asked& one = asked[which[i]];
        parents.push_back(one.row);
        begins.emplace_back(one.tokens->begin(), one.tokens->begin() + static_cast<std::ptrdiff_t>(tokens[i]));
      }
      DecodingRows rows = prompts_.fork(parents);
      rows.read_all(begins);
      return rows;
    }

    const DecodingRows& prompts_;
    std::optional<DecodingRows> rows_;
    std::vector<std::int64_t> begins_;  // lengths of the prompts
    Tensor hidden_RTD_;
  };

  void ask(std::size_t which, const std::vector<Asked>& asked, Reading& reading,
           std::vector<LabelConfidences>& all) const {
    std::map<const LabelQuestion*, std::vector<std::int64_t>> members;
    std::vector<std::int64_t> rows;
    std::vector<std::size_t> tokens;
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (const auto& place = asked[i].places[which]; place.at && !place.question->labels.empty()) {
        members[place.question].push_back(std::ssize(rows));
        rows.push_back(static_cast<std::int64_t>(i)), tokens.push_back(*place.at);
      }
    if (rows.empty()) return;
    const DecodingRows at_place = reading.at(asked, rows, tokens);
    for (const auto& [question, numbers] : members) {
      const auto scores = score_labels(at_place.fork(numbers), question->tree, options_);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const Asked& one = asked[rows[numbers[i]]];
        const std::string role(asked_labels[which]);
        all[one.row][role] = confidence(*question, scores[i], one.places[which].label, temperature_of(role));
      }
    }
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
