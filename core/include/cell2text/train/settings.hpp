// How a model is trained: the [training] table of an experiment.
#pragma once

#include <string>

#include "cell2text/cells/epoch_order.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// Defaults follow the paper where it says (Adam, StepLR gamma 0.98 per epoch, clipping).
struct TrainingSettings {
  std::int64_t epochs = 3;
  std::int64_t batch_size = 16;
  std::int64_t accumulation = 1;
  std::string optimizer = "adamw";
  double learning_rate = 2e-4;
  double weight_decay = 0.01;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  double clip_norm = 1.0;
  std::string schedule = "step";
  double gamma = 0.98;
  std::int64_t warmup_steps = 0;
  double label_smoothing = 0;
  std::string precision = "float32";
  std::string keep = "best";
  std::int64_t length_window = 8;
  std::int64_t shuffle_window = 8192;
  std::int64_t shuffle_block = 16;
  std::optional<double> given_dropout;
  std::optional<double> fraction;
  std::optional<std::int64_t> max_steps;
  double checkpoint_minutes = 10;
  std::optional<std::int64_t> checkpoint_steps;

  static void describe(auto& s) {
    using T = TrainingSettings;
    s.field("epochs", &T::epochs, {.help = "passes over the training cells", .min = 1, .max = 1e6});
    s.field("batch_size", &T::batch_size, {.help = "cells computed together", .unit = "cells", .min = 1, .max = 65536});
    s.field("accumulation", &T::accumulation,
            {.help = "batches whose gradients are summed before one optimiser step", .min = 1, .max = 65536});
    s.field("optimizer", &T::optimizer,
            {.help = "adam (weight decay joins the gradient) or adamw (decoupled)", .choices = {"adam", "adamw"}});
    s.field("learning_rate", &T::learning_rate, {.help = "at the first step after the warm-up", .min = 0, .max = 10});
    s.field("weight_decay", &T::weight_decay,
            {.help = "on matrices; vectors (norms, biases) have none. 0 = off", .min = 0, .max = 1});
    s.field("beta_1", &T::beta_1, {.help = "decay of the mean of gradients", .min = 0, .max = 0.99999});
    s.field("beta_2", &T::beta_2, {.help = "decay of the mean of squared gradients", .min = 0, .max = 0.9999999});
    s.field("epsilon", &T::epsilon, {.help = "added to the root of the second moment", .min = 0, .max = 1});
    s.field("clip_norm", &T::clip_norm, {.help = "gradients are scaled down to this L2 norm. 0 = off", .min = 0});
    s.field("schedule", &T::schedule,
            {.help = "learning rate over time: step (times gamma after each epoch), cosine (to 0 at the end), constant",
             .choices = {"step", "cosine", "constant"}});
    s.field("gamma", &T::gamma, {.help = "factor per epoch of the step schedule", .min = 0, .max = 1});
    s.field("warmup_steps", &T::warmup_steps,
            {.help = "steps over which the rate rises from 0", .unit = "steps", .min = 0});
    s.field("label_smoothing", &T::label_smoothing,
            {.help = "share of each target spread over the vocabulary. 0 = off", .min = 0, .max = 0.5});
    s.field("precision", &T::precision,
            {.help = "what training computes with: float32; or bfloat16, with copies of the decoder's trained weights, "
                     "and products that round their factors where the CPU can multiply bfloat16 (AVX-512 BF16; others "
                     "gain nothing). Values, gradients, sums and the optimiser's state stay float32",
             .choices = {"float32", "bfloat16"}});
    s.field(
        "keep", &T::keep,
        {.help = "which weights become the model: best (lowest validation loss, looked at after each epoch) or last",
         .choices = {"best", "last"}});
    s.field("length_window", &T::length_window,
            {.help = "batches within which cells are sorted by length, to save padding. 1 = off",
             .unit = "batches",
             .min = 1,
             .max = 4096});
    s.field("shuffle_window", &T::shuffle_window,
            {.help = "cells that are in memory together (twice) and shuffled among each other; where it holds all "
                     "training cells, their order is fully random. More: better mixed batches; memory, about 64 MB for "
                     "8192 cells of 1000 expressed genes",
             .unit = "cells",
             .min = 1,
             .max = 1 << 24});
    s.field("shuffle_block", &T::shuffle_block,
            {.help = "neighbouring training cells that are read together where shuffle_window does not hold all. More: "
                     "faster from a disk; cells of one kind, which stand together in most files, come in the same "
                     "window. 1: every cell is read from a place of its own",
             .unit = "cells",
             .min = 1,
             .max = 1 << 24});
    s.field("given_dropout", &T::given_dropout,
            {.help = "how often each label that prompt.user tells ({given:tissue,sex}) is hidden from a training cell, "
                     "drawn anew in each epoch, so that the model describes cells with and without it. Unset: 0.5",
             .min = 0,
             .max = 1});
    s.field("fraction", &T::fraction,
            {.help = "share of the training cells that is trained on, of each cell type its share, chosen by the "
                     "experiment's seed: for learning curves. Unset: all",
             .min = 1e-9,
             .max = 1});
    s.field("max_steps", &T::max_steps,
            {.help = "stop after this many optimiser steps, whatever epochs says", .unit = "steps", .min = 1});
    s.field("checkpoint_minutes", &T::checkpoint_minutes,
            {.help = "how often everything needed to go on with --resume is written. 0 = only when interrupted",
             .unit = "minutes",
             .min = 0});
    s.field("checkpoint_steps", &T::checkpoint_steps,
            {.help = "the same, counted in optimiser steps", .unit = "steps", .min = 1});
  }
  void validate() const {
    if (shuffle_block > shuffle_window)
      throw InputError("'training.shuffle_block' is " + std::to_string(shuffle_block) +
                       ", more than 'training.shuffle_window' (" + std::to_string(shuffle_window) +
                       "); a window of one block holds neighbours alone. Take a window of at least 100 blocks");
  }

  /// How an epoch's cells are shuffled: with windows of whole length windows, so that each is read with one call.
  ShuffleOptions shuffle() const {
    const std::int64_t together = batch_size * length_window;
    return {shuffle_block, (shuffle_window + together - 1) / together * together};
  }
};

}  // namespace cell2text
