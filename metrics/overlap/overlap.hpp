// The metric `overlap`: how many characters, words and word sequences predicted and true text share.
// The sums behind it are in bleu.hpp, corpus_bleu.hpp and rouge.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bleu.hpp"
#include "cell2text/context.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/settings.hpp"
#include "corpus_bleu.hpp"
#include "rouge.hpp"

namespace cell2text::overlap {

/// Means over cells, each with its value per cell: `exact` (1 where the texts are equal byte for byte), `bleu_2`,
/// `bleu_4`, and `rouge_{1,2,l}_{f,precision,recall}`. On request `corpus_bleu`, which is no mean over cells. Without
/// predictions the scores have no value.
class Overlap {
 public:
  struct Settings {
    bool bleu = true;
    bool rouge = true;
    bool corpus_bleu = false;

    static void describe(auto& s) {
      s.field("bleu", &Settings::bleu, {.help = "sentence BLEU-2 and BLEU-4, nltk's smoothing method 4"});
      s.field("rouge", &Settings::rouge, {.help = "ROUGE-1, ROUGE-2 and ROUGE-L, without stemming"});
      s.field("corpus_bleu", &Settings::corpus_bleu,
              {.help = "BLEU-4 over all texts together, as sacrebleu (tokenizer 13a, exp smoothing)"});
    }
  };

  Overlap(const Settings& settings, const Context&) : settings_(settings) {}

  Scores score(std::span<const Prediction> predictions, const KnownLabels& = {}) const {
    Columns columns;
    columns.names = {"exact"};
    if (settings_.bleu) columns.names.insert(columns.names.end(), {"bleu_2", "bleu_4"});
    if (settings_.rouge)
      for (const char* kind : {"rouge_1_", "rouge_2_", "rouge_l_"})
        for (const char* part : {"f", "precision", "recall"}) columns.names.push_back(std::string(kind) + part);
    columns.cells.resize(columns.names.size());
    columns.sums.resize(columns.names.size());

    BleuScorer bleu;
    RougeScorer rouge;
    for (const Prediction& p : predictions) {
      columns.next = 0;
      columns.add(p.reference == p.prediction);
      if (settings_.bleu) {
        const Bleu value = bleu.score(p.reference, p.prediction);
        columns.add(value.bleu_2), columns.add(value.bleu_4);
      }
      if (settings_.rouge) {
        const Rouge value = rouge.score(p.reference, p.prediction);
        for (const PrecisionRecall& one : {value.rouge_1, value.rouge_2, value.rouge_l})
          columns.add(one.f), columns.add(one.precision), columns.add(one.recall);
      }
    }
    Scores out = std::move(columns).scores(predictions.size());
    if (settings_.corpus_bleu) add_corpus_bleu(predictions, out);
    return out;
  }

 private:
  /// Each cell is an outcome of its own: its n-grams count as often as it is drawn.
  static void add_corpus_bleu(std::span<const Prediction> predictions, Scores& out) {
    Score score{.name = "corpus_bleu"};
    CorpusCounter counter;
    CorpusCounts sum;
    std::vector<CorpusCounts> cells;
    Recount recount{.names = {score.name}, .outcome = {}, .num_outcomes = predictions.size(), .values = {}};
    for (const Prediction& p : predictions) {
      recount.outcome.push_back(static_cast<std::uint32_t>(cells.size()));
      cells.push_back(counter.count(p.reference, p.prediction));
      sum.add(cells.back(), 1);
    }
    if (predictions.empty())
      score.note = "no cells";
    else
      score.value = overlap::corpus_bleu(sum);
    out.scores.push_back(std::move(score));
    recount.values = [cells = std::move(cells)](std::span<const double> times, std::span<double> values) {
      CorpusCounts drawn;
      for (std::size_t i = 0; i < cells.size(); ++i)
        if (times[i] > 0) drawn.add(cells[i], times[i]);
      values[0] = overlap::corpus_bleu(drawn);
    };
    out.recounts.push_back(std::move(recount));
  }

  struct Columns {
    std::vector<std::string> names;
    std::vector<std::vector<float>> cells;
    std::vector<double> sums;
    std::size_t next = 0;

    void add(double value) {
      cells[next].push_back(static_cast<float>(value));
      sums[next++] += value;
    }
    Scores scores(std::size_t num_cells) && {
      Scores out;
      for (std::size_t i = 0; i < names.size(); ++i) {
        Score score{.name = std::move(names[i])};
        if (num_cells > 0)
          score.value = sums[i] / static_cast<double>(num_cells);
        else
          score.note = "no cells";
        score.per_cell = std::move(cells[i]);
        out.scores.push_back(std::move(score));
      }
      return out;
    }
  };

  Settings settings_;
};

}  // namespace cell2text::overlap
