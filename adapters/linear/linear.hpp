// The linear adapter: each gene's vector, mapped into the decoder's space by one matrix, is a soft token. The plainest
// adapter, to compare others with.
#pragma once

#include "cell2text/nn/soft_tokens.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::linear {

struct Settings : SoftTokenForm {
  static void describe(auto& s) { SoftTokenForm::describe_form<Settings>(s); }
};

class Linear {
 public:
  using Settings = linear::Settings;

  /// Declares linear and, where the settings ask for it, output_norm.
  Linear(const Settings& settings, ModelContext& context, AdapterShape shape)
      : shape_(shape),
        linear_(declare_linear(context.parameters, "linear", {shape.encoder_width, shape.decoder_width})),
        form_(settings, context.parameters, "output_norm", shape.decoder_width) {}

  /// values [B,G,E] -> [B,P,D] with P = G: one soft token per gene. What lies beyond a length has no influence.
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    return {form_(linear_(gene_vectors(genes, shape_.encoder_width))), genes.lengths};
  }

 private:
  AdapterShape shape_;
  LinearSlot linear_;
  SoftTokens form_;
};

}  // namespace cell2text::linear
