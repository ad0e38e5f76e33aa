// Boosted trees: trained on features with early stopping, asked for probabilities, kept as LightGBM's text.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binned_cells.hpp"
#include "cell2text/baselines/types.hpp"
#include "library.hpp"

namespace cell2text::lightgbm {

struct TreeOptions {
  std::string bins;        ///< LightGBM's parameters of data sets, the same for all targets
  std::string parameters;  ///< and of boosters
  std::int64_t trees = 0, patience = 0;
};

/// One booster. Movable; holds no training data.
class Trees {
 public:
  explicit Trees(std::shared_ptr<const Library> library) : library_(std::move(library)) {}

  /// Rounds of boosting until `patience` of them have not lowered the loss of the validation cells; the best ones are
  /// kept. Without validation cells (null) all `trees` are. The cells have their truth. False where `stop` said to
  /// leave off; nothing is learned then. InputError: the validation loss is no number.
  bool train(const Dataset& cells, const Dataset* validation, const TreeOptions& options, const StopQuestion& stop) {
    Handle booster(*library_);
    library_->check(library_->booster_create(cells.get(), options.parameters.c_str(), booster.out()), "start training");
    if (validation)
      library_->check(library_->booster_add_valid_data(booster.get(), validation->get()), "take validation cells");
    double lowest = std::numeric_limits<double>::infinity();
    std::int64_t best = 0;
    for (std::int64_t round = 1; round <= options.trees; ++round) {
      if (stop()) return false;
      int finished = 0;
      library_->check(library_->booster_update_one_iter(booster.get(), &finished), "add a tree");
      if (finished && round > 1) break;  // no split is left to make, and LightGBM has taken the round back
      const double loss = validation ? loss_of(booster) : -static_cast<double>(round);
      if (loss < lowest)
        lowest = loss, best = round;
      else if (round - best >= options.patience)
        break;
      if (finished) break;
    }
    if (best == 0) throw InputError("LightGBM: the validation loss is not a number from the first tree on");
    rounds_ = best;
    set_model(text_of(booster, best));
    return true;
  }

  std::int64_t rounds() const { return rounds_; }

  /// Probabilities [rows x outputs], row by row: one output for two classes, else one per class.
  std::vector<double> probabilities(const Features& features, std::int64_t outputs,
                                    const std::string& parameters) const {
    std::vector<double> out(static_cast<std::size_t>(features.rows * outputs));
    if (out.empty()) return out;
    std::int64_t written = 0;
    const int status =
        features.sparse()
            ? library_->booster_predict_for_csr(
                  booster_.get(), features.row_starts.data(), api::int64, features.indices.data(),
                  features.values.data(), api::float32, std::ssize(features.row_starts), std::ssize(features.values),
                  features.columns, api::predict_normal, 0, -1, parameters.c_str(), &written, out.data())
            : library_->booster_predict_for_mat(booster_.get(), features.dense.data(), api::float32,
                                                static_cast<std::int32_t>(features.rows),
                                                static_cast<std::int32_t>(features.columns), 1, api::predict_normal, 0,
                                                -1, parameters.c_str(), &written, out.data());
    library_->check(status, "predict");
    if (written != std::ssize(out))
      throw BugError("LightGBM gave " + std::to_string(written) + " probabilities; expected " +
                     std::to_string(out.size()));
    return out;
  }

  const std::string& model() const { return model_; }

  /// EnvironmentError where the text is none of LightGBM's.
  void set_model(std::string model) {
    Handle booster(*library_);
    int rounds = 0;
    library_->check(library_->booster_load_model_from_string(model.c_str(), &rounds, booster.out()), "read a model");
    rounds_ = rounds;
    booster_ = std::move(booster), model_ = std::move(model);
  }

 private:
  /// Owns a booster.
  class Handle {
   public:
    Handle() = default;
    explicit Handle(const Library& library) : library_(&library) {}
    Handle(Handle&& other) noexcept : library_(other.library_), booster_(std::exchange(other.booster_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(library_, other.library_), std::swap(booster_, other.booster_);
      return *this;
    }
    ~Handle() {
      if (booster_) library_->booster_free(booster_);
    }
    api::Booster get() const { return booster_; }
    api::Booster* out() { return &booster_; }

   private:
    const Library* library_ = nullptr;
    api::Booster booster_ = nullptr;
  };

  double loss_of(const Handle& booster) const {
    int results = 0;
    double loss = 0;
    library_->check(library_->booster_get_eval(booster.get(), 1, &results, &loss), "look at the validation cells");
    if (results != 1) throw BugError("LightGBM has " + std::to_string(results) + " metrics; one was asked for");
    return loss;
  }

  std::string text_of(const Handle& booster, std::int64_t rounds) const {
    std::int64_t needed = 0;
    std::string text(1 << 20, '\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
      library_->check(
          library_->booster_save_model_to_string(booster.get(), 0, static_cast<int>(rounds), api::importance_split,
                                                 std::ssize(text), &needed, text.data()),
          "write a model");
      if (needed <= std::ssize(text)) break;
      text.resize(static_cast<std::size_t>(needed));
    }
    text.resize(static_cast<std::size_t>(needed > 0 ? needed - 1 : 0));  // without the final zero
    return text;
  }

  std::shared_ptr<const Library> library_;
  Handle booster_;
  std::string model_;
  std::int64_t rounds_ = 0;
};

}  // namespace cell2text::lightgbm
