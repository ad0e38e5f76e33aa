// An adapter from outside the repository: the mean over a cell's genes becomes a few soft tokens.
#include <cell2text/nn/soft_tokens.hpp>
#include <cell2text/plugin.hpp>
namespace mean_token_plugin {
using cell2text::GeneEmbeddings, cell2text::SoftPrompt, cell2text::Tensor;

class Adapter {
 public:
  struct Settings {
    std::int64_t tokens = 4;
    static void describe(auto& s) {
      s.field("tokens", &Settings::tokens, {.help = "soft tokens of a cell", .min = 1, .max = 1024});
    }
  };

  /// The linear layer's weight and bias are parameters: the core owns, trains and saves them.
  Adapter(const Settings& settings, cell2text::ModelContext& context, cell2text::AdapterShape shape)
      : settings_(settings),
        shape_(shape),
        layer_(cell2text::declare_linear(context.parameters, "linear",
                                         {shape.encoder_width, settings.tokens * shape.decoder_width})) {}

  /// Values [B,G,E] -> [B,P,D]; what lies beyond a length is undefined, and may be NaN.
  SoftPrompt forward(const GeneEmbeddings& genes) {
    const Tensor x_BGE = cell2text::gene_vectors(genes, shape_.encoder_width);  // zero beyond the lengths
    const Tensor lengths_B1 = torch::tensor(genes.lengths, torch::kInt64).to(x_BGE.device()).unsqueeze(1);
    const Tensor mean_BE = x_BGE.sum(1) / lengths_B1.clamp_min(1);
    return {layer_(mean_BE).view({-1, settings_.tokens, shape_.decoder_width}),
            cell2text::fixed_lengths(genes, settings_.tokens)};
  }

 private:
  Settings settings_;
  cell2text::AdapterShape shape_;
  cell2text::LinearSlot layer_;
};
}  // namespace mean_token_plugin

CELL2TEXT_PLUGIN(adapter, "mean_token", mean_token_plugin::Adapter, "A few soft tokens from the mean over the genes.")
