// The Llama decoder against LlamaForCausalLM of transformers, on random models made anew.
#include "decoders/parity.hpp"
#include "llama.hpp"

using namespace cell2text;
using test::check_reloaded, test::make_decoder, test::checkpoint_table;

TEST_CASE("oracle: llama: logits, gradients, greedy and beam texts, chat prompts of random models") {
  test::check_family<llama::Llama>("llama", 6);
}

TEST_CASE("oracle: llama: what is saved loads in transformers without a warning and gives the same logits") {
  const test::TemporaryFolder folder;
  const auto tied = make_decoder<llama::Llama>(test::tiny_llama(true), 1);
  tied.handle->save(folder / "tied");
  const auto untied = make_decoder<llama::Llama>(test::tiny_llama(false), 2);
  untied.handle->save(folder / "untied");
  // An older checkpoint, with `rope_scaling`, opened and saved again.
  std::filesystem::copy(folder / "untied", folder / "old");
  auto json = read_json(folder / "old" / "config.json");
  json["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 16}};
  json["torch_dtype"] = "float32";
  test::write_file(folder / "old" / "config.json", json.dump());
  const auto old = make_decoder<llama::Llama>(checkpoint_table(folder / "old"), 3);
  old.handle->save(folder / "again");
  check_reloaded({{"tied", &tied}, {"untied", &untied}, {"again", &old}}, folder.path());
  torch::manual_seed(1);
  const Tensor x = torch::randn({1, 9, tied.handle->width()});
  CHECK(test::distance(test::prompt_logits(*old.handle, x, {9}), test::prompt_logits(*untied.handle, x, {9})) > 1e-3);
}
