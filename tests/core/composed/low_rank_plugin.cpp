// The smallest fine-tuning that adds to a decoder instead of changing it: one product of vectors per layer.
#include "cell2text/plugin.hpp"

namespace {

class LowRank {
 public:
  struct Settings {
    double scale = 1;
    static void describe(auto& s) {
      s.field("scale", &Settings::scale, {.help = "factor of what is added", .min = 0, .max = 100});
    }
  };

  LowRank(const Settings& settings, cell2text::ModelContext& context)
      : scale_(settings.scale), parameters_(&context.parameters) {}

  void prepare(const cell2text::DecoderView& view) {
    for (cell2text::LinearSlot* slot : view.linear_layers) {
      auto& a = parameters_->declare(slot->name() + ".a", {1, slot->in()}, cell2text::Init::normal(0.5));
      auto& b = parameters_->declare(slot->name() + ".b", {slot->out(), 1}, cell2text::Init::normal(0.5));
      slot->attach({.a_rI = &a, .b_Or = &b, .scale = scale_});
      slots_.push_back(slot);
    }
  }
  bool changes_base() const { return false; }
  void save(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    parameters_->save(folder / "low_rank.safetensors");
  }
  void load(const std::filesystem::path& folder) { parameters_->load(folder / "low_rank.safetensors"); }
  void merge() {
    for (cell2text::LinearSlot* slot : slots_) slot->merge();
  }

 private:
  double scale_;
  cell2text::Parameters* parameters_;
  std::vector<cell2text::LinearSlot*> slots_;
};

}  // namespace

CELL2TEXT_PLUGIN(finetuning, "low_rank", LowRank, "Adds one product of vectors to each linear layer.")
