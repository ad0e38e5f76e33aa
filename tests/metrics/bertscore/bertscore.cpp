// The metric `bertscore`: what its values mean, which layer is taken, which folders are refused.
#include "metrics/bertscore/bertscore.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cell2text/concepts.hpp"
#include "core/io/message.hpp"
#include "metrics/bertscore/folder.hpp"

using cell2text::Context;
using cell2text::InputError;
using cell2text::Prediction;
using cell2text::Scores;
using cell2text::bertscore::BertScore;
using cell2text::bertscore::Settings;
namespace test = cell2text::test;
using test::has;
using test::TextModelFolder;

static_assert(cell2text::Metric<BertScore>);

namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;  // reference, prediction

std::vector<Prediction> pairs(const Texts& texts) {
  std::vector<Prediction> all;
  for (const auto& [reference, prediction] : texts)
    all.push_back({.cell = "", .reference = reference, .prediction = prediction, .labels = {}});
  return all;
}

Settings settings_of(const TextModelFolder& folder) {
  Settings settings;
  settings.model = folder.path();
  settings.name = "x";
  return settings;
}

Scores scored(const Settings& settings, const Texts& texts) {
  return BertScore(settings, Context{}).score(pairs(texts));
}
float f1(const Settings& settings, const std::string& reference, const std::string& prediction) {
  return scored(settings, {{reference, prediction}}).scores[2].per_cell[0];
}

std::string refusal(const Settings& settings) {
  return test::message_of<InputError>([&] { BertScore(settings, Context{}); });
}

const Texts some = {{"t cells.", "b cells."}, {"a cell of the t cell", "the"},
                    {"t cells.", "t cells."}, {"of of of", "of"},
                    {"", "t cell"},           {"cell", "b cells."},
                    {"t cells.", "b cells."}, {"b b b b b b b b b b b b b", "a cell of the t cell"}};

}  // namespace

TEST_CASE("bertscore: three means with a value per cell, named after the model") {
  const TextModelFolder folder;
  const auto scores = scored(settings_of(folder), some).scores;
  REQUIRE(scores.size() == 3);
  CHECK(scores[0].name == "x.precision");
  CHECK(scores[1].name == "x.recall");
  CHECK(scores[2].name == "x.f1");
  for (const auto& score : scores) {
    REQUIRE(score.per_cell.size() == some.size());
    double sum = 0;
    for (const float value : score.per_cell) sum += value;
    CHECK(*score.value == doctest::Approx(sum / static_cast<double>(some.size())));
    CHECK(score.note.empty());
    CHECK(score.higher_is_better);
  }
  CHECK(scores[2].per_cell[0] == scores[2].per_cell[6]);
}

TEST_CASE("bertscore: equal texts give 1, a text without tokens gives 0, no cells give no value") {
  const TextModelFolder folder;
  const auto settings = settings_of(folder);
  for (const auto& score : scored(settings, {{"t cells.", "  t cells.\n"}}).scores)
    CHECK(score.per_cell[0] == doctest::Approx(1).epsilon(1e-5));
  for (const auto& score : scored(settings, {{"", "cell"}, {"cell", " \n"}, {"", ""}}).scores)
    CHECK(score.per_cell == std::vector<float>{0, 0, 0});
  for (const auto& score : scored(settings, {}).scores) {
    CHECK_FALSE(score.value.has_value());
    CHECK(score.note == "no cells");
  }
}

TEST_CASE("bertscore: precision and recall change places with the texts") {
  const TextModelFolder folder;
  const auto one = scored(settings_of(folder), {{"a cell of the", "b cells."}}).scores;
  const auto other = scored(settings_of(folder), {{"b cells.", "a cell of the"}}).scores;
  CHECK(one[0].per_cell[0] == doctest::Approx(other[1].per_cell[0]).epsilon(1e-5));
  CHECK(one[1].per_cell[0] == doctest::Approx(other[0].per_cell[0]).epsilon(1e-5));
  const double p = one[0].per_cell[0], r = one[1].per_cell[0];
  CHECK(one[2].per_cell[0] == doctest::Approx(2 * p * r / (p + r)).epsilon(1e-5));
}

TEST_CASE("bertscore: a cell alone has the value that it has beside others, however many are held at a time") {
  for (const char* family : {"bert", "roberta"}) {
    const TextModelFolder folder(family);
    auto settings = settings_of(folder);
    const auto together = scored(settings, some).scores;
    for (const std::int64_t tokens : {1, 30}) {
      settings.batch_tokens = tokens;
      const auto in_buckets = scored(settings, some).scores;
      for (std::size_t i = 0; i < some.size(); ++i)
        for (int s = 0; s < 3; ++s) {
          CHECK(std::abs(in_buckets[s].per_cell[i] - together[s].per_cell[i]) < 1e-5);
          const auto alone = scored(settings, {some[i]}).scores[s].per_cell[0];
          CHECK(std::abs(alone - together[s].per_cell[i]) < 1e-5);
        }
    }
  }
}

TEST_CASE("bertscore: `layer` counts outputs of blocks, and blocks above it are not computed") {
  TextModelFolder folder;
  auto settings = settings_of(folder);
  std::vector<float> values;
  for (const std::int64_t layer : {0, 1, 2, 3}) {
    settings.layer.value = layer;
    values.push_back(f1(settings, "t cells.", "a cell"));
  }
  settings.layer.value.reset();
  CHECK(f1(settings, "t cells.", "a cell") == values[3]);
  CHECK(std::set<float>(values.begin(), values.end()).size() == 4);
  folder["bert.encoder.layer.2.output.dense.weight"].fill_(std::nan(""));
  folder["bert.encoder.layer.1.attention.output.LayerNorm.bias"].fill_(std::nan(""));
  folder.write();
  settings.layer.value = 1;
  CHECK(f1(settings, "t cells.", "a cell") == values[1]);
  folder.config["num_hidden_layers"] = 1;  // the same without the blocks above
  std::erase_if(folder.tensors, [](const auto& one) {
    return one.first.starts_with("bert.encoder.layer.1.") || one.first.starts_with("bert.encoder.layer.2.");
  });
  folder.write();
  CHECK(f1(settings, "t cells.", "a cell") == values[1]);
}

TEST_CASE("bertscore: the position of a token matters, and RoBERTa's begin behind its padding") {
  TextModelFolder folder("roberta");
  auto settings = settings_of(folder);
  CHECK(f1(settings, "ab", "ba") < 0.999f);
  const float before = f1(settings, "t cells", "a cell");
  folder["roberta.embeddings.position_embeddings.weight"].narrow(0, 0, 2).fill_(100);
  folder.write();
  CHECK(f1(settings, "t cells", "a cell") == before);
  folder["roberta.embeddings.position_embeddings.weight"].narrow(0, 2, 1).fill_(100);
  folder.write();
  CHECK(f1(settings, "t cells", "a cell") != before);
}

TEST_CASE(
    "bertscore: tensors may lack the family's prefix, have heads beside them, or be named as in old checkpoints") {
  for (const char* family : {"bert", "roberta"}) {
    TextModelFolder folder(family);
    const auto settings = settings_of(folder);
    const float value = f1(settings, "t cells", "a cell");
    for (auto& [name, tensor] : folder.tensors) {
      name.erase(0, name.find('.') + 1);
      if (name.ends_with("LayerNorm.weight")) name.replace(name.size() - 6, 6, "gamma");
      if (name.ends_with("LayerNorm.bias")) name.replace(name.size() - 4, 4, "beta");
    }
    folder.tensors.emplace_back("pooler.dense.weight", torch::randn({16, 16}));
    folder.tensors.emplace_back("lm_head.bias", torch::randn({7}));
    folder.tensors.emplace_back("embeddings.position_ids", torch::arange(24).unsqueeze(0));
    folder.write();
    CHECK(f1(settings, "t cells", "a cell") == value);
  }
}

TEST_CASE("bertscore: with idf, tokens that few references hold count more") {
  const TextModelFolder folder;
  auto settings = settings_of(folder);
  const Texts texts = {{"t cell", "t"}, {"b cell", "cell"}, {"a cell", "a"}};
  const auto plain = scored(settings, texts).scores;
  settings.idf = true;
  const auto weighted = scored(settings, texts).scores;
  // 'cell' is in all of them and weighs nothing: the recall is that of the other token alone.
  CHECK(weighted[1].per_cell[0] != plain[1].per_cell[0]);
  CHECK(std::isnan(weighted[0].per_cell[1]));
  CHECK(weighted[2].per_cell[1] == 0);
  CHECK(*weighted[0].value ==
        doctest::Approx((weighted[0].per_cell[0] + weighted[0].per_cell[2]) / 2));  // over those that have one
  const auto single = scored(settings, {{"t cell", "t cell"}}).scores;
  CHECK_FALSE(single[0].value.has_value());
  CHECK(has(single[0].note, "idf"));
}

TEST_CASE("bertscore: idf weights are log((N + 1) / (n + 1))") {
  const std::vector<std::int64_t> a{2, 5, 5, 3}, b{2, 6, 3};
  const auto weights = cell2text::bertscore::TokenWeights::idf(10, {&a, &b, &b});
  CHECK(weights(2) == 0);
  CHECK(weights(5) == doctest::Approx(std::log(4.0 / 2)));
  CHECK(weights(6) == doctest::Approx(std::log(4.0 / 3)));
  CHECK(weights(9) == doctest::Approx(std::log(4.0)));
}

TEST_CASE(
    "bertscore: long texts are cut where the settings, the tokenizer or the model say, and the note tells how many") {
  const TextModelFolder folder;
  auto settings = settings_of(folder);
  const std::string long_text = "t cell of the b cell of the a cell of the t cell of the b cells . . . t b a";
  CHECK(BertScore(settings, Context{}).encoder().max_tokens() == 24);
  const auto cut = scored(settings, {{long_text, long_text + " of the t"}}).scores;
  CHECK(cut[0].note == "2 of 2 distinct texts were cut");
  CHECK(cut[0].per_cell[0] == doctest::Approx(1).epsilon(1e-5));
  settings.max_tokens.value = 4;
  CHECK(f1(settings, "t cell of", "t cell b a") == doctest::Approx(1).epsilon(1e-5));
  CHECK(scored(settings, {{"t cell of", "t cell"}}).scores[0].note == "1 of 2 distinct texts were cut");
  settings.max_tokens.value.reset();
  test::write_file(folder.folder / "tokenizer_config.json", R"({"model_max_length": 5})");
  CHECK(BertScore(settings, Context{}).encoder().max_tokens() == 5);
  test::write_file(folder.folder / "tokenizer_config.json", R"({"model_max_length": 512})");
  CHECK(BertScore(settings, Context{}).encoder().max_tokens() == 24);
  CHECK(BertScore(settings_of(TextModelFolder("roberta")), Context{}).encoder().max_tokens() == 22);
}

TEST_CASE("bertscore: the name in the scores is the setting's, the preset's or the folder's") {
  Settings settings;
  settings.model = "models/all-MiniLM.L6 v2/";
  CHECK(settings.score_name() == "all-MiniLM-L6-v2");
  settings.model = "/";
  CHECK(settings.score_name() == "model");
  settings.preset = "biobert-large";
  CHECK(settings.score_name() == "biobert-large");
  settings.name = "own";
  CHECK(settings.score_name() == "own");
  for (const char* bad : {"", "a b", "a.f1", "\u00e9"}) {
    settings.name = bad;
    CHECK(has(test::message_of<InputError>([&] { settings.score_name(); }), "the model's name"));
  }
}

TEST_CASE("bertscore: what is wrong with the folder is said at the start") {
  TextModelFolder folder;
  const Settings good = settings_of(folder);
  const auto with = [&](auto change) {
    Settings settings = good;
    change(settings);
    return refusal(settings);
  };
  CHECK(has(with([](Settings& s) { s.model = "/nowhere/at/all"; }), "/nowhere/at/all"));
  CHECK(has(with([](Settings& s) { s.layer.value = 4; }), "at most 3"));
  CHECK(has(with([](Settings& s) { s.max_tokens.value = 25; }), "24 positions"));
  CHECK(has(with([](Settings& s) { s.preset = "roberta-large"; }), "'roberta'"));
  CHECK(has(with([](Settings& s) { s.preset = "biobert-large"; }), "24 by the preset"));

  const auto changed = [&](const std::string& key, const nlohmann::json& value) {
    TextModelFolder other;
    other.config[key] = value;
    other.write();
    return refusal(settings_of(other));
  };
  CHECK(has(changed("model_type", "gpt2"), "'bert' or 'roberta'"));
  CHECK(has(changed("vocab_size", 12), "'vocab_size' is 12"));
  CHECK(has(changed("vocab_size", 14), "bert.embeddings.word_embeddings.weight"));
  CHECK(has(changed("max_position_embeddings", 2), "2 positions"));
  CHECK(has(changed("num_hidden_layers", 2), "bert.encoder.layer.2."));
  CHECK(has(changed("num_hidden_layers", 4), "bert.encoder.layer.3."));

  TextModelFolder old_config;  // without a model_type: a preset knows it
  old_config.config.erase("model_type");
  old_config.write();
  CHECK(has(refusal(settings_of(old_config)), "'model_type' is missing"));
  Settings by_preset = settings_of(old_config);
  by_preset.preset = "biobert-large", by_preset.layer.value = 2;
  CHECK(BertScore(by_preset, Context{}).encoder().layer() == 2);

  TextModelFolder roberta("roberta");
  roberta.config["pad_token_id"] = 23;
  roberta.write();
  CHECK(has(refusal(settings_of(roberta)), "'pad_token_id' is 23"));

  folder.tensors.emplace_back("bert.encoder.layer.0.other.weight", torch::randn({2}));
  folder.write();
  CHECK(has(refusal(good), "bert.encoder.layer.0.other.weight"));
  std::filesystem::remove(folder.folder / "model.safetensors");
  CHECK(has(refusal(good), "holds no weights"));
  std::filesystem::remove(folder.folder / "config.json");
  CHECK(has(refusal(good), "config.json"));
  std::filesystem::remove(folder.folder / "vocab.txt");
  CHECK(has(refusal(good), "no tokenizer"));
}

TEST_CASE("bertscore: a vocabulary with capitals that nothing explains is told of") {
  TextModelFolder folder;
  folder.config["vocab_size"] = 14;
  folder["bert.embeddings.word_embeddings.weight"] = torch::randn({14, 16});
  folder.write();
  test::write_file(folder.folder / "vocab.txt", test::read_file(folder.folder / "vocab.txt") + "The\n");
  std::string log;
  Context context;
  context.log.self = &log;
  context.log.write = [](void* self, cell2text::Log::Level level, const char* text) {
    if (level == cell2text::Log::Level::warning) *static_cast<std::string*>(self) += text;
  };
  BertScore(settings_of(folder), context);
  CHECK(has(log, "do_lower_case"));
}
