// LoRA against peft: its folders here, ours there, and the plain decoder that merging makes.
#include "base.hpp"
#include "cell2text/train/flat_group.hpp"
#include "decoders/llama/llama.hpp"
#include "support/difference.hpp"
#include "support/gru_decoder.hpp"

using cell2text::Tensor;
using cell2text::TensorFiles;
namespace fs = std::filesystem;
using cell2text::test::difference;
namespace test = cell2text::test;

namespace {

/// A Llama of a folder with LoRA on it.
struct Adapted {
  test::OwnedDecoder decoder;
  cell2text::Parameters parameters{torch::kCPU, torch::kFloat32, 3};
  std::unique_ptr<cell2text::lora::Lora> lora;

  Adapted(const fs::path& base, const cell2text::lora::Settings& settings) {
    cell2text::Value table;
    table.set("checkpoint", test::text(base.string()));
    decoder = test::make_decoder<cell2text::llama::Llama>(table, 1);
    const cell2text::Context context;
    cell2text::ModelContext model(context, parameters, torch::kCPU);
    lora = std::make_unique<cell2text::lora::Lora>(settings, model);
    lora->prepare({*decoder.parameters, decoder.handle->linear_layers()});
    parameters.set_trainable(true);
  }
  Tensor logits(const Tensor& ids) const {
    const auto B = ids.size(0), T = ids.size(1);
    const std::vector<std::int64_t> lengths(static_cast<std::size_t>(B), T);
    return decoder.handle->logits(
        decoder.handle->forward(decoder.handle->embed(ids), lengths, torch::arange(T).expand({B, T})));
  }
};

/// A few steps downhill, so that neither A nor B is where it started.
void train(Adapted& model, const Tensor& ids) {
  auto groups = cell2text::flat_groups({model.decoder.parameters.get(), &model.parameters});
  for (int step = 0; step < 4; ++step) {
    for (auto& group : groups) group.zero_gradients();
    const Tensor logits = model.logits(ids.slice(1, 0, -1));
    at::cross_entropy_loss(logits.flatten(0, 1), ids.slice(1, 1).flatten()).backward();
    torch::NoGradGuard no_grad;
    for (auto& group : groups) group.values().sub_(group.gradients().sign(), 0.03);
  }
  for (auto& group : groups) group.release();
}

}  // namespace

TEST_CASE("oracle: lora: folders of peft compute the same here, and ours the same there, merged or not") {
  const auto seed = test::seed();
  for (std::uint64_t round = 0; round < 3; ++round) {
    INFO("seed " << seed + round);
    const auto folder = test::oracle("lora.py", seed + round);
    const auto expected = TensorFiles::open(folder / "expected.safetensors");
    const Tensor ids = expected.tensor("ids");
    torch::NoGradGuard no_grad;

    Adapted theirs(folder / "model", {.checkpoint = (folder / "lora").string()});
    CHECK(difference(theirs.logits(ids), expected.tensor("logits")) < 1e-4);
    theirs.lora->merge();
    CHECK(difference(theirs.logits(ids), expected.tensor("merged")) < 1e-4);
    CHECK(difference(theirs.logits(ids), expected.tensor("logits")) < 1e-4);

    cell2text::lora::Settings settings{.rank = 3, .alpha = 4.0, .rslora = round % 2 == 0};
    if (round > 0) settings.target_modules = {"layers.1.*", "v_proj"};
    if (round > 1) settings = {.checkpoint = (folder / "lora").string()};  // ranks and scales that differ by layer
    Adapted ours(folder / "model", settings);
    const Tensor at_start = ours.logits(ids);
    {
      torch::AutoGradMode gradients(true);
      train(ours, ids);
    }
    const Tensor trained = ours.logits(ids);
    CHECK(difference(trained, at_start) > 0.1);
    ours.lora->save(folder / "ours");
    ours.lora->merge();
    CHECK(difference(ours.logits(ids), trained) < 1e-4);
    ours.decoder.handle->save(folder / "merged");
    const auto answer = test::oracle("lora.py", seed, {"--check", folder.path().string()});
    const auto checked = TensorFiles::open(answer / "checked.safetensors");
    CHECK(difference(checked.tensor("ours"), trained) < 1e-4);
    CHECK(difference(checked.tensor("merged"), trained) < 1e-4);
  }
}
