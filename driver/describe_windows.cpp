#include "describe_windows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cell2text/generate/windows.hpp"
#include "cell2text/text/utf8.hpp"
#include "console.hpp"

namespace cell2text::driver {

namespace {

nlohmann::json json_of(const TableRow& row) {
  nlohmann::json line{row.row, replace_invalid_utf8(row.cell)};
  for (const TableValue& value : row.values)
    if (const auto* text = std::get_if<std::string>(&value))
      line.push_back(replace_invalid_utf8(*text));
    else
      line.push_back(std::get<double>(value));  // NaN is null
  return line;
}

TableRow row_from(const nlohmann::json& line) {
  TableRow row{line.at(0).get<std::int64_t>(), line.at(1).get<std::string>(), {}};
  for (std::size_t i = 2; i < line.size(); ++i)
    if (line[i].is_string())
      row.values.emplace_back(line[i].get<std::string>());
    else
      row.values.emplace_back(line[i].is_null() ? std::nan("") : line[i].get<double>());
  return row;
}

nlohmann::json json_of(std::vector<TableRow>& window) {
  std::ranges::sort(window, {}, &TableRow::row);
  nlohmann::json lines = nlohmann::json::array();
  for (const TableRow& row : window) lines.push_back(json_of(row));
  return lines;
}

class WindowRun {
 public:
  WindowRun(const WindowWork& work, PartFile& part)
      : work_(work),
        part_(part),
        windows_{std::ssize(work.rows), work.batch_size},
        progress_("describing", windows_.cells, "cells", kept()) {}

  void run() {
    if (part_.steps() == 0) describe(0, windows_.first(1), 1);
    describe(kept(), windows_.cells, free_length_window);
  }

 private:
  std::int64_t kept() const { return windows_.first(part_.steps()); }

  void describe(std::int64_t first, std::int64_t end, std::int64_t length_window) {
    CellLoader loader(work_.source, work_.encoder, {work_.rows.begin() + first, work_.rows.begin() + end},
                      {work_.batch_size, length_window, 0, false});
    while (const auto batch = loader.next()) {
      std::ranges::move(work_.describe(*batch), std::back_inserter(window_));
      const std::int64_t done = kept() + std::ssize(window_);
      if (done == windows_.first(part_.steps() + 1)) {
        part_.add(json_of(window_));
        window_.clear();
      }
      progress_.update(done);
      if (work_.interrupts.asked()) stop(done);
    }
  }

  [[noreturn]] void stop(std::int64_t done) const {
    const std::string after = "interrupted after " + std::to_string(done) + " cells; ";
    if (kept() == 0) throw EnvironmentError(after + "nothing was written");
    throw EnvironmentError(after + std::to_string(kept()) + " of them are kept in " + part_.path().string() +
                           ", and the same command goes on there");
  }

  const WindowWork& work_;
  PartFile& part_;
  Windows windows_;
  Progress progress_;
  std::vector<TableRow> window_;
};

}  // namespace

void describe_windows(const WindowWork& work, PartFile& part) {
  WindowRun(work, part).run();
}

void each_described(const PartFile& part, const Table::Visit& visit) {
  part.each([&](const nlohmann::json& window) {
    for (const auto& line : window) visit(row_from(line));
  });
}

void each_cell(const PartFile& part, const SourceHandle& source, const std::vector<TableValue>& others, bool names,
               const Table::Visit& visit) {
  constexpr std::int64_t block_cells = 1024;
  std::int64_t next = 0;
  const auto visit_others = [&](std::int64_t end) {
    while (next < end) {
      std::vector<std::int64_t> rows(std::min(block_cells, end - next));
      std::iota(rows.begin(), rows.end(), next);
      const auto cells = names ? source.read(rows).names : std::vector<std::string>(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) visit({rows[i], cells[i], others});
      next += std::ssize(rows);
    }
  };
  each_described(part, [&](const TableRow& row) {
    visit_others(row.row);
    visit(row);
    next = row.row + 1;
  });
  visit_others(source.size());
}

}  // namespace cell2text::driver
