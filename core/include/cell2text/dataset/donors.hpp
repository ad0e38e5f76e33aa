// Who a cell is of. Donor ids such as "1" or "P1" are unique only within a dataset, and some name nobody.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text::dataset {

struct DonorSettings {
  std::string donor_key = "dataset+donor";
  std::vector<std::string> unknown_donors = {"unknown", "na", "pooled"};

  static void describe(auto& s) {
    using T = DonorSettings;
    s.field("donor_key", &T::donor_key,
            {.help = "what is one donor: dataset+donor (ids such as 'P1' are unique only within a dataset), or donor "
                     "(the id alone, as in the authors' code)",
             .choices = {"dataset+donor", "donor"}});
    s.field("unknown_donors", &T::unknown_donors,
            {.help = "donor ids, in any case, that name no single donor. Their cells, and those without an id, count "
                     "as one donor in each dataset (donor_key = donor: as one donor in all)"});
  }
};

/// The donors of the cells in play, as a column "donor" of N codes: 0, 1, ... in the order in which they first occur,
/// -1 for cells that are not in play. Values are told as "DATASET/ID". Cells whose id names nobody are one block in
/// each dataset, since any two of them may be of one person; with `donor_key = "donor"` ids of different datasets count
/// as one person, so that block is one in all. Cells without a dataset are those of one more. O(N); InputError where a
/// column is missing.
inline LabelColumn donors_of(const LabelView& labels, const DonorSettings& settings) {
  const LabelColumn& ids =
      required(labels.donor, "donor", "donors are asked for", "name it, or split and sample without donors");
  const LabelColumn* datasets = nullptr;
  if (settings.donor_key == "dataset+donor")
    datasets = &required(labels.dataset, "dataset", "donor_key is \"dataset+donor\"",
                         "name it, or say donor_key = \"donor\" where ids are unique over all files");
  std::vector<bool> names_nobody;
  for (const std::string& id : ids.values) {
    const std::string word = lower(fold_spaces(id));
    names_nobody.push_back(word.empty() ||
                           std::ranges::any_of(settings.unknown_donors, [&](const std::string& unknown) {
                             return lower(fold_spaces(unknown)) == word;
                           }));
  }
  LabelColumn donors{"donor", {}, std::vector<std::int32_t>(ids.codes.size(), -1)};
  std::unordered_map<std::uint64_t, std::int32_t> codes;
  for (const std::int64_t row : labels.cells) {
    const std::int32_t dataset = datasets ? datasets->codes[row] : -1;
    std::int32_t id = ids.codes[row];
    if (id >= 0 && names_nobody[id]) id = -1;
    const std::uint64_t key = static_cast<std::uint64_t>(dataset + 1) << 32 | static_cast<std::uint32_t>(id + 1);
    const auto [entry, fresh] = codes.try_emplace(key, static_cast<std::int32_t>(donors.values.size()));
    if (fresh) {
      std::string name = id < 0 ? "(no donor id)" : ids.values[id];
      if (datasets) name = (dataset < 0 ? "(no dataset)" : datasets->values[dataset]) + "/" + name;
      donors.values.push_back(std::move(name));
    }
    donors.codes[row] = entry->second;
  }
  return donors;
}

}  // namespace cell2text::dataset
