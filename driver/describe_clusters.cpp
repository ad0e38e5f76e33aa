#include "describe_clusters.hpp"

#include <fmt/format.h>

#include <cmath>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"

namespace cell2text::driver {

namespace {

std::optional<std::size_t> place_of(const std::vector<TableColumn>& columns, const std::string& name) {
  const auto found = std::ranges::find(columns, name, &TableColumn::name);
  return found == columns.end() ? std::nullopt : std::optional<std::size_t>(found - columns.begin());
}

/// "B cell 0.81; T cell 0.19", the three with the most votes.
std::string votes_text(const std::vector<LabelShare>& shares) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, shares.size()); ++i)
    text += fmt::format("{}{} {:.4g}", i ? "; " : "", shares[i].label, shares[i].share);
  return text;
}

}  // namespace

ClusterSummary::ClusterSummary(const Clusters& clusters, const Table& described)
    : clusters_(clusters), groups_(clusters.names.size() + 1) {
  for (const std::int32_t code : clusters.codes)
    if (code >= 0) ++groups_[code].cells;
  count_votes(described);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    group.values = {g < clusters.names.size() ? clusters.names[g] : ""};
    for (const LabelVotes& votes : group.votes) {
      const auto shares = votes.shares();
      const double share = shares.empty() ? std::nan("") : shares.front().share;
      group.values.emplace_back(shares.empty() ? "" : shares.front().label);
      group.values.emplace_back(share);
      group.values.emplace_back(share < mixed_below ? 1.0 : 0.0);
    }
  }
}

void ClusterSummary::count_votes(const Table& described) {
  struct Places {
    std::size_t label;
    std::optional<std::size_t> confidence;
  };
  std::vector<Places> places;
  for (const std::string label : described_labels) {
    const auto as_read = place_of(described.columns, "cell2text_" + label + "_raw");
    places.push_back({as_read ? *as_read : place_of(described.columns, "cell2text_" + label).value(),
                      place_of(described.columns, "cell2text_" + label + "_confidence")});
  }
  described.each([&](const TableRow& row) {
    Group& group = groups_.at(clusters_.codes[row.row]);
    ++group.described;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto& label = std::get<std::string>(row.values[places[i].label]);
      const double weight = places[i].confidence ? std::get<double>(row.values[*places[i].confidence]) : 1;
      if (!label.empty() && !std::isnan(weight)) group.votes[i].add(label, weight);
    }
  });
}

std::vector<TableColumn> ClusterSummary::columns() {
  using Type = TableColumn::Type;
  std::vector<TableColumn> all{{"cell2text_cluster", Type::category}};
  for (const std::string label : described_labels) {
    all.push_back({"cell2text_cluster_" + label, Type::category});
    all.push_back({"cell2text_cluster_" + label + "_share", Type::real});
    all.push_back({"cell2text_cluster_" + label + "_mixed", Type::truth});
  }
  return all;
}

const std::vector<TableValue>& ClusterSummary::values(std::int64_t row) const {
  const std::int32_t code = clusters_.codes[row];
  return (code < 0 ? groups_.back() : groups_[code]).values;
}

void ClusterSummary::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  std::string header = "cluster,cells,described";
  for (const std::string label : described_labels)
    header += "," + label + "," + label + "_share," + label + "_mixed," + label + "_votes";
  file.write(header + "\n");
  for (std::size_t g = 0; g < clusters_.names.size(); ++g) {
    const Group& group = groups_[g];
    std::string line = fmt::format("{},{},{}", csv_field(clusters_.names[g]), group.cells, group.described);
    for (const LabelVotes& votes : group.votes) {
      const auto shares = votes.shares();
      line += shares.empty() ? ",,,,"
                             : fmt::format(",{},{:.4g},{},{}", csv_field(shares.front().label), shares.front().share,
                                           shares.front().share < mixed_below, csv_field(votes_text(shares)));
    }
    file.write(line + "\n");
  }
  file.commit();
}

}  // namespace cell2text::driver
