// The BERT encoder alone: what padding, batching, depth, dropout and gradients may and may not change.
#include "cell2text/nn/bert.hpp"

#include "core/io/message.hpp"
#include "support/difference.hpp"
#include "support/oracle.hpp"

using cell2text::BertConfig;
using cell2text::BertEncoder;
using cell2text::InputError;
using cell2text::Parameters;
using cell2text::Tensor;
using cell2text::test::difference;
namespace test = cell2text::test;

namespace {

BertConfig small_config() {
  BertConfig config;
  config.vocabulary_size = 30, config.width = 24, config.layers = 3, config.heads = 3;
  config.feed_forward = 40, config.max_positions = 20;
  config.initializer_range = 0.3;
  return config;
}

nlohmann::json config_json() {
  return small_config().to_json();
}

Parameters parameters(std::uint64_t seed) {
  return {torch::kCPU, torch::kFloat32, seed};
}

}  // namespace

TEST_CASE("bert: each row alone gives what it gives in a batch, whatever the padding holds") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  Parameters set = parameters(seed);
  const BertEncoder bert(set, small_config(), 3);
  torch::manual_seed(seed);
  const std::vector<std::int64_t> lengths = {12, 3, 1, 7, 12};
  Tensor ids = torch::randint(0, 30, {5, 12}, torch::kInt64);
  const Tensor all = bert.forward(ids, lengths, false);
  for (std::int64_t row = 0; row < 5; ++row) {
    const std::int64_t length = lengths[row];
    const Tensor alone = bert.forward(ids.slice(0, row, row + 1).slice(1, 0, length), {length}, false);
    CHECK(difference(all[row].slice(0, 0, length), alone[0]) < 1e-5);
    ids[row].slice(0, length).fill_(29);
  }
  const Tensor other_padding = bert.forward(ids, lengths, false);
  for (std::int64_t row = 0; row < 5; ++row)
    CHECK(difference(all[row].slice(0, 0, lengths[row]), other_padding[row].slice(0, 0, lengths[row])) < 1e-5);
}

TEST_CASE("bert: cell by cell without gradients is as all together with them, and the same bits in any batch") {
  Parameters set = parameters(6);
  const BertEncoder bert(set, small_config(), 2);
  for (auto& parameter : set.list()) parameter.value.requires_grad_(true);
  const std::vector<std::int64_t> lengths = {5, 12, 0, 9};
  const Tensor ids = torch::randint(0, 30, {4, 12}, torch::kInt64);
  const Tensor together = bert.forward(ids, lengths, false).detach();
  const torch::NoGradGuard no_grad;
  const Tensor one_by_one = bert.forward(ids, lengths, false);
  CHECK(one_by_one.sizes() == together.sizes());
  for (const std::int64_t wanted : {1, 4, 7, 12, 40}) {
    const Tensor some = bert.forward(ids, lengths, false, wanted);
    CHECK(some.size(1) == std::min<std::int64_t>(wanted, 12));
    for (std::int64_t row = 0; row < 4; ++row) {
      if (lengths[row] == 0) continue;
      const std::int64_t n = std::min(lengths[row], some.size(1));
      CHECK(difference(some[row].slice(0, 0, n), together[row].slice(0, 0, n)) < 1e-5);
      const Tensor alone =
          bert.forward(ids.slice(0, row, row + 1).slice(1, 0, lengths[row]), {lengths[row]}, false, wanted);
      CHECK(difference(some[row].slice(0, 0, n), alone[0].slice(0, 0, n)) == 0);
    }
  }
}

TEST_CASE("bert: a row of length 0 gives no NaN, also in its gradients") {
  Parameters set = parameters(1);
  const BertEncoder bert(set, small_config(), 2);
  for (auto& parameter : set.list()) parameter.value.requires_grad_(true);
  const Tensor out = bert.forward(torch::zeros({2, 5}, torch::kInt64), {0, 5}, false);
  CHECK(out.isfinite().all().item<bool>());
  out.sum().backward();
  for (auto& parameter : set.list()) CHECK(parameter.value.grad().isfinite().all().item<bool>());
}

TEST_CASE("bert: blocks above the needed one are not declared") {
  Parameters set = parameters(1);
  const BertEncoder bert(set, small_config(), 1);
  CHECK(set.find("bert.encoder.layer.0.attention.self.query.weight") != nullptr);
  CHECK(set.find("bert.encoder.layer.1.attention.self.query.weight") == nullptr);
  CHECK(set.list().size() == 5 + 16);
}

TEST_CASE("bert: gradients reach every parameter and none is recorded without gradient mode") {
  Parameters set = parameters(3);
  const BertEncoder bert(set, small_config(), 2);
  for (auto& parameter : set.list()) parameter.value.requires_grad_(true);
  const Tensor ids = torch::randint(0, 30, {2, 6}, torch::kInt64);
  bert.forward(ids, {6, 4}, false).square().sum().backward();
  for (auto& parameter : set.list()) {
    INFO(parameter.name);
    CHECK(parameter.value.grad().defined());
  }
  const torch::NoGradGuard no_grad;
  CHECK_FALSE(bert.forward(ids, {6, 4}, false).requires_grad());
}

TEST_CASE("bert: dropout acts in training alone, and attention weights have their own") {
  for (const bool hidden : {true, false}) {
    BertConfig config = small_config();
    config.hidden_dropout = hidden ? 0.5 : 0, config.attention_dropout = hidden ? 0 : 0.5;
    Parameters set = parameters(4);
    const BertEncoder bert(set, config, 2);
    const Tensor ids = torch::randint(0, 30, {1, 8}, torch::kInt64);
    const Tensor plain = bert.forward(ids, {8}, false);
    CHECK(difference(plain, bert.forward(ids, {8}, false)) == 0);
    CHECK(difference(plain, bert.forward(ids, {8}, true)) > 1e-3);
  }
}

TEST_CASE("bert: a config that was written is read back") {
  BertConfig config = small_config();
  config.activation = cell2text::Activation::gelu_tanh, config.hidden_dropout = 0.02, config.layer_norm_epsilon = 1e-7;
  config.token_types = 1;
  CHECK(BertConfig::from_json(config.to_json(), "config.json").to_json() == config.to_json());
}

TEST_CASE("bert: keys with a default may be left out") {
  auto json = config_json();
  for (const char* key : {"type_vocab_size", "hidden_dropout_prob", "attention_probs_dropout_prob", "layer_norm_eps",
                          "initializer_range", "position_embedding_type"})
    json.erase(key);
  const auto config = BertConfig::from_json(json, "config.json");
  CHECK(config.token_types == 2);
  CHECK(config.hidden_dropout == 0.1);
  CHECK(config.layer_norm_epsilon == 1e-12);
}

TEST_CASE("bert: a config of another kind or with impossible sizes is refused by key") {
  const std::vector<std::pair<std::string, nlohmann::json>> bad = {{"model_type", "llama"},
                                                                   {"model_type", nullptr},
                                                                   {"position_embedding_type", "relative_key"},
                                                                   {"hidden_size", 0},
                                                                   {"hidden_size", 25},
                                                                   {"vocab_size", -5},
                                                                   {"num_hidden_layers", -1},
                                                                   {"max_position_embeddings", 1LL << 40},
                                                                   {"hidden_act", "swish"},
                                                                   {"hidden_act", 3},
                                                                   {"hidden_dropout_prob", 1.5},
                                                                   {"layer_norm_eps", -1.0},
                                                                   {"type_vocab_size", 0},
                                                                   {"intermediate_size", "x"},
                                                                   {"initializer_range", -0.1}};
  for (const auto& [key, value] : bad) {
    auto json = config_json();
    json[key] = value;
    const auto message = test::message_of<InputError>([&] { BertConfig::from_json(json, "folder/config.json"); });
    INFO(message);
    CHECK(message.find("folder/config.json") != std::string::npos);
    CHECK(message.find(key) != std::string::npos);
  }
}

TEST_CASE("bert: rows of one length together give what each gives alone, for RoBERTa too") {
  const torch::NoGradGuard no_grad;
  for (const char* family : {"bert", "roberta"}) {
    BertConfig config = small_config();
    config.family = family, config.padding_token = 1;
    auto set = parameters(4);
    const BertEncoder bert(set, config, 2);
    CHECK(set.find(std::string(family) + ".encoder.layer.1.output.dense.weight") != nullptr);
    const Tensor ids = torch::randint(2, config.vocabulary_size, {5, config.longest()}, torch::kInt64);
    const Tensor together = bert.forward_together(ids);
    for (std::int64_t row = 0; row < 5; ++row)
      CHECK(difference(together.narrow(0, row, 1), bert.forward(ids.narrow(0, row, 1), {config.longest()}, false)) <
            1e-5);
  }
}

TEST_CASE("bert: RoBERTa's positions start behind its padding, and padding inside a row has none of its own") {
  const torch::NoGradGuard no_grad;
  BertConfig config = small_config();
  config.family = "roberta", config.padding_token = 1;
  CHECK(config.longest() == config.max_positions - 2);
  auto set = parameters(4);
  const BertEncoder roberta(set, config, 0);  // the embeddings alone
  const Tensor ids = torch::tensor({{5, 1, 5, 5}}, torch::kInt64);
  const Tensor out = roberta.forward_together(ids)[0];
  const Tensor expected_positions = torch::tensor({2, 1, 3, 4}, torch::kInt64);
  const auto table = [&](const char* name) {
    return set.find(std::string("roberta.embeddings.") + name + ".weight")->value;
  };
  const Tensor sum = table("word_embeddings").index_select(0, ids[0]) +
                     table("position_embeddings").index_select(0, expected_positions) +
                     table("token_type_embeddings")[0];
  CHECK(difference(out, at::layer_norm(sum, {config.width}, {}, {}, config.layer_norm_epsilon)) < 1e-5);
}

TEST_CASE("bert: a config of RoBERTa is read where it is asked for, with a padding token that leaves positions") {
  auto json = config_json();
  json["model_type"] = "roberta";
  const auto read = [&] { return BertConfig::from_json(json, "config.json", {"bert", "roberta"}); };
  json.erase("pad_token_id");
  CHECK(read().padding_token == 1);
  json["pad_token_id"] = 3;
  CHECK(read().longest() == 16);
  for (const int bad : {-1, 19}) {
    json["pad_token_id"] = bad;
    CHECK(test::message_of<InputError>(read).find("'pad_token_id'") != std::string::npos);
  }
  json["model_type"] = "gpt2";
  CHECK(test::message_of<InputError>(read).find("'bert' or 'roberta'") != std::string::npos);
}
