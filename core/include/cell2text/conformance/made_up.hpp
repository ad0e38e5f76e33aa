// Inputs for checks: made-up numbers, gene embeddings, cells and texts. The same number gives the same input.
// None of them comes from LibTorch's default generator, whose state is itself checked.
#pragma once

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/model_types.hpp"

namespace cell2text::conformance {

using Lengths = std::vector<std::int64_t>;

/// Normal numbers, float32.
inline Tensor normal(const Lengths& shape, std::uint64_t seed) {
  return at::empty(shape, at::TensorOptions(torch::kFloat32))
      .normal_(0, 1, at::make_generator<at::CPUGeneratorImpl>(seed));
}

/// Whole numbers from 0 to `end` - 1, int64.
inline Tensor whole_numbers(const Lengths& shape, std::int64_t end, std::uint64_t seed) {
  return at::empty(shape, at::TensorOptions(torch::kInt64))
      .random_(0, end, at::make_generator<at::CPUGeneratorImpl>(seed));
}

/// 0, 1, 2, ... in each of B rows, int64.
inline Tensor positions(std::int64_t B, std::int64_t T, std::int64_t first = 0) {
  return at::arange(first, first + T, at::TensorOptions(torch::kInt64)).expand({B, T});
}

/// Copies with everything beyond the lengths replaced by `value`. x [B,T,...]
inline Tensor with_padding(const Tensor& x, const Lengths& lengths, double value) {
  Tensor copy = x.clone();
  for (std::size_t b = 0; b < lengths.size(); ++b)
    copy[static_cast<std::int64_t>(b)].narrow(0, lengths[b], x.size(1) - lengths[b]).fill_(value);
  return copy;
}

/// Row b without its padding. x [B,T,...]
inline Tensor real_part(const Tensor& x, const Lengths& lengths, std::int64_t b) {
  return x[b].narrow(0, 0, lengths[b]);
}

struct MadeUpGene {
  const char *symbol, *ensembl;
};
/// Genes that most encoders of human cells know.
inline constexpr std::array<MadeUpGene, 31> made_up_genes = {
    {{"CD3D", "ENSG00000167286"},     {"CD3E", "ENSG00000198851"},   {"CD4", "ENSG00000010610"},
     {"CD8A", "ENSG00000153563"},     {"CD8B", "ENSG00000172116"},   {"MS4A1", "ENSG00000156738"},
     {"CD79A", "ENSG00000105369"},    {"CD79B", "ENSG00000007312"},  {"LYZ", "ENSG00000090382"},
     {"FCGR3A", "ENSG00000203747"},   {"NKG7", "ENSG00000105374"},   {"GNLY", "ENSG00000115523"},
     {"KLRB1", "ENSG00000111796"},    {"IL7R", "ENSG00000168685"},   {"CCR7", "ENSG00000126353"},
     {"S100A8", "ENSG00000143546"},   {"S100A9", "ENSG00000163220"}, {"FCER1A", "ENSG00000179639"},
     {"CST3", "ENSG00000101439"},     {"CD74", "ENSG00000019582"},   {"HLA-DRA", "ENSG00000204287"},
     {"HLA-DRB1", "ENSG00000196126"}, {"FTL", "ENSG00000087086"},    {"PTPRC", "ENSG00000081237"},
     {"GZMB", "ENSG00000100453"},     {"PRF1", "ENSG00000180644"},   {"CD27", "ENSG00000139193"},
     {"VIM", "ENSG00000026025"},      {"PCNA", "ENSG00000132646"},   {"FOS", "ENSG00000170345"},
     {"EGR1", "ENSG00000120738"}}};

inline std::shared_ptr<const GeneTable> gene_table() {
  auto table = std::make_shared<GeneTable>();
  for (const MadeUpGene& gene : made_up_genes)
    table->ids.push_back(gene.ensembl), table->symbols.push_back(gene.symbol);
  return table;
}

/// Cells with `expressed[i]` genes each, counts 1 to 40. Cell i depends on the seed and on i alone.
inline CellBatch cells(const std::vector<int>& expressed, std::uint64_t seed) {
  CellBatch batch;
  batch.genes = gene_table();
  batch.row_starts = {0};
  for (std::size_t cell = 0; cell < expressed.size(); ++cell) {
    std::mt19937_64 draw(seed * 1000 + cell);
    std::vector<std::int32_t> columns(made_up_genes.size());
    for (std::size_t g = 0; g < columns.size(); ++g) columns[g] = static_cast<std::int32_t>(g);
    for (std::size_t g = columns.size(); g > 1; --g) std::swap(columns[g - 1], columns[draw() % g]);
    columns.resize(static_cast<std::size_t>(expressed[cell]));
    std::ranges::sort(columns);
    double total = 0;
    for (const std::int32_t column : columns) {
      batch.columns.push_back(column);
      batch.counts.push_back(static_cast<float>(1 + draw() % 40));
      total += batch.counts.back();
    }
    batch.rows.push_back(static_cast<std::int64_t>(cell));
    batch.names.push_back("cell " + std::to_string(cell));
    batch.totals.push_back(total);
    batch.row_starts.push_back(static_cast<std::int64_t>(batch.columns.size()));
  }
  return batch;
}

/// One cell of a batch as a batch.
inline CellBatch cell_of(const CellBatch& all, std::int64_t cell) {
  const auto columns = all.columns_of(cell);
  const auto counts = all.counts_of(cell);
  return {all.genes,
          {all.rows[cell]},
          {all.names[cell]},
          {0, static_cast<std::int64_t>(columns.size())},
          {columns.begin(), columns.end()},
          {counts.begin(), counts.end()},
          {all.totals[cell]}};
}

/// Described cells; the prediction of every second is its reference, of the others that of a neighbour. How sure they
/// say they are has nothing to do with it.
inline std::vector<Prediction> predictions(std::size_t count, std::uint64_t seed) {
  static constexpr const char* types[] = {"B cell", "natural killer cell", "classical monocyte", "platelet"};
  static constexpr const char* tissues[] = {"blood", "lung", "spleen"};
  std::mt19937_64 draw(seed);
  std::vector<Prediction> all;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string type = types[draw() % 4], tissue = tissues[draw() % 3];
    Prediction one;
    one.cell = "cell " + std::to_string(i);
    one.reference =
        "This sample consists of a " + type + ". It originates from the " + tissue + " of a normal individual.";
    one.labels = {{"cell_type", type}, {"tissue", tissue}, {"disease", "normal"}};
    one.log_probability = -static_cast<double>(i + 1);
    all.push_back(std::move(one));
  }
  for (std::size_t i = 0; i < count; ++i) all[i].prediction = all[i % 2 ? (i + 1) % count : i].reference;
  for (Prediction& one : all)
    for (const char* label : {"cell_type", "tissue", "disease"})
      one.confidences[label] = static_cast<double>(draw() % 101) / 100;
  return all;
}

}  // namespace cell2text::conformance
