// The qformer's settings: their rules, and what a BERT's config.json decides.
#include "adapters/qformer/settings.hpp"

#include "adapters/adapter_checks.hpp"
#include "support/bert_folder.hpp"

namespace cell2text::qformer {

namespace {

Value number(std::int64_t value) {
  return {value, {}};
}
Value text(const std::string& value) {
  return {value, {}};
}

/// The settings of a table with `bert` and one more key.
Settings with_bert(const test::BertFolder& bert, const std::string& key = "layers", const Value& value = number(3)) {
  Value table;
  table.set("layers", number(3));
  table.set("bert", text(bert.write()));
  table.set(key, value);
  return test::settings_of<Settings>(table);
}

}  // namespace

TEST_CASE("qformer settings: without a BERT, auto stays auto") {
  const auto settings = test::settings_of<Settings>({Value::Table{}, {}});
  CHECK(!settings.width.value);
  CHECK(settings.num_heads() == 8);
  CHECK(settings.epsilon() == 1e-12);
  CHECK(settings.activation == "auto");
}

TEST_CASE("qformer settings: outside their choices and ranges they are refused") {
  Value table;
  for (const char* key : {"queries", "width", "layers", "heads", "feed_forward", "cross_every"})
    table.set(key, number(0));
  table.set("activation", text("swish"));
  table.set("dropout", {1.0, {}});
  table.set("layer_norm_epsilon", {-1e-6, {}});
  CHECK(test::faults_of<Settings>(table) == 9);
}

TEST_CASE("qformer settings: heads that do not divide the width are refused") {
  Value table;
  table.set("width", number(20));
  CHECK_THROWS_WITH_AS(test::settings_of<Settings>(table),
                       doctest::Contains("'heads' is 8, which does not divide 'width' (20;"), InputError);
  table.set("heads", number(5));
  CHECK_NOTHROW(test::settings_of<Settings>(table));
}

TEST_CASE("qformer settings: a BERT decides what is auto, and settings that say the same are taken") {
  const auto settings = with_bert({});
  CHECK(settings.width.value == 16);
  CHECK(settings.heads.value == 4);
  CHECK(settings.feed_forward.value == 24);
  CHECK(settings.activation == "relu");
  CHECK(settings.layer_norm_epsilon == 1e-6);
  const Value resolved = write_settings(settings);
  CHECK(*resolved.find("width")->get_if<std::int64_t>() == 16);
  CHECK(*resolved.find("activation")->get_if<std::string>() == "relu");
  CHECK(write_settings(with_bert({}, "width", number(16))).find("width") != nullptr);
  CHECK_NOTHROW(with_bert({}, "activation", text("relu")));
  CHECK_NOTHROW(with_bert({}, "layer_norm_epsilon", {1e-6, {}}));
}

TEST_CASE("qformer settings: those that say otherwise than the BERT are refused, with both values") {
  const auto refused = [](const std::string& key, const Value& value, const std::string& message) {
    CHECK_THROWS_WITH_AS(with_bert({}, key, value), doctest::Contains(message.c_str()), InputError);
  };
  refused("width", number(20), "config.json: 'hidden_size' is 16, and the setting 'width' is 20");
  refused("heads", number(2), "'num_attention_heads' is 4, and the setting 'heads' is 2");
  refused("feed_forward", number(64), "'intermediate_size' is 24, and the setting 'feed_forward' is 64");
  refused("activation", text("gelu"), "'hidden_act' is relu, and the setting 'activation' is gelu");
  refused("layer_norm_epsilon", {1e-5, {}}, "'layer_norm_eps' is 1e-06, and the setting 'layer_norm_epsilon' is 1e-05");
  refused("layers", number(4), "the model has 3 layers, and 'layers' is 4; set 'layers' to at most 3");
}

TEST_CASE("qformer settings: folders of other models, of sizes beyond the settings', or without a config are refused") {
  const auto refused = [](const std::string& key, const nlohmann::json& value, const std::string& message) {
    test::BertFolder bert;
    bert.config[key] = value;
    CHECK_THROWS_WITH_AS(with_bert(bert), doctest::Contains(message.c_str()), InputError);
  };
  refused("model_type", "roberta", "'model_type' is 'roberta'");
  refused("position_embedding_type", "relative_key", "only 'absolute' is supported");
  refused("hidden_act", "swish", "'hidden_act' is 'swish'");
  refused("hidden_size", 1 << 20, "'hidden_size' is 1048576; 'width' is at most 65536");
  refused("intermediate_size", 1 << 24, "'feed_forward' is at most 1000000");
  refused("layer_norm_eps", 0, "'layer_norm_eps' is 0; a number above 0 is expected");
  Value table;
  table.set("bert", text("/nonexistent"));
  CHECK_THROWS_WITH_AS(test::settings_of<Settings>(table), doctest::Contains("/nonexistent/config.json"), InputError);
}

}  // namespace cell2text::qformer
