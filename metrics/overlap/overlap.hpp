// The metric `overlap`: how many characters, words and word sequences predicted and true text share.
// The sums behind it are in bleu.hpp and rouge.hpp.
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
#include "rouge.hpp"

namespace cell2text::overlap {

/// Means over cells, each with its value per cell: `exact` (1 where the texts are equal byte for byte), `bleu_2`,
/// `bleu_4`, and `rouge_{1,2,l}_{f,precision,recall}`. Without predictions the scores have no value.
class Overlap {
 public:
  struct Settings {
    bool bleu = true;
    bool rouge = true;

    static void describe(auto& s) {
      s.field("bleu", &Settings::bleu, {.help = "sentence BLEU-2 and BLEU-4, nltk's smoothing method 4"});
      s.field("rouge", &Settings::rouge, {.help = "ROUGE-1, ROUGE-2 and ROUGE-L, without stemming"});
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
    return std::move(columns).scores(predictions.size());
  }

 private:
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
