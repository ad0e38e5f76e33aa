// What a check of a file has found: how bad it is, the value found, the value expected, and what to do about it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text {

enum class Severity { ok, note, warning, error };

inline const char* severity_name(Severity severity) {
  static constexpr const char* names[] = {"ok", "note", "warning", "error"};
  return names[static_cast<int>(severity)];
}

/// One finding. Texts are sentences without a final period; `expected` and `fix` may be empty.
struct Finding {
  std::string check;  ///< which question it answers: "values", "genes.known", "memory", ...; stable
  Severity severity = Severity::ok;
  std::string found, expected, fix;
  bool can_be_forced = false;  ///< whether --force goes on in spite of an error
};

using Findings = std::vector<Finding>;

inline Severity worst(const Findings& findings) {
  Severity all = Severity::ok;
  for (const Finding& finding : findings) all = std::max(all, finding.severity);
  return all;
}

/// "found; expected; what to do", the form that a log or an error message takes.
inline std::string sentence(const Finding& finding) {
  std::string text = finding.found;
  if (!finding.expected.empty()) text += "; expected: " + finding.expected;
  if (!finding.fix.empty()) text += ". " + finding.fix;
  return text;
}

/// "1,234,567"
inline std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

/// "37%", "0.4%", "none", "all": a share from 0 to 1; "none" and "all" only where exactly so.
inline std::string percent(double share) {
  if (share <= 0) return "none";
  if (share >= 1) return "all";
  char text[16];
  const double value = 100 * share;
  std::snprintf(text, sizeof text, value < 1 || value > 99 ? "%.1f%%" : "%.0f%%", std::clamp(value, 0.1, 99.9));
  return text;
}

/// "1.4 GiB", "310 MiB"
inline std::string bytes_text(double bytes) {
  char text[32];
  const double mib = bytes / (1 << 20);
  std::snprintf(text, sizeof text, mib < 1000 ? "%.0f MiB" : "%.1f GiB", mib < 1000 ? mib : mib / 1024);
  return text;
}

}  // namespace cell2text
