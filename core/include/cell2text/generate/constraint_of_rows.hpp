// The constraint on descriptions of cells by their rows in a source: labels that are given of each, and lists that
// restrict all.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/generate/label_constraint.hpp"

namespace cell2text {

/// `given` tells what is given of a row; empty: nothing is of any. `model` must outlive it. InputError where the
/// model's texts cannot be restricted.
inline ConstraintOfRows constraint_of_rows(const Model& model, LabelLimits limits, const GenerationSettings& settings,
                                           GivenOfRow given) {
  if (model.drafts && !model.drafts->texts().empty()) {
    const std::string text = model.decoder->decode_text(model.drafts->texts().front());
    if (!text.starts_with(template_text::cell_type_opener))
      throw InputError("the model writes descriptions of its own form ('" + text.substr(0, 40) +
                       "...'), in which labels have no known place; --given, --allow, --ontology-only and "
                       "evaluation.given need descriptions by the template");
  }
  const auto constraints = std::make_shared<LabelConstraints>(*model.decoder, std::move(limits), settings);
  return [constraints, given = std::move(given)](const std::vector<std::int64_t>& rows) {
    std::vector<GivenLabels> of_rows;
    for (const std::int64_t row : rows) of_rows.push_back(given ? given(row) : GivenLabels());
    return constraints->of(of_rows);
  };
}

}  // namespace cell2text
