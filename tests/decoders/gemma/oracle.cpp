// The Gemma decoder against transformers, on random models made anew: Gemma 3, its vision-language form, Gemma 2.
#include "decoders/parity.hpp"
#include "gemma.hpp"

using namespace cell2text;
using test::check_reloaded, test::make_decoder, test::checkpoint_table;

TEST_CASE("oracle: gemma: logits, gradients, greedy and beam texts, chat prompts of random models") {
  test::check_family<gemma::Gemma>("gemma", 8);
}

TEST_CASE("oracle: gemma: what is saved loads in transformers without a warning and gives the same logits") {
  const test::TemporaryFolder folder;
  const auto tied = make_decoder<gemma::Gemma>(test::tiny_gemma(true), 1);
  tied.handle->save(folder / "tied");
  const auto untied = make_decoder<gemma::Gemma>(test::tiny_gemma(false), 2);
  untied.handle->save(folder / "untied");
  // The same as the text part of a vision-language model, of which the scaling is linear, opened and saved again.
  std::filesystem::copy(folder / "untied", folder / "images");
  auto json = read_json(folder / "images" / "config.json");
  json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  test::write_file(
      folder / "images" / "config.json",
      nlohmann::json{{"model_type", "gemma3"}, {"text_config", json}, {"vision_config", {{"a", 1}}}}.dump());
  const auto images = make_decoder<gemma::Gemma>(checkpoint_table(folder / "images"), 3);
  images.handle->save(folder / "again");
  check_reloaded({{"tied", &tied}, {"untied", &untied}, {"again", &images}}, folder.path());
  torch::manual_seed(1);
  const Tensor x = torch::randn({1, 9, tied.handle->width()});
  CHECK(test::distance(test::prompt_logits(*images.handle, x, {9}), test::prompt_logits(*untied.handle, x, {9})) >
        1e-3);
}
