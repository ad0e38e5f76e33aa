// A fine-tuning strategy from outside the repository: nothing but the biases of the decoder's linear layers is trained
// (BitFit, Ben Zaken et al. 2022).
#include <cell2text/plugin.hpp>
namespace bias_only_plugin {

class FineTuning {
 public:
  struct Settings {
    std::string layers;
    static void describe(auto& s) {
      s.field("layers", &Settings::layers, {.help = "only layers with this in their name; empty: all"});
    }
  };

  FineTuning(const Settings& settings, cell2text::ModelContext&) : settings_(settings) {}

  /// Marks what is trained. What is added to the decoder would be declared here, in the context's parameters, and
  /// attached to the layers (LinearSlot::attach).
  void prepare(const cell2text::DecoderView& decoder) {
    decoder.parameters.set_trainable(false);
    std::size_t trained = 0;
    for (cell2text::LinearSlot* layer : decoder.linear_layers) {
      if (!layer->bias() || layer->name().find(settings_.layers) == std::string::npos) continue;
      layer->bias()->trainable = true;
      ++trained;
    }
    if (trained == 0)
      throw cell2text::InputError("bias_only: none of the decoder's " + std::to_string(decoder.linear_layers.size()) +
                                  " linear layers has a bias and '" + settings_.layers +
                                  "' in its name; take a decoder with biases, or another strategy");
  }

  /// The decoder itself changes: the model folder holds it whole, and nothing is added to it.
  bool changes_base() const { return true; }
  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}
  void merge() {}

 private:
  Settings settings_;
};
}  // namespace bias_only_plugin

CELL2TEXT_PLUGIN(finetuning, "bias_only", bias_only_plugin::FineTuning, "Trains the biases of the decoder alone.")
