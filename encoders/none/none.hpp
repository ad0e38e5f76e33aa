// The encoder that is none: a cell's tokens are the letters of its gene sentence, the names of its genes by expression,
// which the decoder reads as text (Cell2Sentence; Levine et al. 2024). There are no embeddings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/error.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::none {

struct Settings {
  std::int64_t max_genes = 1000;

  static void describe(auto& s) {
    s.field(
        "max_genes", &Settings::max_genes,
        {.help = "names of a cell that are kept for the prompt, which says with {genes:N} how many of them it tells",
         .unit = "genes",
         .min = 1,
         .max = 100000});
  }
};

class None {
 public:
  using Settings = none::Settings;

  None(const Settings& settings, ModelContext&) : settings_(settings) {}

  /// The bytes of "CD74 HLA-DRA ...": names of expressed genes, the highest count first, ties by column. Dividing by a
  /// cell's total and taking logarithms, as Cell2Sentence does, leaves that order as it is. InputError where the cells
  /// come without gene symbols.
  GeneTokens tokenize(const CellBatch& cells) const {
    const GeneTable& genes = *cells.genes;
    const std::vector<std::string>& names = genes.kind == GeneTable::Kind::symbol ? genes.ids : genes.symbols;
    if (names.empty())
      throw InputError(
          "the cells have Ensembl ids and no gene symbols, and encoder 'none' tells genes by their symbols; add a "
          "column "
          "feature_name to var");
    std::vector<std::string> sentences;
    GeneTokens tokens;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) {
      const auto columns = cells.columns_of(cell);
      const auto counts = cells.counts_of(cell);
      std::vector<std::size_t> order;
      for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] > 0) order.push_back(i);
      std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return counts[i]; });
      tokens.known_genes.push_back(std::ssize(order));
      if (std::ssize(order) > settings_.max_genes) order.resize(static_cast<std::size_t>(settings_.max_genes));
      std::string& sentence = sentences.emplace_back();
      for (const std::size_t i : order) sentence += (sentence.empty() ? "" : " ") + names[columns[i]];
      tokens.lengths.push_back(std::ssize(sentence));
    }
    const std::int64_t longest = sentences.empty() ? 0 : std::ranges::max(tokens.lengths);
    tokens.ids_BG = torch::zeros({cells.size(), longest}, torch::kInt64);
    auto* row = tokens.ids_BG.mutable_data_ptr<std::int64_t>();
    for (const std::string& sentence : sentences) {
      std::ranges::transform(sentence, row, [](char c) { return static_cast<unsigned char>(c); });
      row += longest;
    }
    return tokens;
  }

  /// InputError: there are none.
  GeneEmbeddings encode(const GeneTokens&) const {
    throw InputError(
        "encoder 'none' gives no embeddings: the decoder is told the genes' names. What needs embeddings (a baseline "
        "that looks at the encoder, cell2text embed) needs another encoder");
  }
  /// Any gene with a name can be told.
  std::vector<bool> known(const GeneTable& genes) const {
    return std::vector<bool>(static_cast<std::size_t>(genes.size()), true);
  }
  /// The order of a cell's values is all that counts.
  bool needs_counts() const { return false; }
  std::int64_t width() const { return 1; }
  /// There is nothing to save but the settings, which the model folder holds.
  void save(const std::filesystem::path& folder) const { std::filesystem::create_directories(folder); }

 private:
  Settings settings_;
};

}  // namespace cell2text::none
