#include "described_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/hdf5_open.hpp"
#include "console.hpp"
#include "described_output.hpp"
#include "page.hpp"

namespace cell2text::driver {

extern const char* const described_script;

namespace {

using Json = nlohmann::ordered_json;

// The names that files of single cells most often give these columns.
const std::vector<std::string> sample_columns = {"sample", "sample_id", "Sample", "donor_id", "orig.ident", "batch"};
const std::vector<std::string> cluster_columns = {"leiden", "louvain", "seurat_clusters", "clusters", "cluster"};
constexpr std::size_t most_values = 1000;  // of a column that cells are grouped by

/// Four digits: what a plot can show.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::pow(10.0, 3 - std::floor(std::log10(std::abs(value))));
  return std::round(value * unit) / unit;
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(rounded(value)) : Json(nullptr);
}

Json findings_of(const Findings& findings) {
  Findings sorted = findings;
  std::ranges::stable_sort(sorted, std::greater{}, &Finding::severity);
  Json list = Json::array();
  for (const Finding& one : sorted)
    list.push_back({{"check", one.check},
                    {"severity", severity_name(one.severity)},
                    {"found", one.found},
                    {"expected", one.expected},
                    {"fix", one.fix}});
  return list;
}

/// obsm["X_umap"] of an .h5ad file, where it has two numbers or more for each cell.
std::optional<hdf5::Dataset> umap_of(const std::filesystem::path& input) {
  if (input.extension() != ".h5ad") return std::nullopt;
  const hdf5::Group root = hdf5::Group::open_file(input);
  if (!root.has_dataset("obsm/X_umap")) return std::nullopt;
  hdf5::Dataset plane = root.dataset("obsm/X_umap");
  if (!plane.is_number() || plane.shape().size() != 2 || plane.shape()[1] < 2) return std::nullopt;
  return plane;
}

/// What the page draws of it, with the genes that it shows alone; "rest" is the sum of all others' shares.
Json shown_of(const ExplainedCell& cell) {
  Json shown = explained_page_data(cell);
  for (Json& label : shown["labels"]) {
    Json genes = Json::array();
    double rest = 0;
    for (Json& gene : label["genes"])
      if (std::cmp_less(genes.size(), cell.top))
        genes.push_back(std::move(gene));
      else
        rest += gene["attribution"].get<double>();
    label["genes"] = std::move(genes);
    label["rest"] = rest;
  }
  return shown;
}

}  // namespace

DescribedReport::DescribedReport(const std::vector<TableColumn>& columns, const SourceHandle& source, About about)
    : about_(std::move(about)) {
  constexpr std::string_view prefix = "cell2text_";
  for (std::size_t i = 0; i < columns.size(); ++i) places_.emplace(columns[i].name.substr(prefix.size()), i);
  group_by(source, sample_columns);
  group_by(source, about_.cluster.empty() ? cluster_columns : std::vector{about_.cluster});
}

/// Empty where there is no such column.
std::string DescribedReport::text(const TableRow& one, const std::string& column) const {
  const auto found = places_.find(column);
  return found == places_.end() ? "" : std::get<std::string>(one.values[found->second]);
}

/// NaN where there is no such column.
double DescribedReport::number(const TableRow& one, const std::string& column) const {
  const auto found = places_.find(column);
  return found == places_.end() ? std::nan("") : std::get<double>(one.values[found->second]);
}

/// By the first of the columns that the file has.
void DescribedReport::group_by(const SourceHandle& source, const std::vector<std::string>& names) {
  const auto found = std::ranges::find_if(names, [&](const auto& name) { return source.has_column(name); });
  if (found == names.end()) return;
  LabelColumn labels = source.labels(*found);
  if (labels.values.size() > most_values)
    return log().warning(
        fmt::format("the report does not group cells by obs column '{}': it has {} values, more than {}", *found,
                    labels.values.size(), most_values));
  columns_.push_back({std::move(labels), {}});
}

void DescribedReport::add(const TableRow& one) {
  ++cells_;
  ++statuses_[text(one, "status")];
  if (const double genes = number(one, "n_genes_used"); genes > 0) ++genes_[static_cast<std::int64_t>(genes)];
  for (const std::string label : described_labels) {
    const double confidence = number(one, label + "_confidence");
    if (std::isnan(confidence) || text(one, label).empty()) continue;  // a text may tell no sex
    Bins& bins = confidences_[label];
    const auto bin = static_cast<std::size_t>(std::clamp(confidence, 0.0, 1.0) * num_bins);
    ++bins.cells[std::min(bin, num_bins - 1)];
    ++bins.of, bins.sum += confidence;
  }
  const std::string type = text(one, "cell_type");
  ++types_[type];
  for (Column& column : columns_) ++column.cells[column.labels.codes[static_cast<std::size_t>(one.row)]][type];
  const double confidence = number(one, "cell_type_confidence");
  if (!std::isnan(confidence)) add_doubtful(one, type, confidence);
  add_point(one, type, confidence);
}

/// Each cell with the same probability, however many there will be (Vitter's algorithm R).
void DescribedReport::add_point(const TableRow& one, const std::string& type, double confidence) {
  const Point point{one.row, type, static_cast<float>(confidence)};
  if (points_.size() < most_points) return points_.push_back(point);
  if (const auto place = random_() % static_cast<std::uint64_t>(cells_); place < most_points) points_[place] = point;
}

void DescribedReport::add_doubtful(const TableRow& one, const std::string& type, double confidence) {
  if (doubtful_.size() == least_certain && !(confidence < doubtful_.top().confidence)) return;
  doubtful_.push({confidence,
                  one.row,
                  {{"cell", one.cell},
                   {"text", text(one, "description")},
                   {"cell_type", type},
                   {"confidence", rounded(confidence)},
                   {"best", text(one, "cell_type_best")}}});
  if (doubtful_.size() > least_certain) doubtful_.pop();
}

/// The least certain first.
std::vector<DescribedReport::Doubtful> DescribedReport::doubtful() const {
  std::vector<Doubtful> all;
  for (auto rest = doubtful_; !rest.empty(); rest.pop()) all.push_back(rest.top());
  std::ranges::reverse(all);
  return all;
}

void DescribedReport::explain_least(std::size_t cells, const CellExplainer& explainer, const Interrupts& interrupts) {
  std::vector<Doubtful> least = doubtful();
  least.resize(std::min(cells, least.size()));
  Progress progress("explaining", std::ssize(least), "cells");
  ExplainWishes wishes;
  wishes.options.on_label = [&](std::int64_t) {
    interrupts.check("while explaining; the same command goes on with what is left");
  };
  for (std::size_t i = 0; i < least.size(); ++i) {
    const CellToExplain cell = explainer.read(least[i].row, least[i].about["text"].get<std::string>());
    const ExplainedCell explained = explainer.explain(cell, wishes);
    for (const std::string& warning : explanation_warnings(explained))
      log().warning("cell '" + explained.cell + "': " + warning);
    explanations_[least[i].row] = shown_of(explained);
    progress.update(static_cast<std::int64_t>(i) + 1);
  }
}

Json DescribedReport::composition(const ShownTypes& shown) const {
  Json all = Json::array();
  for (const Column& column : columns_) {
    std::vector<std::pair<std::int64_t, Json>> groups;
    for (const auto& [code, types] : column.cells) {
      std::int64_t cells = 0;
      for (const auto& [type, count] : types) cells += count;
      groups.emplace_back(cells, Json{{"name", code < 0 ? Json(nullptr) : Json(column.labels.values[code])},
                                      {"cells", cells},
                                      {"types", shown.counts(types)}});
    }
    const std::size_t found = groups.size();
    std::ranges::stable_sort(groups, std::greater{}, [](const auto& group) { return group.first; });
    if (groups.size() > most_groups) groups.resize(most_groups);
    Json list = Json::array();
    for (auto& [cells, group] : groups) list.push_back(std::move(group));
    all.push_back({{"column", column.labels.name}, {"values", found}, {"groups", std::move(list)}});
  }
  return all;
}

Json DescribedReport::umap(const ShownTypes& shown) const {
  const auto plane = umap_of(about_.input);
  if (!plane || points_.empty()) return nullptr;
  std::vector<Point> points = points_;
  std::ranges::sort(points, {}, &Point::row);
  if (points.back().row >= plane->length()) return nullptr;
  Json x = Json::array(), y = Json::array(), types = Json::array(), confidences = Json::array();
  std::map<std::string, std::size_t> places;  // among "types"
  for (const auto& [type, cells] : largest(shown.counts(types_))) places.emplace(type, places.size());
  constexpr std::int64_t rows_at_once = 1 << 16;
  const std::int64_t width = plane->shape()[1];
  for (auto next = points.begin(); next != points.end();) {
    const std::int64_t first = next->row, count = std::min(rows_at_once, plane->length() - first);
    const auto values = plane->read<float>(first, count);
    for (; next != points.end() && next->row < first + count; ++next) {
      const float* at = values.data() + (next->row - first) * width;
      if (!std::isfinite(at[0]) || !std::isfinite(at[1])) continue;  // a cell that was left out of it
      x.push_back(rounded(at[0])), y.push_back(rounded(at[1]));
      types.push_back(places.at(shown.name(next->type))), confidences.push_back(number_or_null(next->confidence));
    }
  }
  return {{"x", std::move(x)}, {"y", std::move(y)}, {"type", std::move(types)}, {"confidence", std::move(confidences)}};
}

Json DescribedReport::data() const {
  const ShownTypes shown(types_, most_types);
  Json labels = Json::array();
  for (const auto& [label, bins] : confidences_)
    labels.push_back({{"label", label}, {"cells", bins.cells}, {"mean", bins.sum / static_cast<double>(bins.of)}});
  Json least = Json::array();
  for (Doubtful& one : doubtful()) {
    if (const auto found = explanations_.find(one.row); found != explanations_.end())
      one.about["explanation"] = found->second;
    least.push_back(std::move(one.about));
  }
  return {{"file", about_.input.string()},
          {"model", about_.model},
          {"model_hash", about_.model_hash},
          {"cells", cells_},
          {"statuses", statuses_},
          {"types", largest(shown.counts(types_))},
          {"confidences", std::move(labels)},
          {"genes", histogram_json(histogram("genes used", genes_, 40))},
          {"composition", composition(shown)},
          {"least", std::move(least)},
          {"umap", umap(shown)},
          {"findings", findings_of(about_.findings)}};
}

void DescribedReport::write(const std::filesystem::path& output) const {
  write_atomically(output, filled_page(described_script, data()));
}

}  // namespace cell2text::driver
