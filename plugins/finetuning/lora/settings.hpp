// The [finetuning] table of an experiment for LoRA.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cell2text/settings.hpp"

namespace cell2text::lora {

/// What is not set is the checkpoint's, or has the default that the help tells; what is set must agree with the
/// checkpoint.
struct Settings {
  std::optional<std::int64_t> rank = {};
  std::optional<double> alpha = {};
  std::optional<double> dropout = {};
  std::optional<std::vector<std::string>> target_modules = {};
  std::optional<bool> rslora = {};
  std::optional<std::string> checkpoint = {};

  static constexpr std::int64_t default_rank = 256;
  static constexpr double default_alpha = 512;
  static std::vector<std::string> default_target_modules() { return {"q_proj", "k_proj", "v_proj", "o_proj"}; }

  static void describe(auto& s) {
    using S = Settings;
    s.field("rank", &S::rank, {.help = "rows of A and columns of B; default 256", .min = 1, .max = 65536});
    s.field("alpha", &S::alpha,
            {.help = "what is added is scaled by alpha / rank; default 512", .min = 1e-6, .max = 1e6});
    s.field("dropout", &S::dropout,
            {.help = "share of the values before A that is dropped in training; default 0", .min = 0, .max = 0.99});
    s.field("target_modules", &S::target_modules,
            {.help = "linear layers that are added to, by name: the whole one or its end after a dot ('q_proj'), "
                     "where * stands for any letters ('layers.0.*'); default: q_proj, k_proj, v_proj, o_proj"});
    s.field("rslora", &S::rslora, {.help = "scale by alpha / sqrt(rank) instead of alpha / rank; default false"});
    s.field("checkpoint", &S::checkpoint,
            {.help = "a PEFT folder to start from (adapter_config.json and adapter_model.safetensors)"});
  }
  void validate() const {
    if (target_modules && target_modules->empty())
      throw InputError("'target_modules' is empty; name at least one layer, or leave it out");
  }
};

}  // namespace cell2text::lora
