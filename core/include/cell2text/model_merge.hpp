// Makes the decoder of a trained model plain: what a fine-tuning added beside the base's weights goes into them.
#pragma once

#include "cell2text/model_folder.hpp"

namespace cell2text {

/// Writes the model of `folder` anew as `out`, with a decoder of its own (a Hugging Face folder) that computes the same
/// within rounding: the sum is made in float32 and rounded once to the base's type. An encoder that lies in `folder` is
/// written as well; one that is referred to still is. `places` as in read_model_card.
/// InputError: the decoder is plain already, `out` exists, or what load_model refuses.
inline void merge_model(const Host& host, const std::filesystem::path& folder, const std::filesystem::path& out,
                        const ModelPlaces& places = {}) {
  if (std::filesystem::exists(out))
    throw InputError(out.string() + " exists already; choose another folder, or remove it");
  ModelCard card = read_model_card(folder, host.registry, places);
  Model model = load_model(host, card, folder);
  if (model.tuning->changes_base())
    throw InputError(folder.string() + ": the decoder is plain already (fine-tuning '" + card.plan.finetuning.name +
                     "'); there is nothing to merge");
  model.tuning->merge();
  card.merged_from = card.plan.finetuning.name;
  card.plan.finetuning = {"finetuning", "full", {}, {}};
  model.tuning = std::make_unique<FineTuningHandle>(
      model_builder_detail::build_part<kinds::finetuning>(host, card.plan.finetuning, *model.tuning_parameters));
  save_model(out, model, card);
}

}  // namespace cell2text
