// The sentence with which an ontology defines a cell type.
#pragma once

#include <optional>
#include <string>

#include "cell2text/text/obo.hpp"

namespace cell2text {

/// By id where one is given that the ontology knows, else by name; nothing where there is no definition.
inline std::optional<std::string> cell_definition(const Ontology& ontology, const std::string& name,
                                                  const std::optional<std::string>& id) {
  const Term* term = id ? ontology.current(*id) : nullptr;
  if (!term) term = ontology.by_label(name);
  if (!term || term->definition.empty()) return std::nullopt;
  return term->definition;
}

}  // namespace cell2text
