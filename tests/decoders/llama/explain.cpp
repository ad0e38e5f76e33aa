// Attributions through a Llama, against captum's on the same checkpoint in transformers.
#include "cell2text/explain/integrated_gradients.hpp"
#include "cell2text/explain/text_span.hpp"
#include "cell2text/io/tensors.hpp"
#include "decoders/parity.hpp"
#include "llama.hpp"

using namespace cell2text;

namespace {

struct CaptumCase {
  std::string baseline;
  TextSpan span;
  double gap;          // to be reached here
  std::int64_t steps;  // of captum; 0: as many as here
};

/// Soft tokens of a cell and what they are measured from, behind and before a few tokens of a chat.
struct CaptumPrompt {
  test::OwnedDecoder made;  // outlives the model, which takes its decoder
  Model model;
  std::map<std::string, Tensor> tensors;
  std::vector<std::int64_t> text;

  CaptumPrompt(const std::filesystem::path& checkpoint, std::uint64_t seed)
      : made(test::make_decoder<llama::Llama>(test::checkpoint_table(checkpoint), seed)) {
    model.decoder = std::move(made.handle);
    model.decoder->set_training(false);
    model.pieces = {{1, 7, 9}, {4, 12}};
    torch::manual_seed(seed);
    for (const char* name : {"soft", "mean"}) tensors[name] = torch::randn({6, model.decoder->width()});
    tensors["mean"] = tensors["mean"].mean(0).expand({6, -1}).contiguous();
    tensors["zero"] = torch::zeros_like(tensors["soft"]);
    const Tensor ids = torch::randint(5, model.decoder->vocabulary_size(), {12}, torch::kInt64);
    text.assign(ids.const_data_ptr<std::int64_t>(), ids.const_data_ptr<std::int64_t>() + 12);
  }

  IntegratedGradients explain(const CaptumCase& one) const {
    IntegratedGradientsOptions options;
    options.gap = one.gap;
    return integrated_gradients(
        [&](const Tensor& points_NPD) {
          const std::vector<std::int64_t> lengths(static_cast<std::size_t>(points_NPD.size(0)), 6);
          return span_log_probabilities(model, {points_NPD, lengths}, text, one.span);
        },
        tensors.at("soft"), tensors.at(one.baseline), options);
  }
};

}  // namespace

TEST_CASE("oracle: llama: integrated gradients on soft tokens are captum's, point for point and in the limit") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto base = test::oracle("generation.py", seed);
  const CaptumPrompt prompt(base / "model", seed);
  const std::vector<CaptumCase> cases{
      {"mean", {0, 2}, 0.01, 0}, {"mean", {5, 3}, 0.01, 0}, {"mean", {11, 1}, 1e-6, 300}, {"zero", {3, 4}, 0.01, 0}};
  std::vector<IntegratedGradients> found;
  nlohmann::json asked{{"before", prompt.model.pieces.before}, {"after", prompt.model.pieces.after}};
  asked["text"] = prompt.text;
  for (const CaptumCase& one : cases) {
    found.push_back(prompt.explain(one));
    asked["cases"].push_back({{"baseline", one.baseline},
                              {"first", one.span.first},
                              {"count", one.span.count},
                              {"steps", one.steps ? one.steps : found.back().steps}});
  }
  const test::TemporaryFolder folder;
  save_tensors(folder / "given.safetensors", {prompt.tensors.begin(), prompt.tensors.end()});
  test::write_file(folder / "asked.json", asked.dump());
  const auto answered = test::oracle(
      "integrated_gradients.py", seed,
      {(base / "model").string(), (folder / "given.safetensors").string(), (folder / "asked.json").string()});
  const TensorFiles captum = TensorFiles::open(answered / "attributions.safetensors");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO("case " << i << ", " << found[i].steps << " steps, gap " << found[i].gap());
    const std::string number = std::to_string(i);
    CHECK(test::distance(found[i].attributions, captum.tensor(number + ".attributions")) < 1e-3);
    const Tensor values = captum.tensor(number + ".values");
    CHECK(std::abs(found[i].value - values[0].item<double>()) < 1e-4);
    CHECK(std::abs(found[i].baseline_value - values[1].item<double>()) < 1e-4);
    CHECK(found[i].attributions.abs().max().item<double>() > 0.01);  // there is something to compare
  }
  CHECK(found[0].complete(0.01));
  CHECK(found[1].complete(0.01));
}
