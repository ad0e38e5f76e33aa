// A trained model on disk: cell2text.json beside the weights of what was trained. What was not trained is
// referenced by path and hash. The folder can be moved; only references point outside it.
#pragma once

#include <chrono>
#include <fstream>
#include <map>

#include "cell2text/generate/draft_file.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/model_builder.hpp"
#include "cell2text/plugin/saved_settings.hpp"
#include "cell2text/version.hpp"

namespace cell2text {

/// A value of a label seen in training.
struct TrainedLabel {
  std::string name;
  std::optional<std::string> ontology_id;
  std::int64_t cells = 0;
};

/// What cell2text.json holds beside the plan.
struct ModelCard {
  ModelPlan plan;
  GenerationSettings generation;
  std::map<std::string, std::vector<TrainedLabel>> labels;  ///< "cell_type", "tissue", "disease"
  std::string ontology_release;
  std::string name;
  std::int64_t seed = 0, trained_cells = 0, trained_epochs = 0;
  std::string merged_from;     ///< the fine-tuning that was merged into the decoder; empty: none was
  bool holds_encoder = false;  ///< the folder has the encoder's weights; set by loading
  std::string hash;            ///< of cell2text.json, which holds the hashes of all weights; set by loading
  std::map<std::string, std::string> samples;  ///< sampled hash of each file of the folder; set by loading

  /// Names a label may take.
  KnownLabels known_labels() const {
    KnownLabels known;
    for (const auto& [label, values] : labels)
      for (const TrainedLabel& value : values) known.values[label].push_back(value.name);
    return known;
  }
  /// Ontology id of a value, or nothing where training cells had none.
  std::optional<std::string> ontology_id(const std::string& label, const std::string& name) const {
    if (const auto values = labels.find(label); values != labels.end())
      for (const TrainedLabel& value : values->second)
        if (value.name == name) return value.ontology_id;
    return std::nullopt;
  }
};

/// Where what was not trained is now; empty: where it was.
struct ModelPlaces {
  std::optional<std::filesystem::path> encoder, decoder;
};

namespace model_folder_detail {

inline constexpr int format = 1;
using Json = nlohmann::ordered_json;

inline Json role_json(const PluginChoice& choice) {
  return {{"plugin", choice.name}, {"settings", to_json(choice.resolved)}};
}

/// Files of a checkpoint with size-and-sample hash, by name relative to the folder.
inline Json reference_json(const std::filesystem::path& folder) {
  Json files = Json::object();
  for (const auto& path : TensorFiles::open(folder).file_paths())
    files[std::filesystem::relative(path, folder).string()] = {{"sha256", sha256_file(path)},
                                                               {"sample", sampled_hash(path)}};
  return {{"path", std::filesystem::absolute(folder).string()}, {"files", files}};
}

inline std::filesystem::path checkpoint_of(const PluginChoice& choice) {
  const Value* checkpoint = choice.resolved.find("checkpoint");
  const auto* text = checkpoint ? checkpoint->get_if<std::string>() : nullptr;
  if (!text) throw BugError("plugin '" + choice.name + "' has no checkpoint to refer to");
  return *text;
}

inline std::vector<FieldInfo> fields_of(const LoadedPlugin& plugin) {
  std::vector<FieldInfo> fields;
  plugin.descriptor->schema(fields).raise();
  return fields;
}

/// Where the checkpoint of an untrained part is now. InputError where it is not there, or is another one.
inline std::filesystem::path referenced_folder(const nlohmann::json& reference, const std::string& role,
                                               const std::optional<std::filesystem::path>& place,
                                               const std::string& where) {
  const std::filesystem::path now =
      place ? *place : std::filesystem::path(required<std::string>(reference, "path", where));
  if (!std::filesystem::exists(now))
    throw InputError(where + ": the " + role + " was not trained and is not part of this folder; " +
                     (place ? "it was said to be at " : "it was at ") + now.string() +
                     ", which is not there. Say where it is with " + (role == "encoder" ? "--encoder" : "--base") +
                     " DIR");
  const auto files = required<nlohmann::json>(reference, "files", where);
  for (const auto& [name, hashes] : files.items()) {
    const auto expected = required<std::string>(hashes, "sample", where);
    if (!std::filesystem::exists(now / name))
      throw InputError((now / name).string() + " is missing; the " + role + " that this model was trained with has it");
    if (const auto found = sampled_hash(now / name); found != expected)
      throw InputError((now / name).string() + ": not the " + role + " that this model was trained with (sample hash " +
                       found + ", expected " + expected + ")");
  }
  return now;
}

struct RolePlaces {
  std::filesystem::path folder;                ///< the model folder
  std::optional<std::filesystem::path> place;  ///< of an untrained encoder or decoder, where the caller says it
};

/// The choice of a role: its settings, with `checkpoint` pointing at the saved or referenced folder.
inline PluginChoice read_role(const nlohmann::json& root, const std::string& role, const RolePlaces& places,
                              const Registry& registry) {
  const std::string where = (places.folder / "cell2text.json").string();
  const auto json = required<nlohmann::json>(root, role, where);
  PluginChoice choice{role, required<std::string>(json, "plugin", where), {}, {}};
  choice.settings = value_from_json(required<nlohmann::json>(json, "settings", where), where);
  const LoadedPlugin plugin = registry.load(role, choice.name);
  const Where origin{where, 0, 0};
  if (json.contains("reference")) {
    const auto reference = required<nlohmann::json>(json, "reference", where);
    choice.settings.set("checkpoint", {referenced_folder(reference, role, places.place, where).string(), origin});
  } else if (places.place) {
    throw InputError(where + ": the " + role + " was trained and is part of this folder; leave out " +
                     (role == "encoder" ? "--encoder" : "--base"));
  } else if (role == "encoder" || role == "decoder" || json.contains("folder")) {
    const auto folder = places.folder / required<std::string>(json, "folder", where);
    choice.settings = settings_for_folder(choice.settings, fields_of(plugin), folder, origin);
  } else if (role == "adapter") {
    choice.settings = settings_without_origin(std::move(choice.settings), fields_of(plugin));
  }
  SettingsFaults faults;
  plugin.descriptor->check(choice.settings, role + ".", faults, choice.resolved).raise();
  faults.raise();
  return choice;
}

}  // namespace model_folder_detail

/// Writes the model folder under a temporary name and renames it; an existing folder is replaced.
inline void save_model(const std::filesystem::path& folder, const Model& model, const ModelCard& card) {
  using namespace model_folder_detail;
  namespace fs = std::filesystem;
  AtomicFolder writing(folder);
  const fs::path& temporary = writing.partial();

  Json root{{"format", format},
            {"cell2text", version},
            {"name", card.name},
            {"seed", card.seed},
            {"trained_cells", card.trained_cells},
            {"trained_epochs", card.trained_epochs}};
  root["encoder"] = role_json(card.plan.encoder);
  root["encoder"]["frozen"] = card.plan.encoder_frozen;
  if (card.holds_encoder || !card.plan.encoder_frozen || !model.encoder_parameters->from_checkpoint()) {
    model.encoder->save(temporary / "encoder");
    root["encoder"]["folder"] = "encoder";
  } else {
    root["encoder"]["reference"] = reference_json(checkpoint_of(card.plan.encoder));
  }
  root["adapter"] = role_json(card.plan.adapter);
  model.adapter_parameters->save(temporary / "adapter.safetensors");  // holds nothing where genes are told by name
  root["decoder"] = role_json(card.plan.decoder);
  if (model.tuning->changes_base() || !model.decoder_parameters->from_checkpoint()) {
    model.decoder->save(temporary / "decoder");
    root["decoder"]["folder"] = "decoder";
  } else {
    root["decoder"]["reference"] = reference_json(checkpoint_of(card.plan.decoder));
  }
  root["finetuning"] = role_json(card.plan.finetuning);
  if (!model.tuning->changes_base()) {
    model.tuning->save(temporary / card.plan.finetuning.name);
    root["finetuning"]["folder"] = card.plan.finetuning.name;
  }
  if (model.drafts) save_drafts(temporary / "drafts.safetensors", *model.drafts);
  if (!card.merged_from.empty()) root["merged_from"] = card.merged_from;
  root["prompt"] = to_json(write_settings(card.plan.prompt));
  root["generation"] = to_json(write_settings(card.generation));
  root["ontology_release"] = card.ontology_release;
  for (const auto& [label, values] : card.labels)
    for (const TrainedLabel& value : values) {
      Json item{{"name", value.name}, {"cells", value.cells}};
      if (value.ontology_id) item["ontology_id"] = *value.ontology_id;
      root["labels"][label].push_back(item);
    }
  Json hashes = Json::object(), samples = Json::object();
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(temporary))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::string name = fs::relative(file, temporary).string();
    hashes[name] = sha256_file(file);
    samples[name] = sampled_hash(file);
  }
  root["files"] = hashes;
  root["samples"] = samples;
  write_atomically(temporary / "cell2text.json", root.dump(2) + "\n");
  writing.commit();
}

/// Reads cell2text.json. InputError where it is missing, damaged or of a later format.
inline ModelCard read_model_card(const std::filesystem::path& folder, const Registry& registry,
                                 const ModelPlaces& places = {}) {
  using namespace model_folder_detail;
  const auto file = folder / "cell2text.json";
  if (!std::filesystem::exists(file))
    throw InputError(folder.string() +
                     ": no cell2text.json in it; expected a model folder as 'cell2text run' writes it (…/model)");
  const nlohmann::json root = read_json(file);
  const std::string where = file.string();
  if (const auto found = required<std::int64_t>(root, "format", where); found != format)
    throw InputError(where + ": format " + std::to_string(found) + "; this program reads format " +
                     std::to_string(format));
  ModelCard card;
  card.plan.encoder = read_role(root, "encoder", {folder, places.encoder}, registry);
  card.plan.adapter = read_role(root, "adapter", {folder, {}}, registry);
  card.plan.decoder = read_role(root, "decoder", {folder, places.decoder}, registry);
  card.plan.finetuning = read_role(root, "finetuning", {folder, {}}, registry);
  card.plan.encoder_frozen = true;  // nothing is trained here
  card.holds_encoder = root["encoder"].contains("folder");
  card.merged_from = optional_value<std::string>(root, "merged_from", where).value_or("");
  SettingsFaults faults;
  read_fields(value_from_json(required<nlohmann::json>(root, "prompt", where), where), card.plan.prompt, faults,
              "prompt.");
  read_fields(value_from_json(required<nlohmann::json>(root, "generation", where), where), card.generation, faults,
              "generation.");
  faults.raise();
  card.name = required<std::string>(root, "name", where);
  card.seed = required<std::int64_t>(root, "seed", where);
  card.trained_cells = required<std::int64_t>(root, "trained_cells", where);
  card.trained_epochs = required<std::int64_t>(root, "trained_epochs", where);
  card.ontology_release = required<std::string>(root, "ontology_release", where);
  if (root.contains("labels"))
    for (const auto& [label, values] : root["labels"].items())
      for (const auto& value : values)
        card.labels[label].push_back({required<std::string>(value, "name", where),
                                      value.contains("ontology_id")
                                          ? std::optional(required<std::string>(value, "ontology_id", where))
                                          : std::nullopt,
                                      required<std::int64_t>(value, "cells", where)});
  const auto samples = required<nlohmann::json>(root, "samples", where);
  for (const auto& [name, unused] : samples.items()) card.samples[name] = required<std::string>(samples, name, where);
  card.hash = sha256_file(file);
  return card;
}

/// Builds the model of a folder, ready to describe cells. InputError where one of its files is not as it was written.
inline Model load_model(const Host& host, const ModelCard& card, const std::filesystem::path& folder) {
  for (const auto& [name, sample] : card.samples) {
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) throw InputError(file.string() + " is missing from the model folder");
    if (const auto found = sampled_hash(file); found != sample)
      throw InputError(file.string() + ": not the file that was written with this model (sample hash " + found +
                       ", expected " + sample + "); copy the whole folder again");
  }
  Model model = build_model(host, card.plan);
  if (model.adapter) model.adapter_parameters->load(folder / "adapter.safetensors");
  if (!model.tuning->changes_base()) model.tuning->load(folder / card.plan.finetuning.name);
  if (card.samples.contains("drafts.safetensors"))
    model.drafts = read_drafts(folder / "drafts.safetensors", model.decoder->vocabulary_size());
  model.set_training(false);
  return model;
}

}  // namespace cell2text
