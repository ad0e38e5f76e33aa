// The baseline `nearest`: a cell gets the description of the training cell whose embedding is most like its own.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include "cell2text/baselines/types.hpp"
#include "cell2text/context.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/tensors.hpp"

namespace cell2text::nearest {

/// By cosine; of equally similar cells the first. Keeps the training cells' embeddings (float32), in memory and on
/// disk.
class Nearest {
 public:
  struct Settings {
    static void describe(auto&) {}
  };

  Nearest(const Settings&, const Context&) {}

  BaselineNeeds needs() const { return {.embeddings = true}; }

  void fit(const BaselineCells& train, const BaselineCells&) { train_NE_ = directions(train.embeddings_NE); }

  BaselineAnswers predict(const BaselineCells& cells) const {
    const Tensor cells_NE = directions(cells.embeddings_NE);
    if (cells_NE.size(1) != train_NE_.size(1))
      throw InputError("the cells' embeddings have " + std::to_string(cells_NE.size(1)) +
                       " values, and those of the training cells " + std::to_string(train_NE_.size(1)) +
                       "; both must be of one encoder");
    // No more than some 64 MB of similarities at a time, whatever the number of training cells.
    const std::int64_t step = std::max<std::int64_t>(1, 16'000'000 / std::max<std::int64_t>(1, train_NE_.size(0)));
    BaselineAnswers answers;
    for (std::int64_t first = 0; first < cells.size; first += step) {
      const Tensor some_NE = cells_NE.narrow(0, first, std::min(step, cells.size - first));
      const Tensor best = some_NE.matmul(train_NE_.t()).argmax(1).contiguous();
      answers.copied.insert(answers.copied.end(), best.data_ptr<std::int64_t>(),
                            best.data_ptr<std::int64_t>() + best.numel());
    }
    return answers;
  }

  void save(const std::filesystem::path& folder) const {
    save_tensors(folder / "nearest.safetensors", {{"directions", train_NE_}});
  }

  /// InputError: the file is missing or damaged.
  void load(const std::filesystem::path& folder) {
    const auto file = folder / "nearest.safetensors";
    train_NE_ = TensorFiles::open(file).tensor("directions");
    if (train_NE_.dim() != 2 || train_NE_.scalar_type() != torch::kFloat32)
      throw InputError(file.string() + ": 'directions' is no matrix of float32; remove the folder to fit anew");
  }

 private:
  /// Each row by its length; a row of zeros stays.
  static Tensor directions(const Tensor& values_NE) {
    return values_NE / values_NE.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  }

  Tensor train_NE_;
};

}  // namespace cell2text::nearest
