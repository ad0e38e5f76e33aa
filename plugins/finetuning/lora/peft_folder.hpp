// A PEFT folder of LoRA weights: adapter_config.json and adapter_model.safetensors, as `peft` 0.5 and later write and
// read them. What is refused is refused by its name in the file. Attaches nothing; lora.hpp does.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/nn/linear.hpp"
#include "cell2text/settings.hpp"
#include "name_pattern.hpp"

namespace cell2text::lora {

/// A linear layer that is added to.
struct AdaptedLayer {
  LinearSlot* slot = nullptr;
  std::int64_t rank = 0;
  double alpha = 0;
};

/// All that defines the additions beside their weights.
struct Plan {
  std::vector<AdaptedLayer> layers;  ///< in the decoder's order
  bool rslora = false;
  double dropout = 0;

  double scale(const AdaptedLayer& layer) const {
    const auto rank = static_cast<double>(layer.rank);
    return layer.alpha / (rslora ? std::sqrt(rank) : rank);
  }
};

/// Name of a weight in PEFT's files; `letter` is 'A' or 'B'.
inline std::string weight_name(const LinearSlot& slot, char letter) {
  return "base_model.model." + slot.name() + ".lora_" + letter + ".weight";
}

/// The part of a layer's name after its last dot.
inline std::string last_part(const std::string& name) {
  return name.substr(name.rfind('.') + 1);
}

/// "q_proj, k_proj (for instance 'model.layers.0.self_attn.q_proj')": what layers there are, for messages.
inline std::string names_text(const std::vector<LinearSlot*>& slots) {
  std::vector<std::string> parts;
  for (const LinearSlot* slot : slots)
    if (const auto part = last_part(slot->name()); std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "none" : text + " (for instance '" + slots.front()->name() + "')";
}

namespace peft_detail {

/// Where the cell adapter lies that the weights of a folder were trained with; a key of their metadata.
inline constexpr const char* cell_adapter_key = "cell_adapter";

/// Off, empty, or not there.
inline bool is_off(const nlohmann::json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null() || found->empty()) return true;
  return found->is_boolean() && !found->get<bool>();
}

/// Settings of PEFT that change nothing of what is computed from the weights, and those read elsewhere in this file.
inline const std::set<std::string>& harmless_keys() {
  static const std::set<std::string> keys{"alpha_pattern",
                                          "auto_mapping",
                                          "base_model_name_or_path",
                                          "bias",
                                          "exclude_modules",
                                          "inference_mode",
                                          "init_lora_weights",
                                          "loftq_config",
                                          "lora_alpha",
                                          "lora_dropout",
                                          "megatron_core",
                                          "peft_type",
                                          "peft_version",
                                          "qalora_group_size",
                                          "r",
                                          "rank_pattern",
                                          "revision",
                                          "runtime_config",
                                          "target_modules",
                                          "task_type",
                                          "use_rslora",
                                          "eva_config",
                                          "corda_config",
                                          "lora_ga_config"};
  return keys;
}

/// InputError where the folder uses something that is not implemented here.
inline void refuse_unknown(const nlohmann::json& config, const std::string& where) {
  const auto type = required<std::string>(config, "peft_type", where);
  if (type != "LORA")
    throw InputError(where + ": 'peft_type' is '" + type + "'; only LORA is read. Train such weights with LoRA, or " +
                     "merge them into the base with peft and use the result as the decoder's checkpoint");
  if (const auto task = optional_value<std::string>(config, "task_type", where); task && *task != "CAUSAL_LM")
    throw InputError(where + ": 'task_type' is '" + *task + "'; a decoder needs CAUSAL_LM");
  if (const auto bias = optional_value<std::string>(config, "bias", where); bias && *bias != "none")
    throw InputError(where + ": 'bias' is '" + *bias + "'; biases of the base are not trained here, expected none");
  // Some ways to start change the base's own weights, so that the additions do not fit the base as it was.
  if (const auto init = config.find("init_lora_weights"); init != config.end() && init->is_string()) {
    static const std::set<std::string> plain{"gaussian", "eva", "orthogonal"};
    if (!plain.contains(init->get<std::string>()))
      throw InputError(where + ": 'init_lora_weights' is '" + init->get<std::string>() +
                       "', which changes the base as well; convert the folder with peft's save_pretrained(..., "
                       "path_initial_model_for_weight_conversion=...)");
  }
  for (const auto& [key, value] : config.items())
    if (!harmless_keys().contains(key) && !is_off(config, key.c_str()))
      throw InputError(where + ": '" + key + "' is " + json_detail::shortened(value) +
                       ", which is not implemented; expected it off (null, false or empty)");
}

/// A number for each layer that a pattern names, in PEFT's way: the first pattern of the file that matches counts.
template <class Number>
class NumberByName {
 public:
  NumberByName(const std::filesystem::path& file, const nlohmann::json& config, const std::string& key) {
    if (is_off(config, key.c_str())) return;
    const std::string where = file.string() + ": " + key;
    // Read again for the order in which the file has them.
    const auto ordered = nlohmann::ordered_json::parse(MappedFile::open(file)->text())[key];
    if (!ordered.is_object()) throw InputError(where + " is not an object that gives a number for each pattern");
    for (const auto& [expression, unused] : ordered.items())
      all_.emplace_back(NamePattern::regular_expression(expression, where),
                        required<Number>(config[key], expression, where));
  }
  Number of(const std::string& name, Number usual) const {
    for (const auto& [pattern, number] : all_)
      if (pattern.matches(name)) return number;
    return usual;
  }

 private:
  std::vector<std::pair<NamePattern, Number>> all_;
};

/// Layers that the file has weights for. InputError where a tensor is no LoRA weight, or of no layer of the base.
inline std::vector<LinearSlot*> layers_of(const TensorFiles& files, const std::vector<LinearSlot*>& slots) {
  std::set<std::string> known, wanted;
  for (const LinearSlot* slot : slots)
    for (const char letter : {'A', 'B'}) known.insert(weight_name(*slot, letter));
  const auto names = files.names();
  if (names.empty()) throw InputError(files.path().string() + " holds no LoRA weights");
  for (const std::string& name : names)
    if (!known.contains(name))
      throw InputError(files.path().string() + ": tensor '" + name +
                       "' belongs to no linear layer of this base; it was trained for another base. Layers here: " +
                       names_text(slots));
  std::vector<LinearSlot*> found;
  for (LinearSlot* slot : slots) {
    const auto a = weight_name(*slot, 'A'), b = weight_name(*slot, 'B');
    if (files.contains(a) != files.contains(b))
      throw InputError(files.path().string() + ": tensor '" + (files.contains(a) ? b : a) + "' is missing beside '" +
                       (files.contains(a) ? a : b) + "'; the file is incomplete");
    if (files.contains(a)) found.push_back(slot);
  }
  return found;
}

inline void expect_weight(const TensorFiles& files, const AdaptedLayer& layer, char letter,
                          const std::vector<std::int64_t>& shape) {
  const auto text = [](const std::vector<std::int64_t>& sizes) {
    std::string all;
    for (const std::int64_t n : sizes) all += (all.empty() ? "[" : ", ") + std::to_string(n);
    return all.empty() ? "[]" : all + "]";
  };
  const std::string name = weight_name(*layer.slot, letter);
  if (files.shape(name) != shape)
    throw InputError(files.path().string() + ": tensor '" + name + "' has shape " + text(files.shape(name)) +
                     "; expected " + text(shape) + ", from the rank in adapter_config.json and the base's layer of " +
                     std::to_string(layer.slot->in()) + " inputs and " + std::to_string(layer.slot->out()) +
                     " outputs. It was trained for another base, or the two files do not belong together");
}

}  // namespace peft_detail

/// A folder that was read: what it adds to, and its weights under PEFT's names.
struct PeftFolder {
  Plan plan;
  std::shared_ptr<const TensorFiles> files;
  bool with_cell_adapter = false;  ///< it was trained by this program, together with a cell adapter

  /// Opens a folder for a base with these layers. InputError: a file is missing or damaged, a setting is not
  /// implemented, the weights are those of another base.
  static PeftFolder open(const std::filesystem::path& path, const std::vector<LinearSlot*>& slots) {
    using namespace peft_detail;
    const auto file = path / "adapter_config.json";
    const std::string where = file.string();
    if (!std::filesystem::exists(file))
      throw InputError(path.string() + ": no adapter_config.json in it; expected a PEFT folder (adapter_config.json " +
                       "and adapter_model.safetensors)");
    const nlohmann::json config = read_json(file);
    refuse_unknown(config, where);

    PeftFolder folder;
    folder.files = std::make_shared<const TensorFiles>(TensorFiles::open(path, "adapter_model"));
    folder.with_cell_adapter = folder.files->metadata().contains(cell_adapter_key);
    Plan& plan = folder.plan;
    plan.rslora = optional_value<bool>(config, "use_rslora", where).value_or(false);
    plan.dropout = optional_value<double>(config, "lora_dropout", where).value_or(0);
    if (plan.dropout < 0 || plan.dropout >= 1)
      throw InputError(where + ": 'lora_dropout' is " + settings_detail::shortest(plan.dropout) +
                       "; expected at least 0 and below 1");
    const auto rank = required<std::int64_t>(config, "r", where);
    const auto alpha = required<double>(config, "lora_alpha", where);
    const NumberByName<std::int64_t> ranks(file, config, "rank_pattern");
    const NumberByName<double> alphas(file, config, "alpha_pattern");
    for (LinearSlot* slot : layers_of(*folder.files, slots)) {
      const AdaptedLayer layer{slot, ranks.of(slot->name(), rank), alphas.of(slot->name(), alpha)};
      if (layer.rank < 1)
        throw InputError(where + ": the rank of '" + slot->name() + "' is " + std::to_string(layer.rank) +
                         "; expected at least 1");
      expect_weight(*folder.files, layer, 'A', {layer.rank, slot->in()});
      expect_weight(*folder.files, layer, 'B', {slot->out(), layer.rank});
      plan.layers.push_back(layer);
    }
    return folder;
  }
};

/// Writes adapter_config.json. `base` is where the base's checkpoint lies, empty where it has none; `slots` are all
/// its linear layers.
inline void write_peft_config(const std::filesystem::path& folder, const Plan& plan, const std::filesystem::path& base,
                              const std::vector<LinearSlot*>& slots) {
  std::set<const LinearSlot*> chosen;
  std::set<std::string> parts, names;
  for (const AdaptedLayer& layer : plan.layers) {
    chosen.insert(layer.slot);
    parts.insert(last_part(layer.slot->name()));
    names.insert(layer.slot->name());
  }
  // PEFT adds to every layer whose name ends so; the short names do where that is what is meant.
  const bool by_parts = std::ranges::all_of(
      slots, [&](const LinearSlot* slot) { return chosen.contains(slot) || !parts.contains(last_part(slot->name())); });
  const std::int64_t rank = plan.layers.front().rank;
  const double alpha = plan.layers.front().alpha;
  const auto number = [](double x) {  // 512, not 512.0, as PEFT's own
    return x == std::floor(x) ? nlohmann::ordered_json(std::llround(x)) : nlohmann::ordered_json(x);
  };
  auto ranks = nlohmann::ordered_json::object(), alphas = nlohmann::ordered_json::object();
  for (const AdaptedLayer& layer : plan.layers) {
    if (layer.rank != rank) ranks[layer.slot->name()] = layer.rank;
    if (layer.alpha != alpha) alphas[layer.slot->name()] = number(layer.alpha);
  }
  using Json = nlohmann::ordered_json;
  const Json null;
  const Json config{{"alpha_pattern", alphas},
                    {"auto_mapping", null},
                    {"base_model_name_or_path", base.empty() ? null : Json(std::filesystem::absolute(base).string())},
                    {"bias", "none"},
                    {"fan_in_fan_out", false},
                    {"inference_mode", true},
                    {"init_lora_weights", true},
                    {"layers_pattern", null},
                    {"layers_to_transform", null},
                    {"lora_alpha", number(alpha)},
                    {"lora_dropout", plan.dropout},
                    {"modules_to_save", null},
                    {"peft_type", "LORA"},
                    {"r", rank},
                    {"rank_pattern", ranks},
                    {"revision", null},
                    {"target_modules", Json(by_parts ? parts : names)},
                    {"task_type", "CAUSAL_LM"},
                    {"use_dora", false},
                    {"use_rslora", plan.rslora}};
  write_atomically(folder / "adapter_config.json", config.dump(2) + "\n");
}

}  // namespace cell2text::lora
