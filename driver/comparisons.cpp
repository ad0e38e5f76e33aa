// The baselines of a run and its control: predictions, scores, comparisons.json.
#include "comparisons.hpp"

#include <fmt/format.h>

#include "cell2text/baselines/compare.hpp"
#include "cell2text/baselines/shuffled.hpp"
#include "cell2text/evaluate/predictions_file.hpp"
#include "console.hpp"

namespace cell2text::driver {

namespace {

/// A system's scores under its name.
using ScoresOfSystems = std::vector<std::pair<std::string, AllScores>>;

ComparedSystem control(const TestedRun& run) {
  return {shuffled_name, "the model, each cell described from another cell's embeddings", true,
          shuffled_predictions({run.predictions.begin(), run.predictions.end()}, run.host.context.seed)};
}

std::size_t column_width(const std::string& name) {
  return std::max<std::size_t>(name.size(), 10);
}

/// The scores that compare texts with the truth, a column for each system.
std::string comparison_table(const AllScores& model, const ScoresOfSystems& systems) {
  std::string text = fmt::format("{:<38} {:>10}", "SCORE", "MODEL");
  for (const auto& [name, scores] : systems) text += fmt::format(" {:>{}}", name, column_width(name));
  text += '\n';
  const auto number = [](const Score* score, std::size_t width) {
    return score && score->value ? fmt::format(" {:>{}.4f}", *score->value, width) : fmt::format(" {:>{}}", "-", width);
  };
  for (const auto& [metric, all] : model)
    for (const Score& score : all.scores) {
      if (!score.compares || !score.value || score.unit != "fraction") continue;
      text += fmt::format("{:<38}", metric + "." + score.name) + number(&score, 10);
      for (const auto& [name, others] : systems) {
        const Score* found = nullptr;
        if (const auto other = others.find(metric); other != others.end())
          for (const Score& one : other->second.scores)
            if (one.name == score.name) found = &one;
        text += number(found, column_width(name));
      }
      text += '\n';
    }
  return text;
}

}  // namespace

std::string compare_systems(const TestedRun& run) {
  std::optional<Progress> progress;
  BaselineInputs inputs(
      run.host, run.data, run.encoder, run.experiment.generation.batch_size, [&](std::int64_t done, std::int64_t all) {
        if (!progress) progress.emplace("embedding", all, "cells");
        if (done > 0) progress->update(done);
        if (done == all) progress.reset();
        run.interrupts.check("while embedding cells for the baselines; the model is in " + run.folder.model().string() +
                             ", and the same command with --resume goes on from there");
      });
  auto list = nlohmann::ordered_json::array();
  ScoresOfSystems all;
  const auto add = [&](const ComparedSystem& system) {
    write_predictions(run.folder.predictions_of(system.name), system.cells);
    const bool tells_confidence =
        std::ranges::any_of(system.cells, [](const Prediction& one) { return !one.confidences.empty(); });
    const ScoredBy by = tells_confidence   ? ScoredBy::all
                        : system.describes ? ScoredBy::text_metrics
                                           : ScoredBy::label_metrics;
    all.emplace_back(system.name, score(run.host, run.metrics, system.cells, run.known, by));
    list.push_back({{"name", system.name},
                    {"about", system.about},
                    {"describes", system.describes},
                    {"scores", metrics_json(all.back().second)}});
    run.interrupts.check("while comparing the model with baselines; the same command with --resume goes on from there");
  };
  const auto leave_out = [&](const BaselineChoice& choice, const std::exception& error) {
    log().warning(fmt::format("baseline '{}' is left out: {}", choice.name(), error.what()));
    list.push_back({{"name", choice.name()}, {"error", error.what()}});
  };
  Baselines baselines(run.host, run.data, inputs, run.folder.baselines(), [&] { return run.interrupts.asked(); });
  for (const BaselineChoice& choice : run.experiment.baselines) {
    run.interrupts.check("before a baseline was fitted; the same command with --resume goes on from there");
    std::optional<ComparedSystem> system;
    try {
      system = baselines.run(choice, run.predictions, [](const std::string& text) { log().info(text); });
    } catch (const InputError& error) {
      leave_out(choice, error);
    } catch (const EnvironmentError& error) {
      if (run.interrupts.asked()) throw;
      leave_out(choice, error);
    }
    if (system) add(*system);
  }
  NotToldApart found;
  if (run.predictions.size() > 1) {
    add(control(run));
    found = not_told_apart(run.scores, all.back().second);
  }
  const std::string text = not_told_apart_text(found);
  if (!text.empty()) log().warning(text);
  const nlohmann::ordered_json json{
      {"systems", list}, {"not_told_apart", {{"text", text}, {"scores", found.names}, {"compared", found.compared}}}};
  write_atomically(run.folder.comparisons(), json.dump(2) + "\n");
  return comparison_table(run.scores, all);
}

}  // namespace cell2text::driver
