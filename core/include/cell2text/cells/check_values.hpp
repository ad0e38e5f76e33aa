// Findings on the values of a file's matrices: which is used, whether it holds counts, and what to use instead.
#pragma once

#include <string>
#include <vector>

#include "cell2text/cells/finding.hpp"
#include "cell2text/cells/value_kind.hpp"

namespace cell2text {

namespace check_values_detail {

/// What to do where `used` holds no counts: another matrix of the file that does, or the way to a better file.
inline std::string way_to_counts(const std::vector<MatrixInfo>& matrices, const MatrixInfo& used) {
  for (const MatrixInfo& other : matrices)
    if (!other.used && other.values.kind <= ValueKind::corrected_counts)
      return other.name + " holds counts: use it with --source counts=" + other.name +
             " (in an experiment file: [data] counts = \"" + other.name + "\")";
  if (used.values.kind == ValueKind::empty) return "Write the file again with its counts";
  return "Write the file from the counts. In scanpy keep them before normalising: adata.layers[\"counts\"] = "
         "adata.X.copy()";
}

}  // namespace check_values_detail

/// `needs_counts`: whether the encoder does. Nothing where the source does not say what it holds.
inline Findings check_values(const std::vector<MatrixInfo>& matrices, bool needs_counts) {
  Findings all;
  std::string others;
  for (const MatrixInfo& matrix : matrices) {
    const auto& [kind, text] = matrix.values;
    if (!matrix.used) {
      others += (others.empty() ? "" : "; ") + matrix.name + " " + (text.empty() ? "holds raw counts" : text) + ", " +
                with_commas(matrix.genes) + " genes";
      continue;
    }
    Finding finding{"values", Severity::ok, matrix.name + " " + text, "raw counts", "", false};
    if (kind == ValueKind::counts) {
      finding.found = matrix.name + " holds raw counts (whole numbers)";
      finding.expected.clear();
    } else if (kind == ValueKind::corrected_counts) {
      finding.severity = Severity::note;
      finding.found += ": these are counts too";
      finding.expected.clear();
    } else if (kind == ValueKind::unclear) {
      finding.severity = Severity::warning;
      finding.fix = "Look up how the file was made. If the values are TPM, FPKM or logarithms: " +
                    check_values_detail::way_to_counts(matrices, matrix);
    } else {
      finding.severity = needs_counts || !matrix.values.is_usable() ? Severity::error : Severity::warning;
      finding.can_be_forced = matrix.values.is_usable();
      if (needs_counts && finding.can_be_forced)
        finding.expected = "raw counts, which the encoder needs: other values rank the genes differently";
      finding.fix = check_values_detail::way_to_counts(matrices, matrix);
      if (finding.can_be_forced) finding.fix += ". To go on with these values all the same: --force";
    }
    all.push_back(std::move(finding));
  }
  if (!others.empty()) all.push_back({"values.others", Severity::ok, "not used: " + others, "", "", false});
  return all;
}

}  // namespace cell2text
