// What the values of an expression matrix can be, and what a source says of each of its matrices. The judging is
// value_evidence.hpp's.
#pragma once

#include <cstdint>
#include <string>

namespace cell2text {

enum class ValueKind {
  counts,            ///< whole numbers
  corrected_counts,  ///< fractions, but counts by scale and sums: SoupX, decontX, CellBender, RSEM, kallisto
  unclear,           ///< fractions that fit neither counts nor anything normalised
  normalised,        ///< counts divided by the depth of their cell
  logged,            ///< the logarithm of counts or of normalised counts
  scaled,            ///< negative values
  empty,             ///< zeros only
  not_finite,        ///< NaN or infinite values
};

/// A judgement in words: "looks log-normalised (fractions, largest 7.42; ...), not counts". Empty text for plain
/// counts.
struct ValueJudgement {
  ValueKind kind = ValueKind::empty;
  std::string text;

  /// Whether it may be used where counts are needed (corrected and unclear ones with a word of warning).
  bool is_counts() const { return kind <= ValueKind::unclear; }
  /// Whether it can be used at all: a rank among negative or missing values means nothing.
  bool is_usable() const { return kind <= ValueKind::logged; }
};

/// A matrix that a source could take its counts from.
struct MatrixInfo {
  std::string name;  ///< "X", "raw/X", "layers/counts"
  std::int64_t genes = 0;
  ValueJudgement values;
  bool used = false;
};

inline const char* kind_name(ValueKind kind) {
  static constexpr const char* names[] = {"counts", "corrected_counts", "unclear", "normalised",
                                          "logged", "scaled",           "empty",   "not_finite"};
  return names[static_cast<int>(kind)];
}

}  // namespace cell2text
