#include "gemma.hpp"

#include <doctest/doctest.h>

#include "decoders/suite.hpp"
#include "decoders/tables.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using test::make_decoder;
using test::tiny_gemma;
using Tokens = std::vector<std::int64_t>;

static_assert(Decoder<gemma::Gemma>);

namespace {

/// The demo's tokenizer with the special tokens of Gemma, in `folder`.
std::string gemma_tokenizer(const std::filesystem::path& folder) {
  auto json = nlohmann::json::parse(test::read_file(test::demo_tokenizer() + "/tokenizer.json"));
  const std::map<std::string, std::string> names = {{"<|begin_of_text|>", "<bos>"},
                                                    {"<|end_of_text|>", "<eos>"},
                                                    {"<|start_header_id|>", "<start_of_turn>"},
                                                    {"<|eot_id|>", "<end_of_turn>"}};
  for (auto& token : json["added_tokens"])
    if (const auto name = names.find(token["content"]); name != names.end()) {
      auto& vocabulary = json["model"]["vocab"];
      if (vocabulary.contains(name->first)) {
        vocabulary[name->second] = vocabulary[name->first];
        vocabulary.erase(name->first);
      }
      token["content"] = name->second;
    }
  json["post_processor"] = nullptr;
  test::write_file(folder / "tokenizer.json", json.dump());
  return (folder / "tokenizer.json").string();
}

}  // namespace

TEST_CASE("gemma: what every decoder must do") {
  for (const bool tied : {true, false}) {
    const Value table = tiny_gemma(tied);
    test::suite::check_seeds<gemma::Gemma>(table);
    test::suite::check_padding<gemma::Gemma>(table);
    test::suite::check_state<gemma::Gemma>(table);
    test::suite::check_neighbours<gemma::Gemma>(table);
    test::suite::check_saving<gemma::Gemma>(table);
    test::suite::check_attachments<gemma::Gemma>(table);
    test::suite::check_recompute<gemma::Gemma>(table);
    test::suite::check_last<gemma::Gemma>(table);
    test::suite::check_last_layer<gemma::Gemma>(table);
    test::suite::check_types<gemma::Gemma>(table);
    test::suite::check_shapes<gemma::Gemma>(table);
  }
}

TEST_CASE("gemma: a random start has Hugging Face's names, and norms that change nothing") {
  const auto made = make_decoder<gemma::Gemma>(tiny_gemma(), 3);
  for (const char* name : {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                           "post_feedforward_layernorm", "self_attn.q_norm", "self_attn.k_norm"}) {
    const Parameter* found = made.parameters->find("model.layers.2." + std::string(name) + ".weight");
    REQUIRE(found);
    CHECK(found->value.equal(torch::zeros_like(found->value)));
  }
  CHECK_FALSE(made.parameters->find("lm_head.weight"));
  CHECK(made.handle->linear_layers().size() == 3 * 7);
  CHECK(made.handle->state_bytes_per_token() == 3 * 2 * 2 * 10 * 4);
}

TEST_CASE("gemma: tokens are embedded times the square root of the width, rounded to the weights' type") {
  for (const char* dtype : {"float32", "bfloat16"}) {
    Value table = tiny_gemma();
    table.set("dtype", test::text(dtype));
    const auto made = make_decoder<gemma::Gemma>(table, 3);
    const Tensor weights = made.parameters->find("model.embed_tokens.weight")->value.to(torch::kFloat32);
    const double scale = std::string(dtype) == "float32" ? std::sqrt(24.0) : 4.90625;  // the nearest of 8 bits
    const Tensor ids = torch::tensor({{3, 999}, {3, 5}});
    CHECK(at::allclose(made.handle->embed(ids), weights.index_select(0, ids.flatten()).view({2, 2, 24}) * scale));
  }
}

TEST_CASE("gemma: a token of a layer with a window does not see what lies before it") {
  torch::NoGradGuard no_grad;
  Value table = tiny_gemma();
  table.find("architecture")->set("layers", test::number(1));  // with a window of five tokens
  const auto made = make_decoder<gemma::Gemma>(table, 1);
  const auto places = test::suite::positions_of(1, 9);
  const Tensor x = torch::randn({1, 9, 24});
  Tensor other = x.clone();
  other[0][3].add_(1);
  const Tensor a = made.handle->forward(x, {9}, places), b = made.handle->forward(other, {9}, places);
  CHECK(a[0].narrow(0, 0, 3).equal(b[0].narrow(0, 0, 3)));
  for (int t = 3; t < 8; ++t) CHECK_FALSE(a[0][t].equal(b[0][t]));
  CHECK(a[0][8].equal(b[0][8]));
}

TEST_CASE("gemma: plain and gemma prompts") {
  const test::TemporaryFolder folder;
  Value table = tiny_gemma();
  table.set("tokenizer", test::text(gemma_tokenizer(folder.path())));
  const auto tokenizer = Tokenizer::read(folder / "tokenizer.json");
  const ChatText text{"Describe.", "\n Sequence: "};
  const auto plain = make_decoder<gemma::Gemma>(table, 0);
  CHECK(plain.handle->chat(text).before.front() == tokenizer.id_of("<bos>"));
  CHECK(plain.handle->chat(text).after == tokenizer.encode("\n"));

  table.set("template", test::text("gemma"));
  const auto made = make_decoder<gemma::Gemma>(table, 0);
  CHECK(made.handle->chat(text).before == tokenizer.encode("<bos><start_of_turn>user\nDescribe.\n\nSequence: "));
  CHECK(made.handle->chat({"", "Sequence: "}).before == tokenizer.encode("<bos><start_of_turn>user\nSequence: "));
  CHECK(made.handle->chat(text).after == tokenizer.encode("<end_of_turn>\n<start_of_turn>model\n"));
  CHECK(made.handle->end_tokens() ==
        Tokens{tokenizer.id_of("<end_of_turn>").value(), tokenizer.id_of("<eos>").value()});
  // A checkpoint whose tokenizer has turns gets this template, unless it was saved with another.
  plain.handle->save(folder / "plain");
  auto json = read_json(folder / "plain" / "config.json");
  const auto opened = [&] { return make_decoder<gemma::Gemma>(test::checkpoint_table(folder / "plain"), 0); };
  CHECK(opened().handle->chat(text).before == plain.handle->chat(text).before);
  json.erase("cell2text_template");
  test::write_file(folder / "plain" / "config.json", json.dump());
  CHECK(opened().handle->chat(text).before == made.handle->chat(text).before);
}

TEST_CASE("gemma: special tokens may lie beyond the embedding, others may not") {
  const test::TemporaryFolder folder;
  make_decoder<gemma::Gemma>(tiny_gemma(), 0).handle->save(folder / "model");
  auto json = nlohmann::json::parse(test::read_file(folder / "model" / "tokenizer.json"));
  auto token = json["added_tokens"].front();
  token["id"] = 4000;
  token["content"] = "<image_soft_token>";
  json["added_tokens"].push_back(token);
  const auto open = [&] {
    test::write_file(folder / "model" / "tokenizer.json", json.dump());
    return make_decoder<gemma::Gemma>(test::checkpoint_table(folder / "model"), 0);
  };
  CHECK(open().handle->vocabulary_size() == 4000);
  json["added_tokens"].back()["special"] = false;
  CHECK_THROWS_WITH_AS(open(), doctest::Contains("do not belong together"), InputError);
}
