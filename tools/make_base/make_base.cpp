// Trains the decoder of an experiment as a plain language model, on texts alone: a base that LoRA can adapt. The texts
// are the definitions of the Cell Ontology and the description template filled at random, without any cell; a text
// that holds the description of a cell of the experiment's data is left out. Writes a Hugging Face folder.
//   make_base EXPERIMENT.toml FOLDER [SEED [EPOCHS]]
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "cell2text/experiment_run.hpp"
#include "cell2text/io/toml.hpp"
#include "process.hpp"

namespace {

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

/// What one text may say of where a cell comes from.
std::optional<std::string> one_of(std::initializer_list<const char*> words, std::mt19937_64& random) {
  return *(words.begin() + random() % words.size());
}

/// The template with this cell type, and the rest at random.
std::string any_description(const Term& term, std::mt19937_64& random) {
  CellFacts facts{.cell_type = term.name, .cell_type_definition = term.definition};
  facts.tissue = one_of({"blood", "lung", "liver", "kidney", "brain", "bone marrow", "spleen", "heart", "skin of body",
                         "colon", "lymph node", "eye", "breast", "placenta", "stomach", "pancreas"},
                        random);
  facts.disease =
      one_of({"normal", "normal", "normal", "COVID-19", "breast cancer", "type 2 diabetes mellitus"}, random);
  facts.sex = one_of({"unknown", "unknown", "male", "female"}, random);
  return *describe(facts);
}

/// The texts of an epoch, other ones in each: for each term of the ontology its name with its definition, or (three
/// times of four) a description of a cell that nobody measured. None holds one of `excluded`.
std::vector<std::string> texts_of(const Ontology& ontology, const std::set<std::string>& excluded,
                                  std::mt19937_64& random, std::int64_t& left_out) {
  std::vector<std::string> texts;
  const auto add = [&](std::string text) {
    const bool known = std::ranges::any_of(excluded, [&](const auto& one) { return text.find(one) != text.npos; });
    if (known) return void(++left_out);
    texts.push_back(std::move(text));
  };
  for (const Term& term : ontology.terms()) {
    if (term.obsolete || term.name.empty()) continue;
    const bool defines = random() % 4 == 0 && !term.definition.empty();
    add(defines ? term.name + ": " + fold_spaces(term.definition) : any_description(term, random));
  }
  return texts;
}

/// Indices of `texts` in batches of like length, in random order.
std::vector<std::vector<std::size_t>> batches_of(const std::vector<Tokens>& texts, std::size_t size,
                                                 std::mt19937_64& random) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  split_detail::shuffle(order, random);
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t window = 0; window < order.size(); window += 32 * size) {
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(window);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), window + 32 * size));
    std::sort(begin, end, [&](auto a, auto b) { return texts[a].size() < texts[b].size(); });
    for (auto at = begin; at < end; at += static_cast<std::ptrdiff_t>(std::min<std::size_t>(size, end - at)))
      batches.emplace_back(at, at + static_cast<std::ptrdiff_t>(std::min<std::size_t>(size, end - at)));
  }
  split_detail::shuffle(batches, random);
  return batches;
}

void make_base(const std::string& file, const std::filesystem::path& out, std::uint64_t seed, std::int64_t epochs) {
  const Registry registry;
  const Experiment experiment = read_experiment(read_toml(file), registry);
  at::set_num_threads(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  const Host host{registry, Context{{}, seed, at::get_num_threads()}, torch::kCPU};

  const ExperimentData data = open_data(host, experiment);
  const Ontology* ontology = data.descriptions->ontology();
  if (!ontology) throw InputError(file + ": descriptions.ontology is not set; its definitions are what is trained on");
  std::set<std::string> excluded;
  for (std::int64_t row = 0; row < data.source->size(); ++row)
    if (const auto text = data.descriptions->text(row)) excluded.insert(*text);

  // A model without encoder and adapter: the decoder, and no soft token before the text.
  Model model;
  model.decoder_parameters = std::make_unique<Parameters>(host.device, torch::kFloat32, seed);
  model.decoder = std::make_unique<DecoderHandle>(
      model_builder_detail::build_part<kinds::decoder>(host, experiment.decoder, *model.decoder_parameters));
  model.decoder_parameters->set_trainable(true);
  model.pieces = chat_pieces(*model.decoder, experiment.prompt);
  const auto end = model.decoder->end_tokens().front();

  TrainingSettings settings;
  settings.optimizer = "adamw";
  settings.learning_rate = 2e-3;
  settings.weight_decay = 0.05;
  settings.schedule = "cosine";
  settings.warmup_steps = 50;
  constexpr std::size_t batch_size = 8;
  auto groups = flat_groups({model.decoder_parameters.get()});
  Optimizer optimizer(groups, settings);
  std::mt19937_64 random(seed);
  const auto began = std::chrono::steady_clock::now();
  std::int64_t step = 0, total = 0, left_out = 0;
  model.decoder->set_training(true);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    std::vector<Tokens> texts;
    for (const std::string& text : texts_of(*ontology, excluded, random, left_out)) {
      texts.push_back(model.decoder->encode_text(text));
      texts.back().push_back(end);
    }
    const auto batches = batches_of(texts, batch_size, random);
    total = std::max(total, epochs * static_cast<std::int64_t>(batches.size()));
    LossSum epoch_loss;
    for (const auto& batch : batches) {
      std::vector<Tokens> rows;
      std::int64_t tokens = 0;
      for (const std::size_t i : batch) rows.push_back(texts[i]), tokens += static_cast<std::int64_t>(texts[i].size());
      const auto B = static_cast<std::int64_t>(rows.size());
      const SoftPrompt none{torch::empty({B, 0, model.decoder->width()}), Tokens(rows.size(), 0)};
      optimizer.zero_gradients();
      epoch_loss += description_loss(model, none, rows, {true, 1.0 / static_cast<double>(tokens), 0});
      optimizer.clip(settings.clip_norm);
      optimizer.step(learning_rate_at(settings, step++, epoch, total));
    }
    std::fprintf(stderr, "epoch %ld of %ld: loss %.3f over %ld tokens, %.0f s\n", static_cast<long>(epoch + 1),
                 static_cast<long>(epochs), epoch_loss.mean(), static_cast<long>(epoch_loss.tokens),
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  for (FlatGroup& group : groups) group.release();
  AtomicFolder writing(out);
  model.decoder->save(writing.partial());
  writing.commit();
  std::fprintf(stderr, "%s: seed %lu; %zu descriptions of cells were kept out (%ld texts left out)\n", out.c_str(),
               static_cast<unsigned long>(seed), excluded.size(), static_cast<long>(left_out));
}

}  // namespace

int main(int argc, char** argv) {
  cell2text::driver::prepare_process();
  if (argc < 3 || argc > 5) return std::fprintf(stderr, "make_base EXPERIMENT.toml FOLDER [SEED [EPOCHS]]\n"), 2;
  try {
    make_base(argv[1], argv[2], argc > 3 ? std::stoull(argv[3]) : 0, argc > 4 ? std::stoll(argv[4]) : 3);
  } catch (const cell2text::InputError& error) {
    return std::fprintf(stderr, "make_base: %s\n", error.what()), 2;
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "make_base: %s\n", error.what()), 1;
  }
}
