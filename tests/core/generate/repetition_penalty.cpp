#include "cell2text/generate/repetition_penalty.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("repetition_penalty: positive scores are divided, negative ones multiplied, each once") {
  Tensor scores = torch::tensor({{2.F, -1.F, 0.F, 4.F}, {1.F, 1.F, 1.F, 1.F}});
  const OwnScores own = penalise_repetition(scores, {{0, 1, 0, 2, 0}, {}}, 2, nullptr);
  CHECK(scores.equal(torch::tensor({{1.F, -2.F, 0.F, 4.F}, {1.F, 1.F, 1.F, 1.F}})));
  CHECK(own.log_probability(0, 0, -99, 3) == 2 - 3);
  CHECK(own.log_probability(0, 1, -99, 3) == -1 - 3);
  CHECK(own.log_probability(0, 3, -5, 3) == -5);  // not changed
  CHECK(own.log_probability(1, 0, -5, 3) == -5);
  CHECK(OwnScores().log_probability(0, 0, -5, 3) == -5);
}

TEST_CASE("repetition_penalty: with normalisers the log probability is changed") {
  Tensor scores = torch::tensor({{2.F, 3.F}});
  const std::vector<double> normalisers{5};
  penalise_repetition(scores, {{0}}, 2, &normalisers);
  CHECK(scores.equal(torch::tensor({{-1.F, 3.F}})));  // 5 + 2 (2 - 5)
}

TEST_CASE("repetition_penalty: what is banned stays banned, and ids outside the vocabulary count for nothing") {
  Tensor scores = torch::tensor({{-INFINITY, 3.F}});
  penalise_repetition(scores, {{0, 7, -1}}, .5, nullptr);
  CHECK(scores.equal(torch::tensor({{-INFINITY, 3.F}})));
  penalise_repetition(scores, {{7}}, 2, nullptr);
  CHECK(scores[0][1].item<float>() == 3);
}
