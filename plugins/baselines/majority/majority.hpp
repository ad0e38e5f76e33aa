// The baseline `majority`: every cell gets the same description, that of a training cell with the most frequent labels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"

namespace cell2text::majority {

/// The most frequent value of each label (of equally frequent ones the first in the alphabet), and the description of
/// the first training cell that has them: all, or else the cell type, then the tissue, then the disease and so on.
class Majority {
 public:
  struct Settings {
    static void describe(auto&) {}
  };

  Majority(const Settings&, const Context&) {}

  BaselineNeeds needs() const { return {.labels = true}; }

  void fit(const BaselineCells& train, const BaselineCells&) {
    values_.clear();
    std::vector<std::int32_t> codes;
    for (const LabelColumn& column : train.labels) {
      codes.push_back(most_frequent(column));
      values_.emplace_back(column.name, codes.back() < 0 ? "" : column.values[codes.back()]);
    }
    const auto agreement = [&](std::int64_t cell) {
      std::vector<bool> agrees;
      for (std::size_t label = 0; label < codes.size(); ++label)
        agrees.push_back(train.labels[label].codes[cell] == codes[label]);
      return agrees;
    };
    cell_ = 0;
    std::vector<bool> best = agreement(0);
    for (std::int64_t cell = 1; cell < train.size; ++cell)
      if (auto agrees = agreement(cell); agrees > best) best = std::move(agrees), cell_ = cell;
  }

  BaselineAnswers predict(const BaselineCells& cells) const {
    const auto size = static_cast<std::size_t>(cells.size);
    BaselineAnswers answers;
    for (const auto& [label, value] : values_)
      answers.labels.push_back({label, {value}, std::vector<std::int32_t>(size, value.empty() ? -1 : 0)});
    answers.copied.assign(size, cell_);
    return answers;
  }

  void save(const std::filesystem::path& folder) const {
    nlohmann::ordered_json json{{"training_cell", cell_}, {"labels", nlohmann::ordered_json::array()}};
    for (const auto& [label, value] : values_) json["labels"].push_back({{"name", label}, {"value", value}});
    write_atomically(folder / "majority.json", json.dump(2) + "\n");
  }

  /// InputError: the file is missing or damaged.
  void load(const std::filesystem::path& folder) {
    const auto file = folder / "majority.json";
    const nlohmann::json json = read_json(file);
    cell_ = required<std::int64_t>(json, "training_cell", file.string());
    values_.clear();
    for (const auto& label : required<std::vector<nlohmann::json>>(json, "labels", file.string()))
      values_.emplace_back(required<std::string>(label, "name", file.string()),
                           required<std::string>(label, "value", file.string()));
  }

 private:
  static std::int32_t most_frequent(const LabelColumn& column) {
    std::vector<std::int64_t> cells(column.values.size());
    for (const std::int32_t code : column.codes)
      if (code >= 0) ++cells[code];
    std::int32_t best = -1;
    for (std::int32_t code = 0; code < std::ssize(cells); ++code) {
      if (cells[code] == 0) continue;
      if (best < 0 || cells[code] > cells[best] ||
          (cells[code] == cells[best] && column.values[code] < column.values[best]))
        best = code;
    }
    return best;
  }

  std::vector<std::pair<std::string, std::string>> values_;  // label and its most frequent value
  std::int64_t cell_ = 0;
};

}  // namespace cell2text::majority
