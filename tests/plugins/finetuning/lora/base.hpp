// Linear layers of a model that is nothing else, and LoRA on them.
#pragma once

#include <deque>

#include "lora.hpp"
#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

namespace cell2text::test {

/// Two transformer layers' worth of linear layers, under the names that checkpoints have.
struct Base {
  Parameters parameters{torch::kCPU, torch::kFloat32, 7};
  std::deque<LinearSlot> slots;

  explicit Base(std::int64_t width = 6, int layers = 2) {
    for (int layer = 0; layer < layers; ++layer)
      for (const char* part :
           {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj"}) {
        const std::string name = "model.layers." + std::to_string(layer) + "." + part;
        const std::int64_t out = name.ends_with("k_proj") ? 3 : width;
        slots.emplace_back(name, parameters.declare(name + ".weight", {out, width}, Init::normal(1)));
      }
  }
  DecoderView view() {
    std::vector<LinearSlot*> all;
    for (LinearSlot& slot : slots) all.push_back(&slot);
    return {parameters, all};
  }
  LinearSlot& slot(const std::string& name) {
    for (LinearSlot& one : slots)
      if (one.name() == name) return one;
    FAIL("no layer " << name);
    return slots.front();
  }
};

/// LoRA by settings, prepared for a base.
struct Tuned {
  Parameters parameters{torch::kCPU, torch::kFloat32, 11};
  lora::Lora lora;

  Tuned(Base& base, const lora::Settings& settings) : lora(make(settings)) { lora.prepare(base.view()); }
  lora::Lora make(const lora::Settings& settings) {
    const Context context;
    ModelContext model(context, parameters, torch::kCPU);
    return {settings, model};
  }
  /// Values that are not those of the start.
  Tuned& shaken() {
    for (Parameter& parameter : parameters.list()) parameter.value = torch::randn_like(parameter.value) * 0.3;
    return *this;
  }
  Tensor weight(const std::string& layer, char letter) {
    return parameters.find("base_model.model." + layer + ".lora_" + letter + ".weight")->value;
  }
};

}  // namespace cell2text::test
