// What is checked of an encoder, on made-up cells of genes that most encoders of human cells know.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cell2text/conformance/gradient_checks.hpp"
#include "cell2text/prompt.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::encoder> {
  using Kind = kinds::encoder;
  struct Object : Built<Kind> {
    bool tells_names = false;  ///< 'none', whose tokens are letters of genes' names and which gives no embeddings
  };

  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    return {build<Kind>(subject, settings, seed), tells_names(subject)};
  }
  static bool tells_names(const Subject& subject) { return subject.descriptor->name == std::string_view(no_encoder); }

  static CellBatch input(std::uint64_t number) { return cells({20, 3, 11}, number); }

  static Tensors outputs(const GeneEmbeddings& genes) {
    Tensors all;
    for (std::size_t b = 0; b < genes.lengths.size(); ++b)
      all.push_back(real_part(genes.values_BGE, genes.lengths, static_cast<std::int64_t>(b)));
    return all;
  }
  static Tensors outputs(Object& encoder, const GeneTokens& tokens) {
    if (!encoder.tells_names) return outputs(encoder->encode(tokens));
    Tensors all;
    for (std::size_t b = 0; b < tokens.lengths.size(); ++b)
      all.push_back(real_part(tokens.ids_BG, tokens.lengths, static_cast<std::int64_t>(b)));
    return all;
  }
  static Tensors outputs(Object& encoder, std::uint64_t number) {
    return outputs(encoder, encoder->tokenize(input(number)));
  }

  static std::vector<Check> checks() {
    return {{"shapes", why_shapes, &shapes},
            {"lengths", why_lengths, &lengths},
            {"batch", why_batch, &batch},
            {"threads", "the loader calls tokenize from several threads at once; cells would get each other's tokens",
             &threads},
            {"saving", why_saving, &saving},
            {"gradients", why_gradients, &gradients}};
  }

 private:
  static void expect_embeddings(const Subject& subject) {
    if (tells_names(subject)) throw NotRun("it tells genes by name: there are no embeddings, and nothing is trained");
  }

  static void expect_tokens(const GeneTokens& tokens, std::int64_t B) {
    expect(tokens.size() == B && std::ssize(tokens.known_genes) == B,
           "lengths or known_genes of the tokens are not for " + std::to_string(B) + " cells");
    expect_shape(tokens.ids_BG, {B, -1}, "ids of the tokens");
    expect(tokens.ids_BG.scalar_type() == torch::kInt64 && tokens.ids_BG.is_cpu(),
           "ids of the tokens are no int64 on the CPU");
    if (tokens.values_BG.defined()) expect_shape(tokens.values_BG, {B, tokens.ids_BG.size(1)}, "values of the tokens");
    for (const std::int64_t length : tokens.lengths)
      expect(length >= 0 && length <= tokens.ids_BG.size(1),
             "a length of " + std::to_string(length) + " among " + std::to_string(tokens.ids_BG.size(1)) + " tokens");
  }

  static void expect_genes(Object& encoder, const GeneTokens& tokens) {
    const GeneEmbeddings genes = encoder->encode(tokens);
    expect(encoder->width() > 0, "its width is " + std::to_string(encoder->width()));
    expect(std::ssize(genes.lengths) == 3, std::to_string(genes.lengths.size()) + " lengths for 3 cells");
    for (const std::int64_t length : genes.lengths)
      expect(length >= 0 && length <= genes.values_BGE.size(1),
             "a length of " + std::to_string(length) + " among " + std::to_string(genes.values_BGE.size(1)) + " genes");
    for (const Tensor& one : outputs(genes)) expect_finite(one, "the embeddings");
  }

  static void shapes(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto encoder = make(subject, subject.settings, 1);
    const CellBatch batch = input(1);
    const GeneTokens tokens = encoder->tokenize(batch);
    expect_tokens(tokens, 3);
    expect(std::ranges::max(tokens.known_genes) > 0,
           "it knows none of the " + std::to_string(made_up_genes.size()) +
               " genes of the made-up cells, which have Ensembl ids and symbols of human genes (CD3D, LYZ, ...): "
               "nothing can be said of it");
    if (!encoder.tells_names) expect_genes(encoder, tokens);
    if (const auto known = encoder->known(*batch.genes))
      for (std::int64_t cell = 0; cell < batch.size(); ++cell)
        expect(std::ranges::count_if(batch.columns_of(cell), [&](std::int32_t g) { return (*known)[g]; }) >=
                   tokens.known_genes[cell],
               "it says to know fewer genes of a cell (known) than it finds in it (tokenize)");
  }

  static void lengths(Subject& subject) {
    expect_embeddings(subject);
    torch::NoGradGuard no_grad;
    auto encoder = build<Kind>(subject);
    const GeneTokens clean = encoder->tokenize(input(1));
    GeneTokens wider = clean;  // as in a batch with a longer cell; whatever stands there
    const std::int64_t G = clean.ids_BG.size(1), more = 3;
    wider.ids_BG = at::cat({clean.ids_BG, clean.ids_BG.narrow(1, 0, std::min(more, G))}, 1);
    if (clean.values_BG.defined())
      wider.values_BG = at::cat({clean.values_BG, clean.values_BG.narrow(1, 0, std::min(more, G)) + 1}, 1);
    for (std::int64_t b = 0; b < 3; ++b) {
      if (clean.lengths[b] == 0 || clean.lengths[b] == G) continue;
      wider.ids_BG[b].narrow(0, clean.lengths[b], G - clean.lengths[b]).copy_(clean.ids_BG[b][clean.lengths[b] - 1]);
    }
    expect_same(outputs(encoder->encode(wider)), outputs(encoder->encode(clean)), 1e-5,
                "with more and other padding, and with the encoder's own");
  }

  static void batch(Subject& subject) {
    torch::NoGradGuard no_grad;
    auto encoder = make(subject, subject.settings, 1);
    const CellBatch together = input(1);
    const Tensors all = outputs(encoder, encoder->tokenize(together));
    for (std::int64_t b = 0; b < 3; ++b)
      expect_same(outputs(encoder, encoder->tokenize(cell_of(together, b))), {all[b]}, rounding,
                  "cell " + std::to_string(b) + " alone, and in a batch");
  }

  static void threads(Subject& subject) {
    auto encoder = build<Kind>(subject);
    const auto ids = [&](std::uint64_t number) { return encoder->tokenize(input(number)).ids_BG; };
    constexpr std::uint64_t inputs = 8;
    std::vector<Tensor> expected;
    for (std::uint64_t i = 0; i < inputs; ++i) expected.push_back(ids(i));
    std::vector<int> wrong(4, 0);
    std::vector<Fault> faults(wrong.size());
    std::vector<std::thread> workers;
    for (std::size_t worker = 0; worker < wrong.size(); ++worker)
      workers.emplace_back([&, worker] {
        faults[worker] = guarded([&] {
          for (std::uint64_t i = 0; i < 10 * inputs; ++i) wrong[worker] += !ids(i % inputs).equal(expected[i % inputs]);
        });
      });
    for (std::thread& worker : workers) worker.join();
    for (const Fault& fault : faults) fault.raise();
    for (const int count : wrong)
      expect(count == 0, "tokens of " + std::to_string(count) + " batches differ where four threads tokenize at once");
  }

  static void saving(Subject& subject) {
    expect_embeddings(subject);
    torch::NoGradGuard no_grad;
    const TemporaryFolder folder;
    Value resolved;
    settings_check::faults_of(subject, subject.settings, resolved);
    auto encoder = make(subject, subject.settings, 1);
    encoder->save(folder / "saved");
    std::filesystem::rename(folder / "saved", folder / "moved");
    const auto fields = fields_of(subject);
    expect(settings_check::find(fields, "checkpoint"),
           "it has no setting 'checkpoint', with which what it saves is opened");
    auto opened = make(subject, settings_for_folder(resolved, fields, folder / "moved", {}), 2);
    expect_same(outputs(opened, 1), outputs(encoder, 1), 1e-5, "saved and opened again, and before");
  }

  static void gradients(Subject& subject) {
    expect_embeddings(subject);
    auto encoder = make(subject, subject.settings, 1);
    encoder->set_training(true);
    expect_gradients(all_trained(*encoder.parameters), [&](std::uint64_t round) { return outputs(encoder, round); });
  }
};

}  // namespace cell2text::conformance
