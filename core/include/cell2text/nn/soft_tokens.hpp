// What all adapters share: how gene embeddings are taken in, and the form in which soft tokens are given out. How genes
// become soft tokens is each adapter's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/model_types.hpp"
#include "cell2text/nn/full_attention.hpp"
#include "cell2text/nn/layers.hpp"

namespace cell2text {

/// The form of soft tokens, as keys of an adapter's own table: its Settings derive from this, and their `describe`
/// calls `describe_form<Settings>(s)`.
struct SoftTokenForm {
  std::string output_norm = "l2";
  double output_scale = 1;

  template <class Settings>
  static void describe_form(auto& s) {
    s.field(
        "output_norm", static_cast<std::string Settings::*>(&SoftTokenForm::output_norm),
        {.help = "of each soft token: l2 (length 1, as in the paper), layer (a layer normalisation, as in the authors' "
                 "code) or none",
         .choices = {"l2", "layer", "none"}});
    s.field("output_scale", static_cast<double Settings::*>(&SoftTokenForm::output_scale),
            {.help = "constant factor after the normalisation", .min = 1e-6, .max = 1e6});
  }
};

/// Brings what an adapter has computed into its form.
class SoftTokens {
 public:
  static constexpr double epsilon = 1e-5;

  /// Declares NORM.weight and NORM.bias [width] where the form is a layer normalisation.
  SoftTokens(const SoftTokenForm& form, Parameters& parameters, const std::string& norm, std::int64_t width)
      : to_length_one_(form.output_norm == "l2"), scale_(form.output_scale) {
    if (form.output_norm == "layer") norm_.emplace(parameters, norm, width, epsilon);
  }

  /// Any shape, the last axis being that of features.
  Tensor operator()(Tensor x) const {
    if (norm_) x = (*norm_)(x);
    if (to_length_one_) x = x / x.norm(2, -1, true).clamp_min(1e-12);
    return scale_ == 1 ? x : x * scale_;
  }

 private:
  bool to_length_one_;
  double scale_;
  std::optional<LayerNorm> norm_;
};

/// The vectors [B,G,E] of `genes` in float32, as adapters compute, and zero beyond the lengths. BugError where they are
/// not of the encoder's width, or not as many as there are lengths.
inline Tensor gene_vectors(const GeneEmbeddings& genes, std::int64_t encoder_width) {
  expect_shape(genes.values_BGE, {static_cast<std::int64_t>(genes.lengths.size()), -1, encoder_width},
               "gene embeddings");
  return without_padding(genes.values_BGE.to(torch::kFloat32), genes.lengths);
}

/// `num_tokens` soft tokens for a cell with at least one gene, none for one without.
inline std::vector<std::int64_t> fixed_lengths(const GeneEmbeddings& genes, std::int64_t num_tokens) {
  std::vector<std::int64_t> lengths;
  for (const std::int64_t num_genes : genes.lengths) lengths.push_back(num_genes > 0 ? num_tokens : 0);
  return lengths;
}

}  // namespace cell2text
