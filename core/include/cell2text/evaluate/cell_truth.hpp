// What a source knows of its cells beside their descriptions: the truth that predictions are scored against.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/text/description_source.hpp"

namespace cell2text {

/// Labels as DescriptionSource finds them, the donor of obs `donor_id`, and the pathways of `pathway_1` and `pathway_2`
/// where the source has such columns. `descriptions` must live as long.
class CellTruth {
 public:
  CellTruth(const SourceHandle& source, const DescriptionSource& descriptions) : descriptions_(&descriptions) {
    if (source.has_column("donor_id")) donors_ = source.labels("donor_id");
    for (const char* column : {"pathway_1", "pathway_2"})
      if (source.has_column(column)) pathways_.push_back(source.labels(column));
  }

  void add_to(Prediction& prediction, std::int64_t row) const {
    for (const char* label : prediction_labels)
      if (const auto value = descriptions_->label(label, row)) prediction.labels[label] = *value;
    if (donors_) prediction.donor = known_value(donors_->at(row)).value_or("");
    if (pathways_.empty()) return;
    prediction.pathways.emplace();
    for (const LabelColumn& column : pathways_)
      if (const auto pathway = known_value(column.at(row))) prediction.pathways->push_back(*pathway);
  }

 private:
  const DescriptionSource* descriptions_;
  std::optional<LabelColumn> donors_;
  std::vector<LabelColumn> pathways_;
};

}  // namespace cell2text
