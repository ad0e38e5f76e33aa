// Each contract with a class that fulfils it, and the same class with one thing missing or wrong at a time. One file,
// though long: a class of a few lines for each thing that can be missing, and nothing else.
#include "cell2text/concepts.hpp"

#include <doctest/doctest.h>

#include "cell2text/plugin/descriptor.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;

namespace {

struct NoFields {
  static void describe(auto&) {}
};
using Folder = std::filesystem::path;
using Ids = std::vector<std::int64_t>;
using Rows = std::span<const std::int64_t>;

// Settings
struct WithSettings {
  using Settings = NoFields;
};
struct WithoutSettings {};
struct SettingsWithoutDescribe {
  struct Settings {};
};
struct SettingsWithoutDefault {
  struct Settings {
    int width;
    explicit Settings(int width) : width(width) {}
    static void describe(auto&) {}
  };
};
static_assert(HasSettings<WithSettings>);
static_assert(!HasSettings<WithoutSettings>);
static_assert(!HasSettings<SettingsWithoutDescribe>);
static_assert(!HasSettings<SettingsWithoutDefault>);

// Source
struct GoodSource {
  using Settings = NoFields;
  GoodSource(const Settings&, const Context&) {}
  std::int64_t size() { return 0; }
  std::shared_ptr<const GeneTable> genes() { return nullptr; }
  std::vector<ColumnInfo> columns() { return {}; }
  LabelColumn labels(const std::string&) { return {}; }
  CellBatch read(Rows) { return {}; }
};
template <class Base>
struct Rebuilt : Base {  // the same class under a constructor of its own, to take things away from
  Rebuilt(const NoFields& s, const Context& c) : Base(s, c) {}
};
struct SourceSize : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  void size() = delete;
};
struct SourceGenes : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  void genes() = delete;
};
struct SourceColumns : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  std::vector<std::string> columns() { return {}; }
};
struct SourceLabels : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  LabelColumn labels(int) { return {}; }
};
struct SourceRead : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  CellBatch read() { return {}; }
};
struct SourceMatrices : Rebuilt<GoodSource> {  // optional, and right
  using Rebuilt::Rebuilt;
  std::vector<MatrixInfo> matrices() { return {}; }
};
struct SourceMatricesType : Rebuilt<GoodSource> {
  using Rebuilt::Rebuilt;
  std::vector<std::string> matrices() { return {}; }
};
struct SourceBuilt : Rebuilt<GoodSource> {
  explicit SourceBuilt(const Settings& s) : Rebuilt(s, {}) {}
};
struct SourceSettings : Rebuilt<GoodSource> {
  using Settings = int;
  using Rebuilt::Rebuilt;
};
static_assert(Source<GoodSource> && Source<Rebuilt<GoodSource>>);
static_assert(!Source<SourceSize>);
static_assert(!Source<SourceGenes>);
static_assert(!Source<SourceColumns>);
static_assert(!Source<SourceLabels>);
static_assert(!Source<SourceRead>);
static_assert(Source<SourceMatrices>);
static_assert(!Source<SourceMatricesType>);
static_assert(!Source<SourceBuilt>);
static_assert(!Source<SourceSettings>);

// Encoder
struct GoodEncoder {
  using Settings = NoFields;
  GoodEncoder(const Settings&, ModelContext&) {}
  GeneTokens tokenize(const CellBatch&) const { return {}; }
  GeneEmbeddings encode(const GeneTokens&) { return {}; }
  std::int64_t width() const { return 1; }
  void save(const Folder&) {}
};
struct EncoderTokenize : GoodEncoder {
  using GoodEncoder::GoodEncoder;
  GeneTokens tokenize(const CellBatch&) { return {}; }
};
struct EncoderEncode : GoodEncoder {
  using GoodEncoder::GoodEncoder;
  Tensor encode(const GeneTokens&) { return {}; }
};
struct EncoderWidth : GoodEncoder {
  using GoodEncoder::GoodEncoder;
  void width() const = delete;
};
struct EncoderSave : GoodEncoder {
  using GoodEncoder::GoodEncoder;
  void save() {}
};
struct EncoderKnown : GoodEncoder {  // optional, and right
  using GoodEncoder::GoodEncoder;
  std::vector<bool> known(const GeneTable&) const { return {}; }
};
struct EncoderKnownType : GoodEncoder {
  using GoodEncoder::GoodEncoder;
  std::int64_t known(const GeneTable&) const { return 0; }
};
struct EncoderBuilt : GoodEncoder {
  EncoderBuilt(const Settings&, const Context&);
};
static_assert(Encoder<GoodEncoder>);
static_assert(!Encoder<EncoderTokenize>);  // not const: it is called from several threads
static_assert(!Encoder<EncoderEncode>);
static_assert(!Encoder<EncoderWidth>);
static_assert(!Encoder<EncoderSave>);
static_assert(Encoder<EncoderKnown>);
static_assert(!Encoder<EncoderKnownType>);

// Adapter
struct GoodAdapter {
  using Settings = NoFields;
  GoodAdapter(const Settings&, ModelContext&, AdapterShape) {}
  SoftPrompt forward(const GeneEmbeddings&) { return {}; }
};
struct AdapterForward : GoodAdapter {
  using GoodAdapter::GoodAdapter;
  Tensor forward(const Tensor&) { return {}; }
};
struct AdapterBuilt {
  using Settings = NoFields;
  AdapterBuilt(const Settings&, ModelContext&) {}
  SoftPrompt forward(const GeneEmbeddings&) { return {}; }
};
static_assert(Adapter<GoodAdapter>);
static_assert(!Adapter<AdapterForward>);
static_assert(!Adapter<AdapterBuilt>);

// Decoder, its state and its tokenizer
struct GoodState {
  GoodState fork(Rows) const { return {}; }
  void select(Rows) {}
  std::int64_t bytes() const { return 0; }
};
struct StateFork : GoodState {
  GoodState fork(Rows) const = delete;
};
struct StateForkNotConst : GoodState {
  StateForkNotConst fork(Rows) { return {}; }
};
struct StateSelect : GoodState {
  StateSelect fork(Rows) const { return {}; }
  void select() {}
};
struct StateBytes : GoodState {
  StateBytes fork(Rows) const { return {}; }
  std::int64_t bytes() { return 0; }
};
static_assert(DecoderState<GoodState> && DecoderState<test::GruDecoder::State>);
static_assert(!DecoderState<StateFork>);
static_assert(!DecoderState<StateForkNotConst>);
static_assert(!DecoderState<StateSelect>);
static_assert(!DecoderState<StateBytes>);
struct JoinsToNothing : GoodState {
  JoinsToNothing fork(Rows) const { return {}; }
  static void joined(std::span<const JoinsToNothing* const>, std::span<const StateRow>) {}
};
static_assert(JoinedIfAny<GoodState> && JoinedIfAny<test::JoiningGruDecoder::State>);
static_assert(!JoinedIfAny<JoinsToNothing>);

struct NoDecode {
  Ids encode(std::string_view) const { return {}; }
};
struct NoEncode {
  std::string decode(Rows) const { return {}; }
};
static_assert(TextTokenizer<test::LetterTokenizer>);
static_assert(!TextTokenizer<NoDecode>);
static_assert(!TextTokenizer<NoEncode>);

using Gru = test::GruDecoder;
struct DecoderTokenizer : Gru {
  using Gru::Gru;
  NoDecode tokenizer() const { return {}; }
};
struct DecoderChat : Gru {
  using Gru::Gru;
  ChatPieces chat(const ChatText&) { return {}; }
};
struct DecoderEnd : Gru {
  using Gru::Gru;
  std::int64_t end_tokens() const { return 0; }
};
struct DecoderWidth : Gru {
  using Gru::Gru;
  void width() const = delete;
};
struct DecoderVocabulary : Gru {
  using Gru::Gru;
  void vocabulary_size() const = delete;
};
struct DecoderEmbed : Gru {
  using Gru::Gru;
  void embed(const Tensor&) {}
};
struct DecoderNewState : Gru {
  using Gru::Gru;
  GoodState new_state() { return {}; }
};
struct DecoderState2 : Gru {
  using State = NoDecode;
  using Gru::Gru;
};
struct DecoderForward : Gru {
  using Gru::Gru;
  Tensor forward(const Tensor&, const Ids&) { return {}; }
};
struct DecoderLogits : Gru {
  using Gru::Gru;
  void logits(const Tensor&) = delete;
};
struct DecoderLayers : Gru {
  using Gru::Gru;
  std::vector<LinearSlot> linear_layers() { return {}; }
};
struct DecoderSave : Gru {
  using Gru::Gru;
  void save() {}
};
struct DecoderLast : Gru {  // optional, and right
  using Gru::Gru;
  Tensor forward_last(const Tensor&, const Ids&, const Tensor&, const Ids&, State*) { return {}; }
};
struct DecoderLastType : Gru {
  using Gru::Gru;
  void forward_last(const Tensor&, const Ids&, const Tensor&, const Ids&, State*) {}
};
struct DecoderModelTypes : Gru {  // optional, and right
  using Gru::Gru;
  static std::vector<std::string> model_types() { return {}; }
};
struct DecoderModelTypesType : Gru {
  using Gru::Gru;
  static int model_types() { return 1; }
};
struct PromptTokenizer : test::LetterTokenizer {  // optional, and right
  Ids encode_prompt(std::string_view, bool) const { return {}; }
};
struct PromptTokenizerType : test::LetterTokenizer {
  std::string encode_prompt(std::string_view, bool) const { return {}; }
};
template <class T>
struct DecoderPrompt : Gru {
  using Gru::Gru;
  T tokenizer() const { return {}; }
};
struct DecoderBuilt : Gru {
  explicit DecoderBuilt(ModelContext& context) : Gru(Settings(), context) {}
};
static_assert(Decoder<Gru>);
static_assert(!Decoder<DecoderTokenizer>);
static_assert(!Decoder<DecoderChat>);
static_assert(!Decoder<DecoderEnd>);
static_assert(!Decoder<DecoderWidth>);
static_assert(!Decoder<DecoderVocabulary>);
static_assert(!Decoder<DecoderEmbed>);
static_assert(!Decoder<DecoderNewState>);
static_assert(!Decoder<DecoderState2>);
static_assert(!Decoder<DecoderForward>);
static_assert(!Decoder<DecoderLogits>);
static_assert(!Decoder<DecoderLayers>);
static_assert(!Decoder<DecoderSave>);
static_assert(Decoder<DecoderLast>);
static_assert(!Decoder<DecoderLastType>);
static_assert(Decoder<DecoderModelTypes>);
static_assert(!Decoder<DecoderModelTypesType>);
static_assert(Decoder<DecoderPrompt<PromptTokenizer>>);
static_assert(!Decoder<DecoderPrompt<PromptTokenizerType>>);
static_assert(!Decoder<DecoderBuilt>);

// FineTuning
struct GoodTuning {
  using Settings = NoFields;
  GoodTuning(const Settings&, ModelContext&) {}
  void prepare(const DecoderView&) {}
  bool changes_base() const { return false; }
  void save(const Folder&) {}
  void load(const Folder&) {}
  void merge() {}
};
struct TuningPrepare : GoodTuning {
  using GoodTuning::GoodTuning;
  void prepare() {}
};
struct TuningBase : GoodTuning {
  using GoodTuning::GoodTuning;
  bool changes_base() { return false; }
};
struct TuningSave : GoodTuning {
  using GoodTuning::GoodTuning;
  void save() {}
};
struct TuningLoad : GoodTuning {
  using GoodTuning::GoodTuning;
  void load() {}
};
struct TuningMerge : GoodTuning {
  using GoodTuning::GoodTuning;
  void merge() = delete;
};
static_assert(FineTuning<GoodTuning>);
static_assert(!FineTuning<TuningPrepare>);
static_assert(!FineTuning<TuningBase>);
static_assert(!FineTuning<TuningSave>);
static_assert(!FineTuning<TuningLoad>);
static_assert(!FineTuning<TuningMerge>);

// Metric
struct GoodMetric {
  using Settings = NoFields;
  GoodMetric(const Settings&, const Context&) {}
  Scores score(std::span<const Prediction>, const KnownLabels&) const { return {}; }
};
struct MetricNotConst : GoodMetric {
  using GoodMetric::GoodMetric;
  Scores score(std::span<const Prediction>, const KnownLabels&) { return {}; }
};
struct MetricOneArgument : GoodMetric {
  using GoodMetric::GoodMetric;
  Scores score(std::span<const Prediction>) const { return {}; }
};
struct MetricBuilt {
  using Settings = NoFields;
  Scores score(std::span<const Prediction>, const KnownLabels&) const { return {}; }
};
struct MetricLabels : GoodMetric {  // optional, and right
  using GoodMetric::GoodMetric;
  bool compares_texts() const { return false; }
};
struct MetricLabelsType : GoodMetric {
  using GoodMetric::GoodMetric;
  std::string compares_texts() const { return ""; }
};
struct MetricConfidences : GoodMetric {  // optional, and right
  using GoodMetric::GoodMetric;
  bool reads_confidences() const { return true; }
};
struct MetricConfidencesType : GoodMetric {
  using GoodMetric::GoodMetric;
  int reads_confidences() const { return 1; }
};
static_assert(Metric<GoodMetric>);
static_assert(Metric<MetricLabels>);
static_assert(!Metric<MetricLabelsType>);
static_assert(Metric<MetricConfidences>);
static_assert(!Metric<MetricConfidencesType>);
static_assert(!Metric<MetricNotConst>);
static_assert(!Metric<MetricOneArgument>);
static_assert(!Metric<MetricBuilt>);

// Baseline
struct GoodBaseline {
  using Settings = NoFields;
  GoodBaseline(const Settings&, const Context&) {}
  BaselineNeeds needs() const { return {}; }
  void fit(const BaselineCells&, const BaselineCells&) {}
  BaselineAnswers predict(const BaselineCells&) const { return {}; }
  void save(const Folder&) const {}
  void load(const Folder&) {}
};
struct BaselineWithoutNeeds : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  void needs() const = delete;
};
struct BaselineFit : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  void fit(const BaselineCells&) {}
};
struct LongBaseline : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  void fit(const BaselineCells&, const BaselineCells&, const StopQuestion&) {}
};
struct BaselinePredict : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  BaselineAnswers predict(const BaselineCells&) { return {}; }
};
struct BaselineSave : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  void save() {}
};
struct BaselineLoad : GoodBaseline {
  using GoodBaseline::GoodBaseline;
  void load() {}
};
static_assert(Baseline<GoodBaseline>);
static_assert(!Baseline<BaselineWithoutNeeds>);
static_assert(Baseline<LongBaseline>);
static_assert(!Baseline<BaselineFit>);
static_assert(!Baseline<BaselinePredict>);
static_assert(!Baseline<BaselineSave>);
static_assert(!Baseline<BaselineLoad>);

}  // namespace

TEST_CASE("concepts: each kind accepts its own class and no other") {
  CHECK(kinds::source::satisfied<GoodSource>);
  CHECK(kinds::encoder::satisfied<GoodEncoder>);
  CHECK(kinds::adapter::satisfied<GoodAdapter>);
  CHECK(kinds::decoder::satisfied<Gru>);
  CHECK(kinds::finetuning::satisfied<GoodTuning>);
  CHECK(kinds::metric::satisfied<GoodMetric>);
  CHECK(kinds::baseline::satisfied<GoodBaseline>);
  CHECK(!kinds::baseline::satisfied<GoodMetric>);
  CHECK(!kinds::source::satisfied<GoodMetric>);
  CHECK(!kinds::encoder::satisfied<Gru>);
  CHECK(!kinds::adapter::satisfied<GoodEncoder>);
  CHECK(!kinds::decoder::satisfied<GoodEncoder>);
  CHECK(!kinds::finetuning::satisfied<GoodSource>);
  CHECK(!kinds::metric::satisfied<GoodBaseline>);
}

TEST_CASE("concepts: a state's joined and settle are optional, and it says whether joined is there") {
  struct Joins : GoodState {
    Ids seen = {};
    Joins fork(Rows) const { return {}; }
    void settle() { seen.push_back(-1); }
    static Joins joined(std::span<const Joins* const> states, std::span<const StateRow> rows) {
      Joins all;
      for (const StateRow& from : rows) all.seen.push_back(states[from.state]->seen.at(from.row));
      return all;
    }
  };
  static_assert(DecoderState<Joins> && JoinedIfAny<Joins>);
  StateHandle one(std::make_unique<objects::WrappedState<Joins>>(Joins{{}, {7, 8}})),
      other(std::make_unique<objects::WrappedState<Joins>>(Joins{{}, {9}}));
  CHECK(one.can_join());
  other.settle();
  const StateHandle* const both[] = {&one, &other};
  const std::vector<StateRow> rows{{1, 0}, {0, 1}, {1, 1}, {0, 0}};
  StateHandle all = StateHandle::joined(both, rows);
  CHECK((static_cast<Joins*>(all.object()->concrete())->seen == Ids{9, 8, -1, 7}));

  StateHandle without(std::make_unique<objects::WrappedState<GoodState>>(GoodState{}));
  CHECK(!without.can_join());
  without.settle();  // a hint that nothing is made of
  const StateHandle* const alone[] = {&without};
  CHECK_THROWS_AS(StateHandle::joined(alone, std::vector<StateRow>{{0, 0}}), BugError);
}

TEST_CASE("concepts: truncate is optional, and the state says whether it is there") {
  struct Cut : GoodState {
    Ids* seen = nullptr;
    Cut fork(Rows) const { return {}; }
    void truncate(Rows lengths) { seen->assign(lengths.begin(), lengths.end()); }
  };
  static_assert(DecoderState<Cut>);
  Ids seen;
  Cut state;
  state.seen = &seen;
  StateHandle with(std::make_unique<objects::WrappedState<Cut>>(state));
  CHECK(with.can_truncate());
  with.truncate(Ids{3, 1});
  CHECK(seen == Ids{3, 1});

  StateHandle without(std::make_unique<objects::WrappedState<GoodState>>(GoodState{}));
  CHECK(!without.can_truncate());
  CHECK_THROWS_AS(without.truncate(Ids{3}), BugError);
}
