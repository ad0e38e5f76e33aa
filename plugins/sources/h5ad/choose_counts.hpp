// Chooses the matrix of raw counts of an .h5ad file: by the key `counts`, or the best of the usual places. What values
// are is judged by the core (value_evidence.hpp); this file samples them.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bad_value.hpp"
#include "cell2text/cells/value_evidence.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/anndata.hpp"
#include "matrix.hpp"

namespace cell2text::h5ad {

namespace detail {

inline bool has_matrix(const hdf5::Group& root, const std::string& name) {
  return root.has_dataset(name) || root.has(name + "/indptr");
}

inline Matrix open_matrix(const hdf5::Group& root, const std::string& name, std::int64_t cells) {
  return Matrix(root, name, cells, anndata::DataFrame(root, var_group(name)).size());
}

constexpr std::int64_t sample_blocks = 32, sample_entries = 16;  // 512 cells tell

/// Some rows of a CSC matrix: all of it is read once, where that is quick.
inline void sample_columns(const Matrix& matrix, ValueEvidence& evidence) {
  constexpr std::int64_t whole = std::int64_t{1} << 24, step = std::int64_t{1} << 20;  // values
  std::vector<std::vector<float>> cells(std::min(matrix.rows(), sample_blocks * sample_entries));
  const auto stride = matrix.rows() / std::max<std::int64_t>(std::ssize(cells), 1);
  const bool all = matrix.stored() <= whole;
  const std::int64_t jump = all ? 1 : std::max<std::int64_t>(matrix.major() / 64, 1);
  for (std::int64_t first = 0; first < matrix.major();) {
    const std::int64_t count = all ? matrix.entries_within(first, step) : 1;
    const RowBlock block = matrix.read(first, count);
    if (!all) evidence.add_values(block.values);
    for (std::size_t i = 0; all && i < block.values.size(); ++i)
      if (const std::int64_t row = block.columns[i]; row % stride == 0 && row / stride < std::ssize(cells))
        cells[row / stride].push_back(block.values[i]);
    first += all ? count : jump;
  }
  for (const auto& cell : cells) evidence.add_cell(cell);
}

/// Blocks of cells spread evenly over the matrix.
inline ValueEvidence sample(const Matrix& matrix) {
  ValueEvidence evidence;
  if (matrix.layout() == Matrix::Layout::csc) {
    sample_columns(matrix, evidence);
    return evidence;
  }
  constexpr std::int64_t values = 100'000;
  for (std::int64_t i = 0, next = 0; i < sample_blocks; ++i) {
    const std::int64_t first = std::max(next, matrix.major() * i / sample_blocks);
    if (first >= matrix.major()) break;
    next = first + std::min({sample_entries, matrix.entries_within(first, values), matrix.major() - first});
    const RowBlock block = matrix.read(first, next - first);
    for (std::int64_t row = 0; row < block.rows(); ++row)
      evidence.add_cell(std::span(block.values).subspan(block.starts[row], block.starts[row + 1] - block.starts[row]));
  }
  return evidence;
}

/// All that could be named: layers, raw/X, X.
inline std::vector<std::string> matrix_names(const hdf5::Group& root) {
  std::vector<std::string> names;
  if (root.has_group("layers"))
    for (const std::string& layer : root.group("layers").names()) names.push_back("layers/" + layer);
  for (const char* name : {"raw/X", "X"})
    if (has_matrix(root, name)) names.emplace_back(name);
  return names;
}

inline std::string list_matrices(const hdf5::Group& root) {
  std::string all;
  for (const std::string& name : matrix_names(root)) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "none" : all;
}

struct Candidate {
  MatrixInfo info;
  Matrix matrix;

  static Candidate open(const hdf5::Group& root, const std::string& name, std::int64_t cells) {
    Matrix matrix = open_matrix(root, name, cells);
    if (matrix.columns() == 0) throw InputError(matrix.where() + ": holds no genes");
    MatrixInfo info{name, matrix.columns(), sample(matrix).judge(), false};
    return {std::move(info), std::move(matrix)};
  }
  /// Counts before what may be counts, before the rest; among equals more genes are better.
  std::tuple<int, std::int64_t> worth() const {
    const ValueKind kind = info.values.kind;
    return {kind <= ValueKind::corrected_counts ? 0 : static_cast<int>(kind), -info.genes};
  }
};

/// What other layers hold counts, as a sentence with the way to take one; empty where none does.
inline std::string other_counts(const hdf5::Group& root, std::int64_t cells) {
  for (const std::string& name : matrix_names(root)) {
    if (!name.starts_with("layers/") || name == "layers/counts") continue;
    try {
      if (Candidate::open(root, name, cells).worth() < std::tuple{1, std::int64_t{0}})
        return ". " + name +
               " looks like counts; if it holds those of all molecules, name it: --source counts=" + name +
               " (in an experiment file: counts = \"" + name + "\")";
    } catch (const InputError&) {  // one that cannot be read is no help
    }
  }
  return "";
}

[[noreturn]] inline void refuse(const hdf5::Group& root, const std::string& found, const Candidate& best) {
  const ValueKind kind = best.info.values.kind;
  std::string way = other_counts(root, best.matrix.rows());
  if (way.empty())
    way = ". The file has: " + list_matrices(root) + ". Where one of them holds counts, name it: " +
          "counts = \"layers/NAME\"; else write the file from the counts, before sc.pp.normalize_total and sc.pp.log1p";
  if (kind == ValueKind::scaled || kind == ValueKind::not_finite)
    if (const auto bad = first_bad_value(best.matrix))
      way = " (the first: " + text_of(*bad, root, best.info.name) + ")" + way;
  if (best.info.values.is_usable()) way += ". To go on with these values all the same: --force (any_values = true)";
  throw InputError(root.file() + ": no matrix of raw counts: " + found + way);
}

inline void report(const Candidate& chosen, const std::string& because, const Context& context) {
  const auto& [name, genes, values, used] = chosen.info;
  if (!values.is_counts())
    context.log.warning("h5ad: " + name + " " + values.text + "; taken as counts because any_values (--force) says so");
  else if (values.kind == ValueKind::corrected_counts)
    context.log.info("h5ad: " + name + " " + values.text + "; taken as counts");
  else if (values.kind == ValueKind::unclear)
    context.log.warning("h5ad: " + name + " " + values.text + "; taken as counts, please check");
  context.log.info("h5ad: counts from " + name + because);
}

}  // namespace detail

struct ChosenCounts {
  std::string name;  ///< "layers/counts", "raw/X", "X", ...
  Matrix matrix;
};

/// `key` is "auto" (the best of layers/counts, raw/X, X) or a matrix's name. Logs what is taken. InputError where it
/// does not hold counts, with what was found instead, unless `any_values`.
inline ChosenCounts choose_counts(const hdf5::Group& root, const std::string& key, std::int64_t cells,
                                  const Context& context, bool any_values = false) {
  std::vector<std::string> names = {"layers/counts", "raw/X", "X"};
  if (key != "auto") {
    names = {key};
    if (!(key == "X" || key == "raw/X" || key.starts_with("layers/")) || !detail::has_matrix(root, key))
      throw InputError(root.file() + ": has no matrix '" + key +
                       "' (key 'counts'); it has: " + detail::list_matrices(root));
  }
  std::vector<detail::Candidate> candidates;
  std::optional<InputError> fault;
  std::string found;
  for (const std::string& name : names) {
    if (!detail::has_matrix(root, name)) continue;
    try {
      candidates.push_back(detail::Candidate::open(root, name, cells));
      const std::string& text = candidates.back().info.values.text;
      if (!candidates.back().info.values.is_counts()) found += (found.empty() ? "" : "; ") + name + " " + text;
    } catch (const InputError& error) {
      if (!fault) fault = error;
    }
  }
  const auto best = std::ranges::min_element(candidates, {}, &detail::Candidate::worth);
  const bool good = best != candidates.end() && best->info.values.is_counts();
  if (fault && !good) throw *fault;
  if (best == candidates.end())
    throw InputError(root.file() + ": no matrix of raw counts: no layers/counts, raw/X or X. The file has: " +
                     detail::list_matrices(root) + ". Where one of them holds counts, name it: --source " +
                     "counts=layers/NAME (in an experiment file: counts = \"layers/NAME\")");
  if (fault) context.log.warning(std::string("h5ad: passed over a matrix that cannot be read: ") + fault->what());
  if (!good && !any_values) detail::refuse(root, found, *best);
  detail::report(*best,
                 key != "auto"            ? " (named by the key 'counts')"
                 : good && !found.empty() ? " (" + found + ")"
                                          : "",
                 context);
  return {best->info.name, std::move(best->matrix)};
}

/// Every matrix of the file and what its values are; `used` marks the one that was chosen. One that cannot be read is
/// left out and named in the log.
inline std::vector<MatrixInfo> judge_matrices(const hdf5::Group& root, const std::string& used, std::int64_t cells,
                                              const Log& log) {
  std::vector<MatrixInfo> all;
  for (const std::string& name : detail::matrix_names(root)) {
    try {
      all.push_back(detail::Candidate::open(root, name, cells).info);
      all.back().used = name == used;
    } catch (const InputError& error) {
      log.warning(std::string("h5ad: ") + error.what());
    }
  }
  return all;
}

}  // namespace cell2text::h5ad
