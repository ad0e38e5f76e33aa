// What a baseline that predicts labels learns: for each label one class of a cell, for pathways several. Any classifier
// of these can be put in; LabelModels does what they all have to do.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"

namespace cell2text {

/// One thing to learn. `several`: a cell may have more than one of the classes (pathways), else it has one.
struct Target {
  std::string name;
  std::vector<std::string> classes;
  bool several = false;

  std::int64_t size() const { return static_cast<std::int64_t>(classes.size()); }
};

inline constexpr const char* pathways_target = "pathways";

/// Which cells a target's truth is known of, and what it is.
struct KnownTruth {
  std::vector<std::int64_t> places;
  Tensor truth;  ///< int64 [N] classes; with `several` float32 [N,C], 1 where a class holds
};

/// Cells with what is true of them; cells of which it is not known are left out.
struct Examples {
  std::shared_ptr<const BaselineCells> cells;  ///< to look at the features of; targets may share them
  Tensor truth;                                ///< as in KnownTruth
};

namespace baselines_detail {

/// Some cells of a batch in CSR.
inline CellBatch cells_at(const CellBatch& all, const std::vector<std::int64_t>& places) {
  CellBatch out{all.genes, {}, {}, {0}, {}, {}, {}};
  for (const std::int64_t place : places) {
    const auto columns = all.columns_of(place);
    const auto counts = all.counts_of(place);
    out.rows.push_back(all.rows[place]), out.names.push_back(all.names[place]), out.totals.push_back(all.totals[place]);
    out.columns.insert(out.columns.end(), columns.begin(), columns.end());
    out.counts.insert(out.counts.end(), counts.begin(), counts.end());
    out.row_starts.push_back(static_cast<std::int64_t>(out.columns.size()));
  }
  return out;
}

/// The features of some cells, ascending. Where these are all of them nothing is copied, and `all` must outlive the
/// result.
inline std::shared_ptr<const BaselineCells> features_at(const BaselineCells& all,
                                                        const std::vector<std::int64_t>& places) {
  if (std::ssize(places) == all.size) return {std::shared_ptr<const BaselineCells>(), &all};
  auto out = std::make_shared<BaselineCells>();
  out->size = std::ssize(places);
  if (all.embeddings_NE.defined())
    out->embeddings_NE = all.embeddings_NE.index_select(0, torch::tensor(places, torch::kInt64));
  if (all.counts.genes) out->counts = cells_at(all.counts, places);
  return out;
}

inline std::optional<std::int64_t> class_of(const Target& target, const std::string& value) {
  const auto found = std::ranges::find(target.classes, value);
  if (found == target.classes.end()) return std::nullopt;
  return found - target.classes.begin();
}

/// The classes of a column's codes, -1 where it has none.
inline std::vector<std::int64_t> classes_of(const Target& target, const LabelColumn& column) {
  std::vector<std::int64_t> class_of_code, classes;
  for (const std::string& value : column.values) class_of_code.push_back(class_of(target, value).value_or(-1));
  for (const std::int32_t code : column.codes) classes.push_back(code < 0 ? -1 : class_of_code[code]);
  return classes;
}

}  // namespace baselines_detail

/// The labels and pathways that training cells have, classes in alphabetical order. InputError where there are none.
inline std::vector<Target> targets_of(const BaselineCells& train) {
  std::vector<Target> targets;
  const auto add = [&](Target target, const std::vector<LabelColumn>& columns) {
    for (const LabelColumn& column : columns)
      for (const std::int32_t code : column.codes)
        if (code >= 0) target.classes.push_back(column.values[code]);
    std::ranges::sort(target.classes);
    const auto rest = std::ranges::unique(target.classes);
    target.classes.erase(rest.begin(), rest.end());
    if (!target.classes.empty()) targets.push_back(std::move(target));
  };
  for (const LabelColumn& column : train.labels) add({column.name, {}, false}, {column});
  add({pathways_target, {}, true}, train.pathways);
  if (targets.empty())
    throw InputError(
        "no training cell has a known label, so there is nothing to learn; name the columns of the labels "
        "in [descriptions]");
  return targets;
}

/// The cells of which the target's truth is known. In other cells than those of `targets_of`, classes may occur that
/// were never trained; cells of such a class are left out, and such a pathway counts as not active.
inline KnownTruth truth_of(const BaselineCells& cells, const Target& target) {
  using namespace baselines_detail;
  std::vector<std::int64_t> places;
  if (!target.several) {
    std::vector<std::int64_t> truth;
    for (const LabelColumn& column : cells.labels) {
      if (column.name != target.name) continue;
      const auto classes = classes_of(target, column);
      for (std::int64_t i = 0; i < cells.size; ++i)
        if (classes[i] >= 0) places.push_back(i), truth.push_back(classes[i]);
    }
    return {std::move(places), torch::tensor(truth, torch::kInt64)};
  }
  for (std::int64_t i = 0; i < cells.size; ++i)
    if (std::ranges::any_of(cells.pathways, [i](const LabelColumn& column) { return column.codes[i] >= 0; }))
      places.push_back(i);
  Tensor active_NC = torch::zeros({std::ssize(places), target.size()}, torch::kFloat32);
  auto* const active = active_NC.data_ptr<float>();
  for (const LabelColumn& column : cells.pathways) {
    const auto classes = classes_of(target, column);
    for (std::size_t i = 0; i < places.size(); ++i)
      if (const std::int64_t one = classes[places[i]]; one >= 0)
        active[static_cast<std::int64_t>(i) * target.size() + one] = 1;
  }
  return {std::move(places), active_NC};
}

/// These cells with that truth. `cells` must outlive the result.
inline Examples examples_of(const BaselineCells& cells, const Target& target) {
  KnownTruth known = truth_of(cells, target);
  return {baselines_detail::features_at(cells, known.places), std::move(known.truth)};
}

/// A classifier for each target. `Classifier` offers, with N cells and C classes of its target:
///   fit(train, validation, stop)   Examples; there may be no validation cells. Once `stop` says yes it may end anyhow
///   scores(cells) const            [N,C], the larger the likelier
///   save(folder) const, load(folder)   in files that begin with the target's name
/// and is made by make(target). A target with one class needs none: it is the answer for every cell.
template <class Classifier>
class LabelModels {
 public:
  /// Targets whose truth is known of the same cells come one after the other and share these cells, so that what a
  /// classifier makes of the features can serve all of them.
  template <class Make>
  void fit(const BaselineCells& train, const BaselineCells& validation, const Make& make, const StopQuestion& stop) {
    models_.clear();
    std::vector<KnownTruth> known;
    for (Target& target : targets_of(train)) {
      known.push_back(truth_of(train, target));
      models_.push_back({std::move(target), {}});
    }
    std::vector<bool> done(models_.size());
    for (std::size_t first = 0; first < models_.size(); ++first) {
      if (done[first]) continue;
      const auto cells = baselines_detail::features_at(train, known[first].places);
      for (std::size_t i = first; i < models_.size(); ++i) {
        if (done[i] || known[i].places != known[first].places) continue;
        done[i] = true;
        const Target& target = models_[i].target;
        if (target.size() < 2) continue;
        if (stop()) return;
        models_[i].classifier.emplace(make(target));
        models_[i].classifier->fit({cells, known[i].truth}, examples_of(validation, target), stop);
      }
    }
  }

  /// The likeliest class of each label, and the two likeliest pathways.
  BaselineAnswers predict(const BaselineCells& cells) const {
    BaselineAnswers answers;
    for (const Model& model : models_) {
      const Target& target = model.target;
      const std::int64_t C = target.size(), wanted = target.several ? std::min<std::int64_t>(2, C) : 1;
      Tensor best = torch::zeros({cells.size, wanted}, torch::kInt64);
      if (model.classifier && cells.size > 0) {
        const Tensor scores_NC = model.classifier->scores(cells);
        expect_shape(scores_NC, {cells.size, C}, "scores of a baseline");
        best = std::get<1>(scores_NC.sort(/*stable=*/true, 1, /*descending=*/true)).narrow(1, 0, wanted).contiguous();
      }
      for (std::int64_t i = 0; i < wanted; ++i) {
        LabelColumn column{target.several ? "pathway_" + std::to_string(i + 1) : target.name, target.classes, {}};
        for (std::int64_t cell = 0; cell < cells.size; ++cell)
          column.codes.push_back(static_cast<std::int32_t>(best.data_ptr<std::int64_t>()[cell * wanted + i]));
        (target.several ? answers.pathways : answers.labels).push_back(std::move(column));
      }
    }
    return answers;
  }

  void save(const std::filesystem::path& folder) const {
    auto list = nlohmann::ordered_json::array();
    for (const Model& model : models_) {
      list.push_back(
          {{"name", model.target.name}, {"several", model.target.several}, {"classes", model.target.classes}});
      if (model.classifier) model.classifier->save(folder);
    }
    write_atomically(folder / "targets.json", list.dump(2) + "\n");
  }

  /// InputError: a file is missing or damaged.
  template <class Make>
  void load(const std::filesystem::path& folder, const Make& make) {
    models_.clear();
    const auto file = folder / "targets.json";
    for (const auto& item : read_json(file)) {
      Model model{{required<std::string>(item, "name", file.string()),
                   required<std::vector<std::string>>(item, "classes", file.string()),
                   required<bool>(item, "several", file.string())},
                  {}};
      if (model.target.size() > 1) {
        model.classifier.emplace(make(model.target));
        model.classifier->load(folder);
      }
      models_.push_back(std::move(model));
    }
  }

 private:
  struct Model {
    Target target;
    std::optional<Classifier> classifier;
  };
  std::vector<Model> models_;
};

}  // namespace cell2text
