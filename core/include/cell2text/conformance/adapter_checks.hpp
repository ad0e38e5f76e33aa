// What is checked of an adapter.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "cell2text/conformance/gradient_checks.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::adapter> {
  using Kind = kinds::adapter;
  using Object = Built<Kind>;

  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    return build<Kind>(subject, settings, seed);
  }

  /// Made-up cells of 7, 2 and 5 genes.
  static GeneEmbeddings input(std::uint64_t number) {
    const Lengths lengths{7, 2, 5};
    return {with_padding(normal({3, 7, adapter_shape.encoder_width}, number), lengths, 0), lengths};
  }

  static Tensors outputs(const SoftPrompt& prompt) {
    Tensors all;
    for (std::size_t b = 0; b < prompt.lengths.size(); ++b)
      all.push_back(real_part(prompt.values_BPD, prompt.lengths, static_cast<std::int64_t>(b)));
    return all;
  }
  static Tensors outputs(Object& adapter, std::uint64_t number) { return outputs(adapter->forward(input(number))); }

  static std::vector<Check> checks() {
    return {{"shapes", why_shapes, &shapes},
            {"lengths", why_lengths, &lengths},
            {"batch", why_batch, &batch},
            {"saving", why_saving, &saving},
            {"gradients", why_gradients, &gradients}};
  }

 private:
  static void shapes(Subject& subject) {
    auto adapter = build<Kind>(subject);
    const GeneEmbeddings genes = input(1);
    const SoftPrompt prompt = adapter->forward(genes);
    expect_shape(prompt.values_BPD, {3, -1, adapter_shape.decoder_width}, "the soft prompt");
    expect(prompt.lengths.size() == 3, std::to_string(prompt.lengths.size()) + " lengths for 3 cells");
    for (const std::int64_t length : prompt.lengths)
      expect(length >= 0 && length <= prompt.values_BPD.size(1),
             "a length of " + std::to_string(length) + " in a soft prompt of " +
                 std::to_string(prompt.values_BPD.size(1)) + " tokens");
    for (const Tensor& one : outputs(prompt)) expect_finite(one, "the soft prompt");
  }

  static void lengths(Subject& subject) {
    auto adapter = build<Kind>(subject);
    const GeneEmbeddings clean = input(1);
    const GeneEmbeddings dirty{with_padding(clean.values_BGE, clean.lengths, std::numeric_limits<double>::quiet_NaN()),
                               clean.lengths};
    expect_same(outputs(adapter->forward(dirty)), outputs(adapter->forward(clean)), 1e-6,
                "with NaN beyond the lengths of the genes, and with zeros");
  }

  static void batch(Subject& subject) {
    auto adapter = build<Kind>(subject);
    const GeneEmbeddings together = input(1);
    const Tensors all = outputs(adapter->forward(together));
    for (std::int64_t b = 0; b < 3; ++b) {
      const GeneEmbeddings alone{real_part(together.values_BGE, together.lengths, b).unsqueeze(0),
                                 {together.lengths[b]}};
      expect_same(outputs(adapter->forward(alone)), {all[b]}, rounding,
                  "cell " + std::to_string(b) + " alone, and in a batch");
    }
  }

  static void saving(Subject& subject) {
    const TemporaryFolder folder;
    auto trained = build<Kind>(subject);
    trained.parameters->save(folder / "adapter.safetensors");
    Value resolved;
    settings_check::faults_of(subject, subject.settings, resolved);
    auto opened = build<Kind>(subject, settings_without_origin(resolved, fields_of(subject)), 2);
    opened.parameters->load(folder / "adapter.safetensors");
    expect_same(outputs(opened, 1), outputs(trained, 1), 1e-6,
                "with parameters that were saved and loaded, and before");
  }

  static void gradients(Subject& subject) {
    auto adapter = build<Kind>(subject);
    adapter->set_training(true);
    GeneEmbeddings genes = input(1);
    genes.values_BGE.requires_grad_(true);
    expect_gradients(all_trained(*adapter.parameters), [&](std::uint64_t round) {
      return round == 0 ? outputs(adapter->forward(genes)) : outputs(adapter, round);
    });
    expect(genes.values_BGE.grad().defined() && genes.values_BGE.grad().abs().sum().item<double>() > 0,
           "no gradient reaches the gene embeddings, so that no encoder can be trained through it");
  }
};

}  // namespace cell2text::conformance
