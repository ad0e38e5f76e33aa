// The training loop on a toy problem that it can solve in a second.
#include "cell2text/train/trainer.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::EpochReport;
using cell2text::InputError;
using cell2text::Model;
using cell2text::StepReport;
using cell2text::Tensor;
using cell2text::Trainer;
using cell2text::TrainingData;
using cell2text::TrainingObserver;
using cell2text::TrainingSettings;
using cell2text::TrainingSummary;
using cell2text::Value;
namespace test = cell2text::test;

namespace {

constexpr std::int64_t cells = 24;

/// Cell r expresses two to four genes from r on; its text tells the quarter of the cells it stands in.
std::vector<std::int64_t> expressed() {
  std::vector<std::int64_t> counts;
  for (std::int64_t row = 0; row < cells; ++row) counts.push_back(2 + row % 3);
  return counts;
}

std::vector<std::int64_t> text_of(std::int64_t row) {
  return {2 + row / 6, 8, 0};
}

std::vector<std::int64_t> rows(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (std::int64_t row = first; row < last; ++row) all.push_back(row);
  return all;
}

TrainingSettings quick() {
  TrainingSettings settings;
  settings.epochs = 6, settings.batch_size = 4, settings.learning_rate = 2e-2, settings.length_window = 2;
  return settings;
}

Model small_model(std::uint64_t seed = 1, double dropout = 0) {
  Value decoder, adapter;
  decoder.set("deviation", {0.2, {}});
  adapter.set("dropout", {dropout, {}});
  return test::toy_model<test::GruDecoder>(seed, decoder, adapter);
}

std::vector<Tensor> weights(const Model& model) {
  std::vector<Tensor> all;
  for (auto* set : {model.adapter_parameters.get(), model.decoder_parameters.get()})
    for (const auto& parameter : set->list()) all.push_back(parameter.value.detach().clone());
  return all;
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!torch::equal(a[i], b[i])) return false;
  return a.size() == b.size();
}

struct Setup {
  test::TemporaryFolder folder;
  cell2text::SourceHandle source = test::toy_source(expressed());
  std::filesystem::path checkpoints() const { return folder / "checkpoints"; }
  std::filesystem::path best() const { return checkpoints() / "best.safetensors"; }
};

TrainingSummary train(Model& model, const TrainingSettings& settings, const TrainingObserver& observer = {},
                      std::uint64_t seed = 3) {
  Setup setup;
  return Trainer(model, settings, seed, setup.checkpoints()).run({setup.source, text_of, rows(0, cells), {}}, observer);
}

}  // namespace

TEST_CASE("trainer: the loss of a solvable problem falls, and the reports add up") {
  Model model = small_model();
  TrainingSettings settings = quick();
  settings.accumulation = 4;  // 6 batches an epoch: steps of 4 and 2 batches
  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;
  TrainingObserver observer;
  observer.step = [&](const StepReport& report) { steps.push_back(report); };
  observer.epoch = [&](const EpochReport& report) { epochs.push_back(report); };
  settings.epochs = 20;
  const auto summary = train(model, settings, observer);
  CHECK(summary.steps == 40);
  CHECK(summary.epochs == 20);
  CHECK(!summary.stopped);
  REQUIRE(steps.size() == 40);
  CHECK(steps.front().loss > 2.5);
  CHECK(steps.back().loss < 1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].step == static_cast<std::int64_t>(i) + 1);
    CHECK(steps[i].total_steps == 40);
    CHECK(steps[i].epoch == static_cast<std::int64_t>(i) / 2 + 1);
    CHECK(steps[i].cells == (i % 2 == 0 ? 16 : 8));
    CHECK(steps[i].tokens == 3 * steps[i].cells);
    CHECK(steps[i].gradient_norm > 0);
    CHECK(steps[i].loss == summary.losses[i]);
  }
  CHECK(steps[2].learning_rate == doctest::Approx(2e-2 * 0.98));
  REQUIRE(epochs.size() == 20);
  CHECK(epochs[0].training_loss == doctest::Approx((steps[0].loss * 16 + steps[1].loss * 8) / 24));
  CHECK(!epochs[0].validation_loss);
  for (const auto& parameter : model.decoder_parameters->list()) CHECK(!parameter.value.requires_grad());
}

TEST_CASE("trainer: a window that holds all cells changes nothing, a smaller one the order alone") {
  TrainingSettings settings = quick();
  settings.epochs = 2;
  std::vector<std::int64_t> read;
  const auto losses = [&](std::int64_t window, std::int64_t block) {
    settings.shuffle_window = window, settings.shuffle_block = block;
    Model model = small_model();
    TrainingObserver observer;
    observer.epoch = [&](const EpochReport& report) {
      read.push_back(report.reading.cells);
      CHECK(report.reading.cells_per_second() > 0);
    };
    return train(model, settings, observer).losses;
  };
  const auto expected = losses(8192, 16);
  CHECK(losses(cells, 1) == expected);
  CHECK(losses(cells - 1, 3) == expected);  // windows of whole length windows, here of 8 cells: that of 24 holds all
  const auto in_blocks = losses(8, 4);
  CHECK(in_blocks != expected);
  CHECK(in_blocks.size() == expected.size());
  CHECK(read == std::vector<std::int64_t>(8, cells));
}

TEST_CASE("training settings: the shuffle window is of whole length windows, and a block is no larger") {
  TrainingSettings settings;
  CHECK(settings.shuffle().window == 8192);
  CHECK(settings.shuffle().block == 16);
  settings.batch_size = 6;
  CHECK(settings.shuffle().window == 8208);
  settings.length_window = 4096;
  CHECK(settings.shuffle().window == 6 * 4096);
  settings.shuffle_window = 15;
  CHECK_THROWS_WITH_AS(settings.validate(),
                       doctest::Contains("'training.shuffle_block' is 16, more than 'training.shuffle_window' (15)"),
                       InputError);
  settings.shuffle_block = 15;
  settings.validate();
}

TEST_CASE("trainer: accumulated batches are one large batch") {
  TrainingSettings settings = quick();
  settings.epochs = 1, settings.batch_size = 24, settings.length_window = 1;
  settings.epsilon = 1e-3;  // or a gradient that is noise around zero would step as far as any other
  Model one = small_model(), other = small_model();
  const auto whole = train(one, settings);
  settings.batch_size = 4, settings.accumulation = 6;
  const auto parts = train(other, settings);
  CHECK(whole.losses[0] == doctest::Approx(parts.losses[0]).epsilon(1e-6));
  const auto a = weights(one), b = weights(other);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK((a[i] - b[i]).abs().max().item<double>() < 1e-4);
}

TEST_CASE("trainer: the best epoch's weights are kept, or the last ones where asked") {
  // Validation cells tell letters that no training cell does: the surer the model, the larger their loss.
  const auto text = [](std::int64_t row) { return row < 18 ? text_of(row) : std::vector<std::int64_t>{15, 16, 0}; };
  for (const std::string keep : {"best", "last"}) {
    INFO(keep);
    Setup setup;
    Model model = small_model();
    TrainingSettings settings = quick();
    settings.keep = keep, settings.epochs = 14, settings.learning_rate = 4e-2;
    std::vector<std::vector<Tensor>> snapshots;
    std::vector<double> losses;
    std::vector<bool> best;
    TrainingObserver observer;
    observer.epoch = [&](const EpochReport& report) {
      snapshots.push_back(weights(model));
      losses.push_back(report.validation_loss.value());
      best.push_back(report.best);
    };
    const TrainingData data{setup.source, text, rows(0, 18), rows(18, 24)};
    Trainer trainer(model, settings, 3, setup.checkpoints());
    const auto summary = trainer.run(data, observer);
    const auto least = std::ranges::min_element(losses) - losses.begin();
    REQUIRE(least < 13);  // or the test would not tell best from last
    CHECK(summary.best_epoch == least + 1);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      const bool is_best =
          i == 0 || losses[i] < *std::min_element(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK(bool(best[i]) == is_best);
    }
    const bool keeps_best = settings.keep == "best";
    CHECK(same(weights(model), keeps_best ? snapshots[least] : snapshots.back()));
    CHECK(trainer.validate(data).mean() == doctest::Approx(keeps_best ? losses[least] : losses.back()));
    CHECK(std::filesystem::exists(setup.best()) == keeps_best);
  }
}

TEST_CASE("trainer: prompts tell what is given of each cell in its epoch, and validation the same after each") {
  Setup setup;
  Model model = small_model();
  model.tell_given = [&](const cell2text::GivenLabels& given) {
    return model.decoder->chat({"ab", cell2text::given_text({"sex"}, given)});
  };
  std::map<std::int64_t, std::vector<std::int64_t>> asked;  // by epoch
  std::vector<std::int64_t> validated;
  const auto given = [&](std::int64_t row, std::int64_t epoch) {
    row < 18 ? asked[epoch].push_back(row) : validated.push_back(row);
    if (row >= 18) CHECK(epoch == 0);
    return row % 2 ? cell2text::GivenLabels{{"sex", "male"}} : cell2text::GivenLabels{};
  };
  TrainingSettings settings = quick();
  settings.epochs = 3, settings.accumulation = 2;
  const TrainingData data{setup.source, text_of, rows(0, 18), rows(18, 24), given};
  Trainer trainer(model, settings, 3, setup.checkpoints());
  trainer.run(data, {});
  REQUIRE(asked.size() == 3);
  for (auto& [epoch, cells_of_it] : asked) {
    std::ranges::sort(cells_of_it);
    CHECK(cells_of_it == rows(0, 18));
  }
  CHECK(validated.size() == 3 * 6);
  const double told = trainer.validate(data).mean();
  const TrainingData untold{setup.source, text_of, rows(0, 18), rows(18, 24)};
  CHECK(std::abs(told - trainer.validate(untold).mean()) > 1e-4);
}

TEST_CASE("trainer: max_steps ends training in the middle of an epoch") {
  Model model = small_model();
  TrainingSettings settings = quick();
  settings.max_steps = 8, settings.schedule = "cosine";
  std::vector<double> rates;
  TrainingObserver observer;
  observer.step = [&](const StepReport& report) {
    CHECK(report.total_steps == 8);
    rates.push_back(report.learning_rate);
  };
  const auto summary = train(model, settings, observer);
  CHECK(summary.steps == 8);
  CHECK(summary.epochs == 2);
  CHECK(!summary.stopped);
  CHECK(rates[4] == doctest::Approx(1e-2));  // half of the way down
}

TEST_CASE("trainer: the observer can stop it after any step") {
  Model model = small_model();
  TrainingObserver observer;
  int asked = 0;
  observer.stop = [&] { return ++asked == 3; };
  const auto summary = train(model, quick(), observer);
  CHECK(summary.steps == 3);
  CHECK(summary.stopped);
  CHECK(summary.epochs == 0);
}

TEST_CASE("trainer: the same seed gives the same losses bit for bit, dropout included") {
  const auto losses = [](std::uint64_t seed) {
    torch::manual_seed(test::seed());  // what was drawn before must not matter
    Model model = small_model(1, 0.3);
    TrainingSettings settings = quick();
    settings.epochs = 2;
    return train(model, settings, {}, seed).losses;
  };
  const auto first = losses(3);
  CHECK(first == losses(3));
  CHECK(first != losses(4));
}

TEST_CASE("trainer: a frozen encoder stays as it is, another one is trained") {
  for (const bool frozen : {true, false}) {
    Model model = small_model();
    model.encoder_frozen = frozen;
    model.encoder_parameters->set_trainable(!frozen);
    const Tensor before = model.encoder_parameters->find("table")->value.clone();
    TrainingSettings settings = quick();
    settings.epochs = 1;
    train(model, settings);
    CHECK(torch::equal(before, model.encoder_parameters->find("table")->value) == frozen);
  }
}

namespace {

/// Values that are right with gradients that are not numbers: the root of zero.
struct BadGradients : test::GruDecoder {
  using GruDecoder::GruDecoder;
  Tensor forward(const Tensor& x, const std::vector<std::int64_t>& lengths, const Tensor& positions,
                 State* state) const {
    return GruDecoder::forward(x, lengths, positions, state) + (x * 0).abs().sqrt();
  }
};

}  // namespace

TEST_CASE("trainer: numbers that are not finite end training with advice") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Model model = small_model();
  model.adapter_parameters->list().front().value.fill_(nan);
  CHECK_THROWS_WITH_AS(
      train(model, quick()),
      doctest::Contains("the loss is not finite after 0 steps; lower training.learning_rate (now 0.02)"), InputError);
  Model bad = test::toy_model<BadGradients>(1);
  CHECK_THROWS_WITH_AS(train(bad, quick()), doctest::Contains("the gradient norm is not finite"), InputError);

  Setup setup;
  Model validated = small_model();
  validated.encoder_parameters->find("table")->value[25].fill_(nan);  // a gene of the last cells alone
  CHECK_THROWS_WITH_AS(
      Trainer(validated, quick(), 1, setup.checkpoints()).run({setup.source, text_of, rows(0, 12), rows(18, 24)}, {}),
      doctest::Contains("the validation loss is not finite"), InputError);
}

TEST_CASE("trainer: no cell to train on is refused") {
  Setup setup;
  Model model = small_model();
  CHECK_THROWS_WITH_AS(Trainer(model, quick(), 1, setup.checkpoints()).run({setup.source, text_of, {}, {}}, {}),
                       doctest::Contains("no cell is left"), InputError);
}
