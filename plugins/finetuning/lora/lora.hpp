// LoRA (Hu et al. 2021): the base stays as it is, and each chosen linear layer gets scale * B A added to its weight, of
// which A and B are trained in float32. Weights carry PEFT's names. The product itself is the core's (nn/linear.hpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "cell2text/concepts.hpp"
#include "peft_folder.hpp"
#include "settings.hpp"

namespace cell2text::lora {

class Lora {
 public:
  using Settings = lora::Settings;

  Lora(const Settings& settings, ModelContext& context)
      : settings_(settings), log_(context.log), parameters_(&context.parameters) {}

  /// InputError: a pattern that matches nothing, a checkpoint for another base or one that the settings contradict.
  void prepare(const DecoderView& view) {
    view.parameters.set_trainable(false);
    slots_ = view.linear_layers;
    base_ = view.parameters.checkpoint();
    if (settings_.checkpoint) {
      PeftFolder folder = PeftFolder::open(*settings_.checkpoint, slots_);
      expect_cell_adapter(folder);
      plan_ = std::move(folder.plan);
      expect_agreement();
      parameters_->load_from(folder.files);
    } else {
      plan_ = chosen();
    }
    for (const AdaptedLayer& layer : plan_.layers) {
      const LinearSlot& slot = *layer.slot;
      // As torch.nn.Linear starts (kaiming_uniform_ with a = sqrt(5)); B of zeros makes the start the base itself.
      parameters_->declare(weight_name(slot, 'A'), {layer.rank, slot.in()},
                           Init::uniform(1 / std::sqrt(static_cast<double>(slot.in()))));
      parameters_->declare(weight_name(slot, 'B'), {slot.out(), layer.rank}, Init::zeros());
    }
    attach();
    log_.debug("lora: " + std::to_string(plan_.layers.size()) + " layers, " + std::to_string(parameters_->count()) +
               " parameters");
  }

  bool changes_base() const { return false; }

  /// A PEFT folder; `folder` is made where it is missing.
  void save(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    write_peft_config(folder, plan_, base_, slots_);
    parameters_->save(folder / "adapter_model.safetensors",
                      {{"format", "pt"}, {peft_detail::cell_adapter_key, "../adapter.safetensors"}});
  }

  /// Takes the weights of a PEFT folder with the same layers and ranks. InputError where it has others.
  void load(const std::filesystem::path& folder) {
    Plan found = PeftFolder::open(folder, slots_).plan;
    const auto same = [](const AdaptedLayer& a, const AdaptedLayer& b) { return a.slot == b.slot && a.rank == b.rank; };
    if (!std::ranges::equal(found.layers, plan_.layers, same))
      throw InputError(folder.string() +
                       " adds to other layers, or by other ranks, than this model was built for; "
                       "expected " +
                       std::to_string(plan_.layers.size()) + " layers of rank " +
                       std::to_string(plan_.layers.front().rank) + ", found " + std::to_string(found.layers.size()) +
                       " of rank " + std::to_string(found.layers.front().rank));
    parameters_->load(folder / "adapter_model.safetensors");
    plan_ = std::move(found);
    attach();
  }

  void merge() {
    for (const AdaptedLayer& layer : plan_.layers) layer.slot->merge();
  }

 private:
  void attach() {
    for (const AdaptedLayer& layer : plan_.layers)
      layer.slot->attach({.a_rI = parameters_->find(weight_name(*layer.slot, 'A')),
                          .b_Or = parameters_->find(weight_name(*layer.slot, 'B')),
                          .scale = plan_.scale(layer),
                          .dropout = plan_.dropout});
  }

  std::vector<LinearSlot*> matching(const std::vector<std::string>& patterns) const {
    std::vector<bool> found(slots_.size(), false);
    for (const std::string& text : patterns) {
      const NamePattern pattern = NamePattern::wildcard(text);
      bool any = false;
      for (std::size_t i = 0; i < slots_.size(); ++i)
        if (pattern.matches(slots_[i]->name())) found[i] = any = true;
      if (!any)
        throw InputError("finetuning.target_modules: '" + text +
                         "' matches no linear layer of the decoder; there are " + names_text(slots_));
    }
    std::vector<LinearSlot*> all;
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (found[i]) all.push_back(slots_[i]);
    return all;
  }

  Plan chosen() const {
    Plan plan{{}, settings_.rslora.value_or(false), settings_.dropout.value_or(0)};
    for (LinearSlot* slot : matching(settings_.target_modules.value_or(Settings::default_target_modules())))
      plan.layers.push_back(
          {slot, settings_.rank.value_or(Settings::default_rank), settings_.alpha.value_or(Settings::default_alpha)});
    return plan;
  }

  // Weights that were trained behind a cell adapter mean nothing behind another one.
  void expect_cell_adapter(const PeftFolder& folder) const {
    const std::filesystem::path path = std::filesystem::path(*settings_.checkpoint) / "";
    const auto beside = path.parent_path().parent_path() / "adapter.safetensors";
    if (folder.with_cell_adapter && !std::filesystem::exists(beside))
      throw InputError(*settings_.checkpoint + " was trained together with a cell adapter, and " + beside.string() +
                       " is not there; the two are only used together. Name the folder inside its model folder");
  }

  void expect_agreement() const {
    const auto check = [&](const char* key, const auto& wanted, const auto& found) {
      if (wanted && *wanted != found)
        throw InputError("finetuning." + std::string(key) + " is not what " + *settings_.checkpoint +
                         " was trained with; leave it out, or start without that checkpoint");
    };
    check("rslora", settings_.rslora, plan_.rslora);
    check("dropout", settings_.dropout, plan_.dropout);
    for (const AdaptedLayer& layer : plan_.layers) {
      check("rank", settings_.rank, layer.rank);
      check("alpha", settings_.alpha, layer.alpha);
    }
    if (!settings_.target_modules) return;
    const auto wanted = matching(*settings_.target_modules);
    const auto same = [](const LinearSlot* slot, const AdaptedLayer& layer) { return slot == layer.slot; };
    check("target_modules", std::optional(std::ranges::equal(wanted, plan_.layers, same)), true);
  }

  Settings settings_;
  Log log_;
  Parameters* parameters_;
  std::vector<LinearSlot*> slots_;
  std::filesystem::path base_;
  Plan plan_;
};

}  // namespace cell2text::lora
