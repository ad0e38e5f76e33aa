// Chooses the matrix of raw counts of an .h5ad file: by the key `counts`, or the first that looks like counts.
#pragma once

#include <string>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/io/anndata.hpp"
#include "evidence.hpp"
#include "matrix.hpp"

namespace cell2text::h5ad {

/// The genes a matrix has: those of raw, or those of the file.
inline std::string var_group(const std::string& matrix) {
  return matrix.starts_with("raw/") ? "raw/var" : "var";
}

namespace detail {

inline bool has_matrix(const hdf5::Group& root, const std::string& name) {
  return root.has_dataset(name) || root.has(name + "/indptr");
}

inline Matrix open_matrix(const hdf5::Group& root, const std::string& name, std::int64_t cells) {
  return Matrix(root, name, cells, anndata::DataFrame(root, var_group(name)).size());
}

/// At most 16 blocks of 32 entries, spread evenly, of 50,000 values each.
inline Evidence sample(const Matrix& matrix) {
  constexpr std::int64_t blocks = 16, entries = 32, values = 50'000;
  Evidence evidence;
  for (std::int64_t i = 0, next = 0; i < blocks; ++i) {
    const std::int64_t first = std::max(next, matrix.major() * i / blocks);
    if (first >= matrix.major()) break;
    const std::int64_t count = std::min({entries, matrix.entries_within(first, values), matrix.major() - first});
    evidence.add(matrix.read(first, count), matrix.layout() != Matrix::Layout::csc);
    next = first + count;
  }
  return evidence;
}

inline std::string list_matrices(const hdf5::Group& root) {
  std::vector<std::string> names;
  if (root.has_group("layers"))
    for (const std::string& layer : root.group("layers").names()) names.push_back("layers/" + layer);
  for (const char* name : {"raw/X", "X"})
    if (has_matrix(root, name)) names.emplace_back(name);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "none" : all;
}

inline void note_corrected(const Evidence& evidence, const std::string& name, const Context& context) {
  if (evidence.corrected())
    context.log.warning("h5ad: " + name + " holds fractions of the size of counts; taken as corrected counts");
}

inline Matrix named_counts(const hdf5::Group& root, const std::string& name, std::int64_t cells,
                           const Context& context) {
  const bool known = name == "X" || name == "raw/X" || name.starts_with("layers/");
  if (!known || !has_matrix(root, name))
    throw InputError(root.file() + ": has no matrix '" + name + "' (key 'counts'); it has: " + list_matrices(root));
  Matrix matrix = open_matrix(root, name, cells);
  const Evidence evidence = sample(matrix);
  if (const std::string objection = evidence.objection(); !objection.empty())
    context.log.warning("h5ad: " + name + " " + objection + "; taken as counts because the key 'counts' names it");
  note_corrected(evidence, name, context);
  context.log.info("h5ad: counts from " + name + " (named by the key 'counts')");
  return matrix;
}

}  // namespace detail

struct ChosenCounts {
  std::string name;  ///< "layers/counts", "raw/X", "X", ...
  Matrix matrix;
};

/// `key` is "auto" or a matrix's name. Logs what is taken. InputError where nothing looks like counts, with
/// what was found instead.
inline ChosenCounts choose_counts(const hdf5::Group& root, const std::string& key, std::int64_t cells,
                                  const Context& context) {
  if (key != "auto") return {key, detail::named_counts(root, key, cells, context)};
  std::string found;
  for (const char* name : {"layers/counts", "raw/X", "X"}) {
    if (!detail::has_matrix(root, name)) continue;
    Matrix matrix = detail::open_matrix(root, name, cells);
    const Evidence evidence = detail::sample(matrix);
    if (const std::string objection = evidence.objection(); !objection.empty()) {
      found += std::string(found.empty() ? "" : "; ") + name + " " + objection;
      continue;
    }
    detail::note_corrected(evidence, name, context);
    context.log.info(std::string("h5ad: counts from ") + name + (found.empty() ? "" : " (" + found + ")"));
    return {name, std::move(matrix)};
  }
  throw InputError(root.file() +
                   ": no matrix of raw counts: " + (found.empty() ? "no layers/counts, raw/X or X" : found) +
                   ". The file has: " + detail::list_matrices(root) + ". Where one of them holds counts, name it: " +
                   "counts = \"layers/NAME\"; else get the counts from the source of the file");
}

}  // namespace cell2text::h5ad
