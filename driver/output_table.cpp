#include "output_table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/io/hdf5_open.hpp"
#include "h5ad_output.hpp"

namespace cell2text::driver {

namespace {

using Type = TableColumn::Type;

std::string csv_value(const TableColumn& column, const TableValue& value) {
  if (column.holds_text()) return csv_field(std::get<std::string>(value));
  const double number = std::get<double>(value);
  if (column.type == Type::truth) return number == 1 ? "true" : "false";
  if (!std::isfinite(number)) return "";
  return column.type == Type::integer ? std::to_string(static_cast<std::int64_t>(number))
                                      : fmt::format("{:.6g}", number);
}

void write_csv(const std::filesystem::path& output, const Table& table) {
  AtomicFile file(output);
  std::string header = "cell";
  for (const TableColumn& column : table.columns) header += "," + column.name;
  file.write(header + "\n");
  table.each([&](const TableRow& row) {
    std::string line = csv_field(row.cell);
    for (std::size_t i = 0; i < row.values.size(); ++i) line += "," + csv_value(table.columns[i], row.values[i]);
    file.write(line + "\n");
  });
  file.commit();
}

/// Labels that are missing are left out, as are their probabilities; what every cell has is null where it has none.
void add_member(nlohmann::ordered_json& line, const TableColumn& column, const TableValue& value) {
  const std::string key = column.name.substr(std::string_view("cell2text_").size());
  if (column.holds_text()) {
    const auto& text = std::get<std::string>(value);
    if (!text.empty() || column.name == "cell2text_description") line[key] = text;
  } else if (const double number = std::get<double>(value); column.type == Type::integer) {
    line[key] = static_cast<std::int64_t>(number);
  } else if (column.type == Type::truth) {
    line[key] = number == 1;
  } else if (!std::isnan(number) || column.name == "cell2text_log_probability") {
    line[key] = number;
  }
}

void write_jsonl(const std::filesystem::path& output, const Table& table) {
  AtomicFile file(output);
  table.each([&](const TableRow& row) {
    nlohmann::ordered_json line{{"cell", row.cell}};
    for (std::size_t i = 0; i < row.values.size(); ++i) add_member(line, table.columns[i], row.values[i]);
    file.write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  });
  file.commit();
}

/// A table as blocks of obs: looked through once for its categories, and again for the values.
class TableBlocks {
 public:
  explicit TableBlocks(const Table& table) : table_(table), codes_(table.columns.size()) {
    std::uint64_t text_bytes = 0;
    table.each([&](const TableRow& row) {
      for (std::size_t i = 0; i < codes_.size(); ++i) {
        if (!table.columns[i].holds_text()) continue;
        const auto& text = std::get<std::string>(row.values[i]);
        if (table.columns[i].type == Type::text)
          text_bytes += text.size();
        else if (!text.empty())
          codes_[i].emplace(text, 0);
      }
    });
    for (auto& column : codes_) {
      std::int32_t code = 0;
      for (auto& [text, its_code] : column) its_code = code++;
    }
    blocks_.columns = empty_block();
    for (std::size_t i = 0; i < codes_.size(); ++i)
      if (auto* labels = std::get_if<LabelColumn>(&blocks_.columns[i].values))
        for (const auto& [text, code] : codes_[i]) labels->values.push_back(text);
    blocks_.text_bytes = text_bytes;
    blocks_.each = [this](const ObsBlocks::Take& take) { each(take); };
  }
  TableBlocks(const TableBlocks&) = delete;

  /// Of use while this lives.
  const ObsBlocks& blocks() const { return blocks_; }

 private:
  static constexpr std::int64_t block_cells = 4096;

  std::vector<ObsColumn> empty_block() const {
    std::vector<ObsColumn> block;
    for (const auto& [name, type] : table_.columns) switch (type) {
        case Type::text:
          block.push_back({name, std::vector<std::string>()});
          break;
        case Type::category:
          block.push_back({name, LabelColumn()});
          break;
        case Type::integer:
          block.push_back({name, std::vector<std::int64_t>()});
          break;
        case Type::real:
          block.push_back({name, std::vector<float>()});
          break;
        case Type::truth:
          block.push_back({name, std::vector<bool>()});
          break;
      }
    return block;
  }

  void add(std::vector<ObsColumn>& block, const TableRow& row) const {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const TableValue& value = row.values[i];
      std::visit(
          [&]<class Values>(Values& values) {
            if constexpr (std::is_same_v<Values, LabelColumn>) {
              const auto& text = std::get<std::string>(value);
              values.codes.push_back(text.empty() ? -1 : codes_[i].at(text));
            } else if constexpr (std::is_same_v<Values, std::vector<std::string>>) {
              values.push_back(std::get<std::string>(value));
            } else {
              values.push_back(static_cast<typename Values::value_type>(std::get<double>(value)));
            }
          },
          block[i].values);
    }
  }

  void each(const ObsBlocks::Take& take) const {
    std::vector<ObsColumn> block = empty_block();
    table_.each([&](const TableRow& row) {
      add(block, row);
      if (block.front().size() < block_cells) return;
      take(block);
      block = empty_block();
    });
    take(block);
  }

  const Table& table_;
  std::vector<std::map<std::string, std::int32_t>> codes_;  // of columns of categories, in alphabetical order
  ObsBlocks blocks_;
};

}  // namespace

void check_output_name(const std::filesystem::path& output) {
  const auto ending = output.extension();
  if (ending != ".h5ad" && ending != ".csv" && ending != ".jsonl")
    throw InputError(output.string() + ": the output's ending is '" + ending.string() +
                     "'; it must be .h5ad, .csv or .jsonl");
}

void check_output(const TablePlace& place, const std::vector<TableColumn>& columns) {
  const AtomicFile probe(place.output);
  hdf5::refuse_locked_output(place.output);
  if (place.output.extension() != ".h5ad" || place.overwrite) return;
  H5adNames names{{}, {}, {"cell2text"}};
  for (const TableColumn& column : columns) names.obs.push_back(column.name);
  expect_new_in_output(place.source, place.input, names);
}

void write_table(const TablePlace& place, const Table& table, const Value& about) {
  hdf5::refuse_locked_output(place.output);
  if (place.output.extension() == ".csv") return write_csv(place.output, table);
  if (place.output.extension() == ".jsonl") return write_jsonl(place.output, table);
  const TableBlocks blocks(table);
  write_h5ad_output(place.source, place.input, place.output,
                    {{}, {}, {{"cell2text", about}}, place.overwrite, blocks.blocks()});
}

}  // namespace cell2text::driver
