// Generation by a trained model, timed inside the process: what drafts save, and what confidences and restrictions
// cost. Prints JSON.
//   bench_described drafts MODEL CELLS.h5ad N REPEATS [AT_ONCE [DECODER]]
//                                                               greedy, without and with drafts, on the same prompts,
//                                                               which are also read by themselves; so many cells in a
//                                                               batch, by a decoder of bench/widened.py that stands for
//                                                               the model's
//   bench_described confidence MODEL CELLS.h5ad N REPEATS NAMES the model's own generation, and then its confidences
//                                                               with the cell types of the file NAMES, one a line
//   bench_described restricted MODEL CELLS.h5ad N REPEATS       the same without restrictions, and with several
// BENCH_THREADS is the number of threads (2).
#include <ATen/Parallel.h>

#include <cstdio>
#include <fstream>
#include <numeric>
#include <optional>

#include "cell2text/experiment_run.hpp"
#include "cell2text/generate/label_constraint.hpp"
#include "cell2text/ontology/label_list.hpp"
#include "process.hpp"
#include "profile.hpp"
#include "stopwatch.hpp"

namespace {

using namespace cell2text;
using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

/// Cells of a batch as the decoder reads them.
struct Prompts {
  Sequences sequences;
  std::vector<std::string> names;
};

struct Trained {
  Registry registry;
  Host host{registry, {{}, 0, at::get_num_threads()}, torch::kCPU};
  ModelCard card;
  Model model;
  std::vector<Prompts> batches;
  std::int64_t cells = 0;

  /// `at_once`: cells of a batch; 0: as many as the model was trained to describe.
  Trained(const std::string& folder, const std::string& file, std::int64_t n, std::int64_t at_once)
      : card(read_model_card(folder, registry)), model(load_model(host, card, folder)) {
    if (at_once > 0) card.generation.batch_size = at_once;
    torch::NoGradGuard no_grad;
    Value settings;
    settings.set("path", {file, {}});
    const SourceHandle source(
        registry.load("source", "h5ad").build<kinds::source>(settings, {&host.context, nullptr, {}}));
    std::vector<std::int64_t> rows(std::min(n, source.size()));
    std::iota(rows.begin(), rows.end(), 0);
    cells = std::ssize(rows);
    CellLoader loader(source, *model.encoder, rows, {card.generation.batch_size, 1, 0, false});
    while (auto batch = loader.next())
      batches.push_back({join(model, model.soft_prompt(batch->tokens), {}), std::move(batch->names)});
  }

  std::vector<Generated> generate(const Prompts& prompts, const GenerationSettings& settings, GenerationExtras extras,
                                  const DecoderHandle* other = nullptr) const {
    for (const std::string& name : prompts.names) extras.cell_keys.push_back(cell_key(name));
    return cell2text::generate(other ? *other : *model.decoder, prompts.sequences.embeddings_BTD,
                               prompts.sequences.lengths, settings, std::move(extras));
  }
};

/// A wider decoder that writes what the model's writes.
struct Wide {
  Parameters parameters{torch::kCPU, torch::kFloat32, 0};
  std::optional<DecoderHandle> decoder;

  Wide(const Host& host, const std::string& folder) {
    PluginChoice choice{"decoder", "llama", {}, {}};
    choice.settings.set("checkpoint", {folder, {}});
    decoder.emplace(model_builder_detail::build_part<kinds::decoder>(host, choice, parameters));
    decoder->set_training(false);
  }
};

std::int64_t add_tokens(std::vector<std::vector<std::int64_t>>& texts, const std::vector<Generated>& generated) {
  std::int64_t tokens = 0;
  for (const Generated& one : generated) texts.push_back(one.tokens), tokens += std::ssize(one.tokens);
  return tokens;
}

/// The prompts by themselves: what generation reads, and with the last block for all tokens.
void read_prompts(const DecoderHandle& decoder, const std::vector<Prompts>& batches, Json& result, bool counts) {
  torch::NoGradGuard no_grad;
  Stopwatch watch;
  for (const Prompts& prompts : batches)
    DecodingRows(decoder, prompts.sequences.embeddings_BTD, prompts.sequences.lengths).lengths();
  const Json last = watch.lap();
  for (const Prompts& prompts : batches) {
    StateHandle state = decoder.new_state();
    decoder.forward(prompts.sequences.embeddings_BTD, prompts.sequences.lengths, prompts.sequences.positions_BT,
                    &state);
  }
  const Json whole = watch.lap();
  if (counts) result["prompts"].push_back(last), result["whole_prompts"].push_back(whole);
}

std::vector<Prompts> widened(std::vector<Prompts> batches, std::int64_t width) {
  for (Prompts& prompts : batches) {
    Tensor& x_BTD = prompts.sequences.embeddings_BTD;
    x_BTD = at::constant_pad_nd(x_BTD, {0, width - x_BTD.size(2)});
  }
  return batches;
}

std::int64_t tokens_of(const std::vector<Prompts>& batches) {
  std::int64_t tokens = 0;
  for (const Prompts& prompts : batches)
    tokens += std::accumulate(prompts.sequences.lengths.begin(), prompts.sequences.lengths.end(), std::int64_t{0});
  return tokens;
}

Json drafts(const Trained& trained, std::int64_t repeats, const std::string& wide_folder) {
  if (!trained.model.drafts) throw InputError("the model has no drafts.safetensors");
  GenerationSettings greedy = trained.card.generation;
  greedy.beams = 1;
  std::optional<Wide> wide;
  if (!wide_folder.empty()) wide.emplace(trained.host, wide_folder);
  const DecoderHandle& decoder = wide ? *wide->decoder : *trained.model.decoder;
  const std::vector<Prompts> batches = widened(trained.batches, decoder.width());
  Json result{{"cells", trained.cells},        {"at_once", greedy.batch_size}, {"prompt_tokens", tokens_of(batches)},
              {"plain", Json::array()},        {"drafted", Json::array()},     {"prompts", Json::array()},
              {"whole_prompts", Json::array()}};
  std::vector<std::vector<std::int64_t>> own;
  if (wide)
    for (const Prompts& prompts : trained.batches) add_tokens(own, trained.generate(prompts, greedy, {}));
  for (std::int64_t i = -1; i < repeats; ++i) {
    std::vector<std::vector<std::int64_t>> plain, drafted;
    DraftCounts counts;
    std::int64_t tokens = 0;
    Stopwatch watch;
    for (const Prompts& prompts : batches) add_tokens(plain, trained.generate(prompts, greedy, {}, &decoder));
    const Json without = watch.lap();
    {
      const char* file = i >= 0 ? std::getenv("BENCH_PROFILE") : nullptr;
      const driver::Profile profile(file ? std::optional<std::string>(file) : std::nullopt);
      for (const Prompts& prompts : batches) {
        GenerationExtras extras;
        extras.drafts = trained.model.drafts.get(), extras.draft_counts = &counts;
        tokens += add_tokens(drafted, trained.generate(prompts, greedy, std::move(extras), &decoder));
      }
    }
    const Json with = watch.lap();
    if (plain != drafted) throw BugError("drafts changed a text");
    if (wide && i < 0) {
      std::int64_t same = 0;
      for (std::size_t cell = 0; cell < own.size(); ++cell) same += own[cell] == plain[cell];
      if (20 * same < 19 * trained.cells)
        throw BugError("the wide decoder writes " + std::to_string(same) + " texts alike");
      result["same_texts"] = same;
    }
    if (i >= 0) result["plain"].push_back(without), result["drafted"].push_back(with);
    read_prompts(decoder, batches, result, i >= 0);
    result["tokens"] = tokens, result["passes"] = counts.passes, result["accepted"] = counts.accepted;
    result["guessed"] = counts.drafted;
  }
  return result;
}

Json confidence(const Trained& trained, std::int64_t repeats, const std::string& names) {
  auto known = trained.card.known_labels().values;
  std::ifstream file(names);
  for (std::string name; std::getline(file, name);)
    if (std::ranges::find(known["cell_type"], name) == known["cell_type"].end()) known["cell_type"].push_back(name);
  const KnownLabelReader reader(known["cell_type"], known["tissue"], known["disease"]);
  LabelReadCounts counts;
  LabelScoreOptions options;
  options.counts = &counts;
  const LabelJudge judge(*trained.model.decoder, reader, known, 0, options);
  Json result{{"cells", trained.cells},
              {"cell_types", known["cell_type"].size()},
              {"beams", trained.card.generation.beams},
              {"generation", Json::array()},
              {"confidence", Json::array()}};
  for (std::int64_t i = -1; i < repeats; ++i) {
    double wall[2] = {}, cpu[2] = {};
    counts = {};
    const auto add = [&](int which, const Json& lap) {
      wall[which] += lap["wall_s"].get<double>(), cpu[which] += lap["cpu_s"].get<double>();
    };
    double sum = 0;
    for (const Prompts& prompts : trained.batches) {
      Stopwatch watch;
      std::vector<DecodingRows> read;
      GenerationExtras extras;
      extras.on_prompts = [&](std::int64_t, DecodingRows rows) { read.push_back(std::move(rows)); };
      std::vector<std::vector<std::int64_t>> texts;
      add_tokens(texts, trained.generate(prompts, trained.card.generation, std::move(extras)));
      add(0, watch.lap());
      if (read.size() != 1) throw BugError("a batch was cut");
      for (const LabelConfidences& one : judge.judge(read.front(), texts))
        if (const auto found = one.find("cell_type"); found != one.end()) sum += found->second.confidence;
      add(1, watch.lap());
    }
    if (i >= 0)
      for (const int which : {0, 1})
        result[which ? "confidence" : "generation"].push_back({{"wall_s", wall[which]}, {"cpu_s", cpu[which]}});
    result["mean_confidence"] = sum / static_cast<double>(trained.cells);
    result["passes"] = counts.passes, result["tokens"] = counts.tokens;
  }
  return result;
}

/// The ways of restricting texts that `describe` has: labels that had an ontology id in training alone, half of the
/// cell types, a tissue and a sex that are given.
std::vector<std::tuple<std::string, LabelLimits, GivenLabels>> restrictions(const ModelCard& card) {
  const auto known = card.known_labels().values;
  LabelLimits terms{known, {}}, half{known, {}};
  for (const auto& [role, labels] : card.labels)
    for (const TrainedLabel& one : labels)
      if (one.ontology_id && is_term_id(*one.ontology_id)) terms.allowed[role].push_back(one.name);
  half.allowed["cell_type"] = known.at("cell_type");
  half.allowed["cell_type"].resize((known.at("cell_type").size() + 1) / 2);
  return {{"ontology_only", terms, {}},
          {"allow", half, {}},
          {"given", {known, {}}, {{"tissue", known.at("tissue").front()}, {"sex", "female"}}}};
}

Json restricted(const Trained& trained, std::int64_t repeats) {
  const GenerationSettings& settings = trained.card.generation;
  const auto ways = restrictions(trained.card);
  std::vector<LabelConstraints> constraints;
  Json result{{"cells", trained.cells}, {"beams", settings.beams}, {"plain", Json::array()}};
  for (const auto& [name, limits, given] : ways)
    constraints.emplace_back(*trained.model.decoder, limits, settings), result[name] = Json::array();
  for (std::int64_t i = -1; i < repeats; ++i) {
    Stopwatch watch;
    for (const Prompts& prompts : trained.batches) trained.generate(prompts, settings, {});
    const Json plain = watch.lap();
    if (i >= 0) result["plain"].push_back(plain);
    for (std::size_t way = 0; way < ways.size(); ++way) {
      const auto& [name, limits, given] = ways[way];
      watch.lap();
      for (const Prompts& prompts : trained.batches) {
        GenerationExtras extras;
        extras.constraints.push_back(constraints[way].of(std::vector<GivenLabels>(prompts.names.size(), given)));
        trained.generate(prompts, settings, std::move(extras));
      }
      const Json lap = watch.lap();
      if (i >= 0) result[name].push_back(lap);
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  driver::prepare_process();
  const Arguments all(argv + 1, argv + argc);
  const bool is_confidence = !all.empty() && all[0] == "confidence";
  if (all.size() < (is_confidence ? 6u : 5u) || all.size() > (is_confidence ? 6u : 7u))
    return std::fprintf(stderr, "bench_described: see the head of bench_described.cpp\n"), 2;
  try {
    const char* threads = std::getenv("BENCH_THREADS");
    at::set_num_threads(threads ? std::atoi(threads) : 2);
    const std::int64_t repeats = std::stoll(all[4]);
    const bool has_size = !is_confidence && all.size() > 5;
    const Trained trained(all[1], all[2], std::stoll(all[3]), has_size ? std::stoll(all[5]) : 0);
    const Json result = is_confidence            ? confidence(trained, repeats, all[5])
                        : all[0] == "restricted" ? restricted(trained, repeats)
                                                 : drafts(trained, repeats, all.size() > 6 ? all[6] : "");
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_described: %s\n", error.what()), 1;
  }
}
