// What is checked of a fine-tuning strategy, on a small base of its own: four linear layers with biases, called q_proj,
// k_proj, v_proj and o_proj as the projections of attention are.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/conformance/gradient_checks.hpp"
#include "cell2text/nn/layers.hpp"

namespace cell2text::conformance {

/// A stand-in for a decoder.
class TunedBase {
 public:
  static constexpr std::int64_t width = 24;

  explicit TunedBase(std::uint64_t seed = 5)
      : parameters_(std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, seed)) {
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      layers_.push_back(std::make_unique<LinearSlot>(
          declare_linear(*parameters_, std::string("model.layers.0.self_attn.") + name, {width, width})));
  }
  Parameters& parameters() const { return *parameters_; }
  DecoderView view() const {
    DecoderView view{*parameters_, {}};
    for (const auto& layer : layers_) view.linear_layers.push_back(layer.get());
    return view;
  }
  /// Of 5 made-up rows.
  Tensors outputs(std::uint64_t number) const {
    const Tensor x = normal({5, width}, number);
    const auto layer = [&](std::size_t i, const Tensor& y) { return (*layers_[i])(y, false); };
    return {layer(3, at::sigmoid(layer(0, x) * layer(1, x)) * layer(2, x))};
  }

 private:
  std::unique_ptr<Parameters> parameters_;
  std::vector<std::unique_ptr<LinearSlot>> layers_;
};

template <>
struct Suite<kinds::finetuning> {
  using Kind = kinds::finetuning;

  /// Members are destroyed in reverse: the strategy before what it was attached to.
  struct Object {
    TunedBase base;
    Built<Kind> tuning;

    std::vector<Parameters*> sets() const { return {&base.parameters(), tuning.parameters.get()}; }
    /// As training would: a few small steps on what claims to be trained.
    void train() {
      expect_gradients(sets(), [this](std::uint64_t round) { return base.outputs(round); });
      for (Parameters* set : sets())
        for (Parameter& parameter : set->list()) parameter.value = parameter.value.detach();
    }
  };

  /// The strategy, prepared for the base as the core does it.
  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    Object made{TunedBase(), build<Kind>(subject, settings, seed)};
    made.tuning->prepare(made.base.view());
    made.base.parameters().widen_trainable();
    made.tuning.parameters->set_trainable(true);
    return made;
  }
  static Tensors outputs(Object& object, std::uint64_t number) { return object.base.outputs(number); }

  static std::vector<Check> checks() {
    return {{"trained", "the weights that were trained are thrown away, or frozen ones are written whole", &trained},
            {"gradients", why_gradients, &gradients},
            {"saving", why_saving, &saving},
            {"merging", "a merged model, which other programs open, describes cells otherwise", &merging}};
  }

 private:
  static void trained(Subject& subject) {
    const Object object = make(subject, subject.settings, 1);
    bool of_base = false;
    for (const Parameter& parameter : object.base.parameters().list()) of_base = of_base || parameter.trainable;
    const bool own = !object.tuning.parameters->list().empty();
    expect(of_base || own, "nothing is trained: no parameter of the decoder is trainable, and none was declared");
    expect(of_base <= object.tuning->changes_base(),
           "parameters of the decoder are trainable, and changes_base() says that the decoder stays as it is");
    expect(object.tuning->changes_base() <= (of_base || own),
           "changes_base() says that the decoder changes, and nothing of it is trained");
  }

  static void gradients(Subject& subject) { make(subject, subject.settings, 1).train(); }

  /// The core keeps what the strategy adds (save, load), or the whole decoder where that changes.
  static void saving(Subject& subject) {
    const TemporaryFolder folder;
    Object one = make(subject, subject.settings, 1), other = make(subject, subject.settings, 2);
    one.train();
    const Tensors before = other.base.outputs(1);
    if (one.tuning->changes_base()) {
      one.base.parameters().save(folder / "base.safetensors");
      other.base.parameters().load(folder / "base.safetensors");
    } else {
      one.tuning->save(folder / "tuning");
      std::filesystem::rename(folder / "tuning", folder / "moved");
      other.tuning->load(folder / "moved");
    }
    torch::NoGradGuard no_grad;
    expect_same(other.base.outputs(1), one.base.outputs(1), 1e-5, "trained, saved and opened again, and before");
    expect(!one.base.outputs(1)[0].equal(before[0]), "training changes nothing of what the decoder computes");
  }

  static void merging(Subject& subject) {
    Object object = make(subject, subject.settings, 1);
    object.train();
    torch::NoGradGuard no_grad;
    const Tensors before = object.base.outputs(1);
    object.tuning->merge();
    expect_same(object.base.outputs(1), before, rounding, "merged into the decoder, and before");
    for (LinearSlot* slot : object.base.view().linear_layers) slot->detach();
    expect_same(object.base.outputs(1), before, rounding, "merged and with nothing attached any more, and before");
  }
};

}  // namespace cell2text::conformance
