// What a file says once for all of its cells, as obs columns: since schema 6 CELLxGENE's files have the species in uns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cell2text/io/anndata.hpp"

namespace cell2text::h5ad {

/// The value of `organism` or `organism_ontology_term_id` in uns; nothing for other names, where obs has such a column,
/// or where uns holds no text of that name.
inline std::optional<std::string> uns_value(const hdf5::Group& root, const anndata::DataFrame& obs,
                                            const std::string& name) {
  const bool known = name == "organism" || name == "organism_ontology_term_id";
  if (!known || obs.has(name) || !root.has_group("uns") || !root.has_dataset("uns/" + name)) return std::nullopt;
  const hdf5::Dataset value = root.dataset("uns/" + name);
  if (value.type() != hdf5::Dataset::Type::text || value.length() != 1) return std::nullopt;
  return value.read_strings(0, 1).front();
}

/// The names of the columns that come from uns.
inline std::vector<std::string> uns_columns(const hdf5::Group& root, const anndata::DataFrame& obs) {
  std::vector<std::string> names;
  for (const char* name : {"organism", "organism_ontology_term_id"})
    if (uns_value(root, obs, name)) names.push_back(name);
  return names;
}

}  // namespace cell2text::h5ad
