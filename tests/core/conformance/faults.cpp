// The suite of each kind: the example passes, and each fault that is planted into it is found by the check that is for
// it. Faults of decoders are in broken/, and are found by the command.
#include <thread>

#include "core/conformance/examples.hpp"

using namespace cell2text;
using namespace cell2text::test;

// Names of the classes are all that the macro needs; csv_cells needs a file.
CELL2TEXT_CONFORMANCE("example decoder", decoder, gru_plugin::Decoder, {{"width", 24}})
CELL2TEXT_CONFORMANCE("example encoder", encoder, hashed_genes_plugin::Encoder, {{"width", 12}, {"rows", 97}})
CELL2TEXT_CONFORMANCE("example adapter", adapter, mean_token_plugin::Adapter, {})
CELL2TEXT_CONFORMANCE("example metric", metric, shared_words_plugin::Metric, {})
CELL2TEXT_CONFORMANCE("example strategy", finetuning, bias_only_plugin::FineTuning, {{"layers", "q_proj"}})
CELL2TEXT_CONFORMANCE("example baseline", baseline, nearest_mean_plugin::Baseline, {})
CELL2TEXT_CONFORMANCE("example source", source, csv_cells_plugin::Source, {{"path", example_cells().c_str()}})

namespace {

using EncoderExample = hashed_genes_plugin::Encoder;
using AdapterExample = mean_token_plugin::Adapter;
using MetricExample = shared_words_plugin::Metric;
using SourceExample = csv_cells_plugin::Source;
using TuningExample = bias_only_plugin::FineTuning;

struct PaddedEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  GeneEmbeddings encode(const GeneTokens& tokens) {
    GeneEmbeddings genes = EncoderExample::encode(tokens);
    genes.values_BGE = genes.values_BGE + genes.values_BGE.mean(1, true);
    return genes;
  }
};
struct MixingEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  GeneEmbeddings encode(const GeneTokens& tokens) {
    GeneEmbeddings genes = EncoderExample::encode(tokens);
    genes.values_BGE = genes.values_BGE + genes.values_BGE.select(1, 0).mean(0);
    return genes;
  }
};
struct WideEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  std::int64_t width() const { return EncoderExample::width() + 1; }
};
struct ForgetfulEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  void save(const std::filesystem::path& folder) { std::filesystem::create_directories(folder); }
};
struct ThreadedEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  GeneTokens tokenize(const CellBatch& cells) const {
    GeneTokens tokens = EncoderExample::tokenize(cells);
    if (std::this_thread::get_id() != home) tokens.ids_BG = tokens.ids_BG + 1;
    return tokens;
  }
  std::thread::id home = std::this_thread::get_id();
};
struct IgnorantEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  GeneTokens tokenize(const CellBatch& cells) const {
    GeneTokens tokens = EncoderExample::tokenize(cells);
    for (auto& known : tokens.known_genes) known = 0;
    return tokens;
  }
};
struct SplitEncoder : EncoderExample {
  using EncoderExample::EncoderExample;
  GeneEmbeddings encode(const GeneTokens& tokens) {
    GeneEmbeddings genes = EncoderExample::encode(tokens);
    genes.values_BGE = genes.values_BGE.detach();
    return genes;
  }
};

struct EarlyDecoder : gru_plugin::Decoder {  // the first tokens, not the last ones
  using gru_plugin::Decoder::Decoder;
  Tensor forward_last(const Tensor& x, const gru_plugin::Ids& lengths, const Tensor& positions,
                      const gru_plugin::Ids& last, State* state) {
    return rows_at(forward(x, lengths, positions, state), last_places(last, last, x.size(1)));
  }
};
struct ForgettingDecoder : gru_plugin::Decoder {
  using gru_plugin::Decoder::Decoder;
  Tensor forward_last(const Tensor& x, const gru_plugin::Ids& lengths, const Tensor& positions,
                      const gru_plugin::Ids& last, State*) {
    return rows_at(forward(x, lengths, positions, nullptr), last_places(lengths, last, x.size(1)));
  }
};
struct PaddedDecoder : gru_plugin::Decoder {  // the last tokens as forward returns them
  using gru_plugin::Decoder::Decoder;
  Tensor forward_last(const Tensor& x, const gru_plugin::Ids& lengths, const Tensor& positions, const gru_plugin::Ids&,
                      State* state) {
    return forward(x, lengths, positions, state);
  }
};

/// Joins its states, in the order of the states and not of the rows that are asked for.
struct MisjoiningDecoder : gru_plugin::Decoder {
  using gru_plugin::Decoder::Decoder;
  struct State : gru_plugin::Decoder::State {
    State fork(std::span<const std::int64_t> parents) const { return {gru_plugin::Decoder::State::fork(parents)}; }
    static State joined(std::span<const State* const> states, std::span<const StateRow> rows) {
      std::vector<Tensor> all;
      for (std::size_t state = 0; state < states.size(); ++state)
        for (const StateRow& from : rows)
          if (from.state == static_cast<std::int64_t>(state)) all.push_back(states[state]->rows_RD[from.row]);
      return {{at::stack(all)}};
    }
  };
  State new_state() const { return {}; }
};

/// Changes what the example gives.
template <auto Change>
struct ChangedAdapter : AdapterExample {
  using AdapterExample::AdapterExample;
  SoftPrompt forward(const GeneEmbeddings& genes) {
    SoftPrompt prompt = AdapterExample::forward(genes);
    Change(prompt, genes);
    return prompt;
  }
};
using PaddedAdapter = ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings& genes) {
  prompt.values_BPD = prompt.values_BPD + genes.values_BGE.mean();
}>;
using MixingAdapter = ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings&) {
  prompt.values_BPD = prompt.values_BPD - prompt.values_BPD.mean(0, true);
}>;
using DetachedAdapter =
    ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings&) { prompt.values_BPD = prompt.values_BPD.detach(); }>;
using NarrowAdapter = ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings&) {
  prompt.values_BPD = prompt.values_BPD.narrow(2, 0, 95);
}>;
using LongAdapter = ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings&) { prompt.lengths[0] = 99; }>;
using InfiniteAdapter =
    ChangedAdapter<[](SoftPrompt& prompt, const GeneEmbeddings&) { prompt.values_BPD = prompt.values_BPD / 0; }>;
struct UnusedParameter : AdapterExample {
  UnusedParameter(const Settings& settings, ModelContext& context, AdapterShape shape)
      : AdapterExample(settings, context, shape) {
    context.parameters.declare("unused", {3}, Init::zeros());
  }
};
struct CopyingAdapter : AdapterExample {  // what was loaded is not seen
  CopyingAdapter(const Settings& settings, ModelContext& context, AdapterShape shape)
      : AdapterExample(settings, context, shape),
        scale(context.parameters.declare("scale", {1}, Init::normal(1)).value) {}
  SoftPrompt forward(const GeneEmbeddings& genes) {
    SoftPrompt prompt = AdapterExample::forward(genes);
    prompt.values_BPD = prompt.values_BPD * scale;
    return prompt;
  }
  Tensor scale;
};

template <auto Change>
struct ChangedMetric : MetricExample {
  using MetricExample::MetricExample;
  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    Scores scores = MetricExample::score(predictions, known);
    Change(scores.scores[0]);
    return scores;
  }
};
using NoMean = ChangedMetric<[](Score& score) {
  if (score.value) *score.value += 0.1;
}>;
using Backwards = ChangedMetric<[](Score& score) { score.higher_is_better = false; }>;
using Ranked = ChangedMetric<[](Score& score) {
  for (std::size_t i = 0; i < score.per_cell.size(); ++i) score.per_cell[i] = static_cast<float>(i);
  if (!score.per_cell.empty()) score.value = static_cast<double>(score.per_cell.size() - 1) / 2;
}>;
using Infinite = ChangedMetric<[](Score& score) { score.value = std::numeric_limits<double>::infinity(); }>;
using Silent = ChangedMetric<[](Score& score) { score.value.reset(), score.note.clear(), score.per_cell.clear(); }>;
using Short = ChangedMetric<[](Score& score) {
  if (!score.per_cell.empty()) score.per_cell.pop_back();
}>;

/// Does something to the process when it is built.
template <auto Change>
struct Meddler : MetricExample {
  Meddler(const Settings& settings, const Context& context) : MetricExample(settings, context) { Change(); }
};
using DrawsNumbers = Meddler<[] { torch::rand({1}); }>;
using SetsThreads = Meddler<[] { at::set_num_threads(at::get_num_threads() + 1); }>;
using EndsGradients = Meddler<[] { torch::GradMode::set_enabled(!torch::GradMode::is_enabled()); }>;
using GoesAway = Meddler<[] { std::filesystem::current_path("/"); }>;

struct Helpless : MetricExample {
  struct Settings {
    std::int64_t shortest = 1;
    static void describe(auto& s) { s.field("shortest", &Settings::shortest, {.help = ""}); }
  };
  Helpless(const Settings&, const Context& context) : MetricExample({}, context) {}
};
struct Wordless : MetricExample {
  Wordless(const Settings& settings, const Context& context) : MetricExample(settings, context) {
    if (settings.shortest == 3) throw std::invalid_argument("");
    if (settings.shortest == 1) throw BugError("a bug of its own");
  }
};

template <auto Change>
struct ChangedSource : SourceExample {
  using SourceExample::SourceExample;
  CellBatch read(std::span<const std::int64_t> rows) const {
    CellBatch cells = SourceExample::read(rows);
    Change(cells);
    return cells;
  }
};
using Unsorted = ChangedSource<[](CellBatch& cells) { std::ranges::sort(cells.rows); }>;
using Total = ChangedSource<[](CellBatch& cells) {
  for (double& total : cells.totals) total = 1;
}>;
using Mixed = ChangedSource<[](CellBatch& cells) {
  if (1 < cells.size() && !cells.counts.empty()) cells.counts[0] += 1, cells.totals[0] += 1;
}>;
using Negative = ChangedSource<[](CellBatch& cells) {
  if (!cells.counts.empty()) cells.counts[0] = -1;
}>;
using Renamed = ChangedSource<[](CellBatch& cells) { cells.names.resize(1); }>;
struct ManyLabels : SourceExample {
  using SourceExample::SourceExample;
  LabelColumn labels(const std::string& name) const {
    LabelColumn labels = SourceExample::labels(name);
    labels.codes.push_back(0);
    return labels;
  }
};
struct Agreeable : SourceExample {
  using SourceExample::SourceExample;
  LabelColumn labels(const std::string& name) const {
    return name.starts_with("cell2text") ? LabelColumn{name, {}, {}} : SourceExample::labels(name);
  }
};

struct Forgetful : nearest_mean_plugin::Baseline {
  using nearest_mean_plugin::Baseline::Baseline;
  void load(const std::filesystem::path&) {}
};
struct Mute : nearest_mean_plugin::Baseline {
  using nearest_mean_plugin::Baseline::Baseline;
  BaselineAnswers predict(const BaselineCells&) const { return {}; }
};
struct Beyond : nearest_mean_plugin::Baseline {
  using nearest_mean_plugin::Baseline::Baseline;
  BaselineAnswers predict(const BaselineCells& cells) const {
    BaselineAnswers answers = nearest_mean_plugin::Baseline::predict(cells);
    answers.labels[0].codes[0] = 7;
    return answers;
  }
};

struct Denying : TuningExample {
  using TuningExample::TuningExample;
  bool changes_base() const { return false; }
};
struct Idle : TuningExample {
  using TuningExample::TuningExample;
  void prepare(const DecoderView& view) { view.parameters.set_trainable(false); }
};
struct Spoiling : TuningExample {
  using TuningExample::TuningExample;
  void prepare(const DecoderView& view) {
    TuningExample::prepare(view);
    parameters = &view.parameters;
  }
  void merge() { parameters->list().front().value = parameters->list().front().value * 2; }
  Parameters* parameters = nullptr;
};

}  // namespace

TEST_CASE("conformance: what is wrong with an encoder is found by the check that is for it") {
  expect_found<kinds::encoder, PaddedEncoder>("lengths", "with more and other padding");
  expect_found<kinds::encoder, MixingEncoder>("batch", "alone, and in a batch: values differ");
  expect_found<kinds::encoder, WideEncoder>("shapes", "encoder output");
  expect_found<kinds::encoder, ForgetfulEncoder>("saving", "no weights");
  expect_found<kinds::encoder, ThreadedEncoder>("threads", "where four threads tokenize at once");
  expect_found<kinds::encoder, IgnorantEncoder>("shapes", "it knows none of the 31 genes");
  expect_found<kinds::encoder, SplitEncoder>("gradients", "values were detached");
}

TEST_CASE("conformance: what is wrong with a decoder's hidden states of the last tokens is found") {
  expect_found<kinds::decoder, EarlyDecoder>("last_tokens", "the last tokens alone, and among all: values differ");
  expect_found<kinds::decoder, ForgettingDecoder>("last_tokens", "what goes on after the last tokens were asked for");
  expect_found<kinds::decoder, PaddedDecoder>("last_tokens", "forward_last has shape [3, 6, 64]; expected [3, any]");
}

TEST_CASE("conformance: what is wrong with how a decoder joins its states is found") {
  expect_found<kinds::decoder, MisjoiningDecoder>("cache", "joined from several states, with a state and read at once");
}

TEST_CASE("conformance: what is wrong with an adapter is found by the check that is for it") {
  expect_found<kinds::adapter, PaddedAdapter>("lengths", "with NaN beyond the lengths");
  expect_found<kinds::adapter, MixingAdapter>("batch", "alone, and in a batch: values differ");
  expect_found<kinds::adapter, DetachedAdapter>("gradients", "does not depend on any parameter");
  expect_found<kinds::adapter, UnusedParameter>("gradients", "no gradient reaches 'unused'");
  expect_found<kinds::adapter, NarrowAdapter>("shapes", "expected [3, any, 96]");
  expect_found<kinds::adapter, LongAdapter>("shapes", "a length of 99 in a soft prompt of 4 tokens");
  expect_found<kinds::adapter, InfiniteAdapter>("shapes", "NaN or infinite");
  expect_found<kinds::adapter, CopyingAdapter>("saving", "that were saved and loaded, and before: values differ");
}

TEST_CASE("conformance: what is wrong with a metric is found by the check that is for it") {
  expect_found<kinds::metric, NoMean>("scores", "and the mean of its values per cell is");
  expect_found<kinds::metric, Infinite>("scores", "is no finite number");
  expect_found<kinds::metric, Silent>("scores", "no note tells why");
  expect_found<kinds::metric, Short>("scores", "has 7 values for 8 cells");
  expect_found<kinds::metric, Backwards>("direction", "set higher_is_better");
  expect_found<kinds::metric, Ranked>("batch", "'share' of four cells alone, and among eight");
}

TEST_CASE("conformance: what is wrong with a source is found by the check that is for it") {
  const std::string path = example_cells();
  const std::vector<conformance::Setting> settings = {{"path", path.c_str()}};
  expect_found<kinds::source, Unsorted>("shapes", "not those that were asked for", settings);
  expect_found<kinds::source, Total>("shapes", "a cell's total is 1.0", settings);
  expect_found<kinds::source, Negative>("shapes", "a count is -1", settings);
  expect_found<kinds::source, Renamed>("shapes", "are not for 5 cells", settings);
  expect_found<kinds::source, Mixed>("rows", "alone, and among others", settings);
  expect_found<kinds::source, ManyLabels>("labels", "has 6 values for 5 cells", settings);
  expect_found<kinds::source, Agreeable>("refusals", "it gives labels", settings);
}

TEST_CASE("conformance: what is wrong with a fine-tuning strategy is found by the check that is for it") {
  expect_found<kinds::finetuning, Denying>("trained", "changes_base() says that the decoder stays as it is");
  expect_found<kinds::finetuning, Idle>("trained", "nothing is trained");
  expect_found<kinds::finetuning, Spoiling>("merging", "merged into the decoder, and before");
}

TEST_CASE("conformance: what is wrong with a baseline is found by the check that is for it") {
  expect_found<kinds::baseline, Forgetful>("saving", "saved and loaded, and before");
  expect_found<kinds::baseline, Mute>("answers", "it says nothing of the cells");
  expect_found<kinds::baseline, Beyond>("answers", "a code of 'cell_type' is 7 of 2 values");
}

TEST_CASE("conformance: what a plugin does to the process is found, and put back") {
  const auto before = conformance::GlobalState::now();
  expect_found<kinds::metric, DrawsNumbers>("global_state", "random numbers were drawn");
  expect_found<kinds::metric, SetsThreads>("global_state", "the number of threads was");
  expect_found<kinds::metric, EndsGradients>("global_state", "gradients were switched");
  expect_found<kinds::metric, GoesAway>("global_state", "the working folder was");
  CHECK(before.differences(conformance::GlobalState::now()) == "");
}

TEST_CASE("conformance: settings without help, and errors that help nobody, are found") {
  expect_found<kinds::metric, Helpless>("settings", "'shortest' has no help");
  expect_found<kinds::metric, Wordless>("errors", "it threw a BugError: a bug of its own", {{"shortest", 2}});
  CHECK((result_of<kinds::metric, Wordless>("build", {{"shortest", 3}}).status == conformance::Status::unusable));
  const auto refused = result_of<kinds::metric, MetricExample>("settings", {{"shortest", 0}});
  CHECK((refused.status == conformance::Status::unusable));
  CHECK(refused.detail.find("'shortest' is 0") != std::string::npos);
  const auto left_out = result_of<kinds::metric, MetricExample>("scores", {{"shortest", 0}});
  CHECK((left_out.status == conformance::Status::not_run));
  CHECK(left_out.detail == "'settings' did not pass");
}

TEST_CASE("conformance: a kind that does not exist has no checks") {
  CHECK_THROWS_WITH_AS(conformance::checks_of("dance"), doctest::Contains("'dance' is no kind of plugin"), InputError);
}

TEST_CASE("conformance: what failed as text") {
  const std::vector<conformance::Result> results = {{"a", "x"},
                                                    {"b", "it matters", conformance::Status::failed, "found"},
                                                    {"c", "y", conformance::Status::not_run, "z"}};
  CHECK(conformance::failures_text(results) == "b: found\n  (it matters)\n");
  CHECK(std::string(conformance::name_of(conformance::Status::not_run)) == "not run");
}
