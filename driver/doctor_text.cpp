// What the checks found, for people and for programs.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "doctor.hpp"

namespace cell2text::driver {

namespace {

constexpr std::size_t line_width = 108, indent = 11;

/// Text in lines of at most `line_width`, each after the first begun by `indent` spaces.
std::string wrapped(const std::string& text) {
  std::string lines;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (column + end - at > line_width && column > indent) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (at > 0) {
      lines += ' ', ++column;
    }
    lines += text.substr(at, end - at);
    column += end - at;
    at = end + 1;
  }
  return lines;
}

std::string plural(std::int64_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string verdict(const Findings& findings) {
  std::map<Severity, std::int64_t> number;
  for (const Finding& finding : findings) ++number[finding.severity];
  std::string counts;
  for (const Severity severity : {Severity::error, Severity::warning, Severity::note})
    if (number[severity] > 0)
      counts += (counts.empty() ? "" : ", ") + plural(number[severity], severity_name(severity));
  if (number[Severity::error] > 0) return "NOT READY: " + counts;
  return counts.empty() ? "READY" : "READY, with " + counts;
}

}  // namespace

std::string findings_text(const std::string& title, const Findings& findings) {
  std::string text = title + "\n" + verdict(findings) + "\n\n";
  Findings sorted = findings;
  std::ranges::stable_sort(sorted, std::greater{}, &Finding::severity);
  for (const Finding& finding : sorted) {
    const std::string name = finding.severity == Severity::error ? "ERROR" : severity_name(finding.severity);
    text += fmt::format("{:<{}}{}\n", name, indent, wrapped(finding.found));
    if (!finding.expected.empty()) text += fmt::format("{:<{}}{}\n", "  expected", indent, wrapped(finding.expected));
    if (!finding.fix.empty()) text += fmt::format("{:<{}}{}\n", "  do", indent, wrapped(finding.fix));
  }
  return text;
}

std::string findings_json(const std::string& file, const CellReport& report) {
  auto list = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings)
    list.push_back({{"check", finding.check},
                    {"severity", severity_name(finding.severity)},
                    {"found", finding.found},
                    {"expected", finding.expected},
                    {"fix", finding.fix}});
  const nlohmann::ordered_json all = {{"file", file},
                                      {"cells", report.cells},
                                      {"genes", report.genes},
                                      {"verdict", severity_name(worst(report.findings))},
                                      {"findings", list}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace cell2text::driver
