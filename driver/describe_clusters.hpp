// What becomes of the descriptions of some cells of each cluster: columns for all cells, and a table of clusters.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "cell2text/cells/clusters.hpp"
#include "cell2text/evaluate/label_votes.hpp"
#include "described_output.hpp"

namespace cell2text::driver {

class ClusterSummary {
 public:
  /// Of described cells their labels as read count, each with its confidence; where no confidence is told, each alike.
  /// `clusters` must outlive this.
  ClusterSummary(const Clusters& clusters, const Table& described);

  /// cell2text_cluster, and of each label X cell2text_cluster_X, ..._share and ..._mixed.
  static std::vector<TableColumn> columns();
  /// What a cell of the source has in these columns.
  const std::vector<TableValue>& values(std::int64_t row) const;

  /// A line per cluster.
  void write(const std::filesystem::path& path) const;

 private:
  struct Group {
    std::int64_t cells = 0, described = 0;
    std::array<LabelVotes, described_labels.size()> votes;
    std::vector<TableValue> values;
  };

  void count_votes(const Table& described);

  const Clusters& clusters_;
  std::vector<Group> groups_;  // one more than clusters: cells of none
};

}  // namespace cell2text::driver
