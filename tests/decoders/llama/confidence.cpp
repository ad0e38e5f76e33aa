// How sure a Llama is of labels, against transformers reading every way of writing every label by itself.
#include "cell2text/io/tensors.hpp"
#include "decoders/parity.hpp"
#include "llama.hpp"
#include "support/confidence_cases.hpp"

using namespace cell2text;
using namespace cell2text::test::confidence_cases;

TEST_CASE("oracle: llama: confidences of labels are those of transformers over every path with its terminator") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto base = test::oracle("generation.py", seed);
  const auto made = test::make_decoder<llama::Llama>(test::checkpoint_table(base / "model"), seed);
  const SmallPrompts prompts(made.handle->width(), seed);
  const test::TemporaryFolder folder;
  save_tensors(folder / "prompts.safetensors", {{"prompts", prompts.values_BTD}});
  const Cases cases = random_cases(seed);
  nlohmann::json asked = nlohmann::json::array();
  for (const PlaceCase& place : cases.places)
    for (const auto& [label, words] : place.wordings)
      asked.push_back({{"prompt", place.prompt},
                       {"length", prompts.lengths[place.prompt]},
                       {"before", place.before},
                       {"words", words}});
  test::write_file(folder / "asked.json", asked.dump());
  const auto answered = test::oracle(
      "label_probabilities.py", seed,
      {(base / "model").string(), (folder / "prompts.safetensors").string(), (folder / "asked.json").string()});
  const nlohmann::json answers = nlohmann::json::parse(test::read_file(answered / "answers.json"));
  REQUIRE(answers.size() == asked.size());
  std::size_t next = 0;  // they are asked in the same order
  check_confidences(*made.handle, prompts, cases, [&](std::int64_t b, const std::string&, const std::string& words) {
    REQUIRE((asked[next]["prompt"] == b && asked[next]["words"] == words));
    return answers[next++].get<double>();
  });
  CHECK(next == asked.size());
}
