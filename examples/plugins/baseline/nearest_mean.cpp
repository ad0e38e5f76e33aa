// A baseline from outside the repository: the mean embedding of the training cells of each label's values; a cell gets
// the value whose mean is nearest.
#include <cell2text/plugin.hpp>
namespace nearest_mean_plugin {
using cell2text::BaselineAnswers, cell2text::BaselineCells, cell2text::LabelColumn, cell2text::Tensor;

class Baseline {
 public:
  struct Settings {
    bool unit_length = false;
    static void describe(auto& s) {
      s.field("unit_length", &Settings::unit_length, {.help = "scale embeddings to length one first"});
    }
  };

  Baseline(const Settings& settings, const cell2text::Context&) : settings_(settings) {}

  cell2text::BaselineNeeds needs() const { return {.embeddings = true, .labels = true}; }

  void fit(const BaselineCells& train, const BaselineCells&) {
    labels_.clear();
    for (const LabelColumn& column : train.labels) {
      Label label{column.name, {}, {}};
      std::vector<Tensor> means;
      const Tensor codes_N = torch::tensor(column.codes, torch::kInt32);
      for (std::size_t value = 0; value < column.values.size(); ++value) {
        const Tensor rows = codes_N.eq(static_cast<std::int64_t>(value)).nonzero().squeeze(1);
        if (rows.numel() == 0) continue;
        means.push_back(embeddings(train).index_select(0, rows).mean(0));
        label.values.push_back(column.values[value]);
      }
      label.means_CE = torch::stack(means);
      labels_.push_back(std::move(label));
    }
  }

  BaselineAnswers predict(const BaselineCells& cells) const {
    BaselineAnswers answers;
    for (const Label& label : labels_) {
      LabelColumn column{label.name, label.values, {}};
      const Tensor nearest_N = torch::cdist(embeddings(cells), label.means_CE).argmin(1);
      for (std::int64_t cell = 0; cell < cells.size; ++cell)
        column.codes.push_back(static_cast<std::int32_t>(nearest_N[cell].item<std::int64_t>()));
      answers.labels.push_back(std::move(column));
    }
    return answers;
  }

  /// The means by label; the names of the values stand in the file's metadata, one a line.
  void save(const std::filesystem::path& folder) const {
    std::vector<std::pair<std::string, Tensor>> tensors;
    std::map<std::string, std::string> names;
    for (const Label& label : labels_) {
      tensors.emplace_back(label.name, label.means_CE);
      for (const std::string& value : label.values) names[label.name] += value + "\n";
    }
    cell2text::save_tensors(folder / "means.safetensors", tensors, names);
  }
  void load(const std::filesystem::path& folder) {
    const auto files = cell2text::TensorFiles::open(folder / "means.safetensors");
    labels_.clear();
    for (const std::string& name : files.names()) {
      Label label{name, {}, files.tensor(name).clone()};
      const std::string& values = files.metadata().at(name);
      for (std::size_t at = 0; at < values.size(); at = values.find('\n', at) + 1)
        label.values.push_back(values.substr(at, values.find('\n', at) - at));
      labels_.push_back(std::move(label));
    }
  }

 private:
  struct Label {
    std::string name;
    std::vector<std::string> values;
    Tensor means_CE;
  };
  Tensor embeddings(const BaselineCells& cells) const {
    if (!settings_.unit_length) return cells.embeddings_NE;
    return cells.embeddings_NE / cells.embeddings_NE.norm(2, 1, true).clamp_min(1e-12);
  }
  Settings settings_;
  std::vector<Label> labels_;
};
}  // namespace nearest_mean_plugin

CELL2TEXT_PLUGIN(baseline, "nearest_mean", nearest_mean_plugin::Baseline, "The value of the nearest mean embedding.")
