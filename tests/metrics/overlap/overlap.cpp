// BLEU, ROUGE and the metric `overlap` against values that can be worked out by hand or the slow way.
#include "metrics/overlap/overlap.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "support/oracle.hpp"

using cell2text::Context;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;
using cell2text::overlap::Bleu;
using cell2text::overlap::BleuScorer;
using cell2text::overlap::Overlap;
using cell2text::overlap::Rouge;
using cell2text::overlap::RougeScorer;
using cell2text::overlap::TokenIds;

namespace {

std::vector<std::string> white_space_tokens(std::string_view text) {
  std::vector<std::string> tokens;
  cell2text::overlap::each_white_space_token(text, [&](std::string_view token) { tokens.emplace_back(token); });
  return tokens;
}

std::string lowered(std::string_view text) {
  std::string out = "left over from the text before";
  cell2text::overlap::rouge_lower(text, out);
  return out;
}

std::size_t slow_subsequence(const TokenIds& a, const TokenIds& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j)
      table[i + 1][j + 1] = a[i] == b[j] ? table[i][j] + 1 : std::max(table[i][j + 1], table[i + 1][j]);
  return table.back().back();
}

std::size_t slow_matches(const TokenIds& a, const TokenIds& b, std::size_t n) {
  std::map<TokenIds, std::size_t> counts;
  for (std::size_t i = 0; i + n <= a.size(); ++i) ++counts[TokenIds(a.begin() + i, a.begin() + i + n)];
  std::size_t matches = 0;
  for (std::size_t i = 0; i + n <= b.size(); ++i) {
    std::size_t& left = counts[TokenIds(b.begin() + i, b.begin() + i + n)];
    if (left > 0) --left, ++matches;
  }
  return matches;
}

/// Token lists of lengths around the words of the bit-parallel table, over few and many tokens.
TokenIds random_tokens(std::mt19937_64& random, std::uint32_t distinct) {
  static constexpr std::size_t lengths[] = {0, 1, 2, 3, 10, 63, 64, 65, 127, 128, 129, 300};
  TokenIds tokens(lengths[random() % std::size(lengths)]);
  for (auto& token : tokens) token = static_cast<std::uint32_t>(random() % distinct);
  return tokens;
}

const Score& named(const Scores& scores, const std::string& name) {
  for (const Score& score : scores.scores)
    if (score.name == name) return score;
  FAIL("no score named " << name);
  throw 0;
}

Prediction pair_of(std::string reference, std::string prediction) {
  return {.cell = "c", .reference = std::move(reference), .prediction = std::move(prediction), .labels = {}};
}

}  // namespace

TEST_CASE("tokens: white space is that of Python's split") {
  CHECK(white_space_tokens("").empty());
  CHECK(white_space_tokens(" \t\r\n").empty());
  CHECK(white_space_tokens("a\u00a0b\u2003c\u3000d\u0085e\x1c"
                           "f") == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
  CHECK(white_space_tokens("a\u200b\u2010b") == std::vector<std::string>{"a\u200b\u2010b"});
  CHECK(white_space_tokens(std::string("a\0b\x7f", 4)) == std::vector<std::string>{std::string("a\0b\x7f", 4)});
}

TEST_CASE("tokens: broken UTF-8 is text, and is not read past its end") {
  CHECK(white_space_tokens("\xe2").size() == 1);
  CHECK(white_space_tokens("\xe2\x80").size() == 1);
  CHECK(white_space_tokens("\xc2").size() == 1);
  CHECK(white_space_tokens("a \xff\xe2 b") == std::vector<std::string>{"a", "\xff\xe2", "b"});
}

TEST_CASE("tokens: ROUGE keeps lower-cased letters and digits") {
  CHECK(lowered("CD8+ T-cell, 1.5") == "cd8  t cell  1 5");
  CHECK(lowered("caf\u00e9s") == "caf  s");
  CHECK(lowered("\u212aelvin \u0130ki") == "kelvin i ki");
  CHECK(lowered("\xe2\x84") == "  ");
}

TEST_CASE("tokens: the longest common subsequence equals the table's") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  cell2text::overlap::LongestCommonSubsequence subsequence;
  cell2text::overlap::NgramMatches matches;
  for (int round = 0; round < 400; ++round) {
    const std::uint32_t distinct = round % 2 ? 3 : 200;
    const TokenIds a = random_tokens(random, distinct), b = random_tokens(random, distinct);
    REQUIRE(subsequence.length(a, b, distinct) == slow_subsequence(a, b));
    REQUIRE(subsequence.length(a, a, distinct) == a.size());
    matches.start(a, b, distinct);
    for (std::size_t n = 1; n <= 5; ++n) REQUIRE(matches.next() == slow_matches(a, b, n));
  }
}

TEST_CASE("tokens: numbering keeps its numbers through growth and many rounds") {
  cell2text::overlap::Numbering<std::string_view> words;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i)
    names.push_back("w" + std::string(static_cast<std::size_t>(i % 20), 'x') + std::to_string(i));
  for (const std::size_t most : {3u, 5000u, 40u, 5000u}) {
    words.start(most);
    CHECK(words.find("w") == words.absent);
    for (std::size_t i = 0; i < most; ++i) REQUIRE(words.add(names[i]) == i);
    for (std::size_t i = 0; i < most; ++i) REQUIRE(words.find(names[i]) == i);
    for (std::size_t i = 0; i < most; ++i) REQUIRE(words.add(names[i]) == i);
    CHECK(words.size() == most);
  }
}

TEST_CASE("bleu: equal texts score 1, foreign and empty ones 0") {
  BleuScorer bleu;
  CHECK(bleu.score("a b c d e", "a b c d e").bleu_4 == doctest::Approx(1));
  CHECK(bleu.score("a b c d e", " a  b\tc d\ne ").bleu_2 == doctest::Approx(1));
  for (const auto& [reference, hypothesis] :
       {std::pair{"a b", "c d"}, {"a b", ""}, {"", "a b"}, {"", ""}, {" ", " "}}) {
    CHECK(bleu.score(reference, hypothesis).bleu_2 == 0);
    CHECK(bleu.score(reference, hypothesis).bleu_4 == 0);
  }
}

TEST_CASE("bleu: one matching token leaves the orders without matches out") {
  BleuScorer bleu;
  CHECK(bleu.score("a", "a").bleu_4 == 1);
  CHECK(bleu.score("a b c", "a").bleu_2 == doctest::Approx(std::exp(-2.0)));
}

TEST_CASE("bleu: clipped counts, brevity and smoothing worked out by hand") {
  BleuScorer bleu;
  // one of three "the" counts; bigrams: log(3)/10 of 2; trigrams: log(3)/20 of 1; 4-grams: log(3)/40 of 1
  const double one = std::log(1.0 / 3), two = std::log(std::log(3) / 10 / 2), three = std::log(std::log(3) / 20),
               four = std::log(std::log(3) / 40);
  const Bleu same_length = bleu.score("the cat sat", "the the the");
  CHECK(same_length.bleu_2 == doctest::Approx(std::exp((one + two) / 2)));
  CHECK(same_length.bleu_4 == doctest::Approx(std::exp((one + two + three + four) / 4)));
  CHECK(bleu.score("the cat sat on mats today", "the the the").bleu_2 ==
        doctest::Approx(std::exp(-1.0) * std::exp((one + two) / 2)));
}

TEST_CASE("rouge: precision, recall and F worked out by hand") {
  RougeScorer rouge;
  const Rouge score = rouge.score("The cat, the mat sat.", "the the the cat sat up");
  CHECK(score.rouge_1.precision == doctest::Approx(4.0 / 6));
  CHECK(score.rouge_1.recall == doctest::Approx(4.0 / 5));
  CHECK(score.rouge_1.f == doctest::Approx(2 * 4.0 / 11));
  CHECK(score.rouge_2.precision == doctest::Approx(1.0 / 5));
  CHECK(score.rouge_2.recall == doctest::Approx(1.0 / 4));
  CHECK(score.rouge_l.precision == doctest::Approx(3.0 / 6));
  CHECK(score.rouge_l.recall == doctest::Approx(3.0 / 5));
  for (const auto& [reference, prediction] : {std::pair{"", ""}, {"a", ""}, {"", "a"}, {"..", "!"}, {"a", "b"}})
    CHECK(rouge.score(reference, prediction).rouge_l.f == 0);
  CHECK(rouge.score("one", "one").rouge_2.f == 0);  // too short for a bigram
}

TEST_CASE("overlap: means and values per cell, by name") {
  const std::vector<Prediction> predictions{pair_of("a b c d", "a b c d"), pair_of("a b c d", "x"),
                                            pair_of("a b c d", "a b c d "), pair_of("", "")};
  const Scores scores = Overlap({}, Context{}).score(predictions);
  CHECK(scores.scores.size() == 12);
  CHECK(scores.confusion.empty());
  CHECK(named(scores, "exact").value == 0.5);
  CHECK(named(scores, "exact").per_cell == std::vector<float>{1, 0, 0, 1});
  CHECK(*named(scores, "bleu_4").value == doctest::Approx(0.5));
  CHECK(*named(scores, "rouge_l_recall").value == doctest::Approx(0.5));
  for (const Score& score : scores.scores) {
    CHECK(score.per_cell.size() == 4);
    CHECK(score.higher_is_better);
  }
}

TEST_CASE("overlap: settings leave parts out, and no cells mean no values") {
  CHECK(Overlap({.bleu = false, .rouge = false}, Context{}).score({}).scores.size() == 1);
  CHECK(Overlap({.bleu = true, .rouge = false}, Context{}).score({}).scores.size() == 3);
  for (const Score& score : Overlap({}, Context{}).score({}).scores) {
    CHECK_FALSE(score.value.has_value());
    CHECK(score.note == "no cells");
  }
  CHECK(cell2text::describe_settings<Overlap::Settings>().size() == 3);
}

TEST_CASE("corpus bleu: n-grams of all texts count together, worked out by hand") {
  using cell2text::overlap::corpus_bleu;
  const cell2text::overlap::CorpusCounts counts{{3, 1, 0, 0}, {6, 4, 2, 1}, 6, 8};
  CHECK(corpus_bleu(counts) ==
        doctest::Approx(std::exp(1 - 8.0 / 6) * std::pow(3.0 / 6 * 1 / 4 * 0.5 / 2 * 0.25 / 1, 0.25)));
  CHECK(corpus_bleu({}) == 0);
  CHECK(corpus_bleu({{3, 2, 1, 0}, {3, 2, 1, 0}, 3, 3}) == 0);  // no text has four tokens
  CHECK(corpus_bleu({{4, 3, 2, 1}, {4, 3, 2, 1}, 4, 2}) == doctest::Approx(1));
}

TEST_CASE("corpus bleu: the tokenizer splits signs off, and numbers stay whole") {
  cell2text::overlap::Tokenizer13a tokenizer;
  const auto tokens = [&](std::string_view text) { return white_space_tokens(tokenizer.spaced(text)); };
  using Tokens = std::vector<std::string>;
  CHECK(tokens("A (T-cell), 1,000.5 of 3-4.") ==
        Tokens{"A", "(", "T-cell", ")", ",", "1,000.5", "of", "3", "-", "4", "."});
  CHECK(tokens("don't &quot;x&quot; well-\nknown<skipped>") == Tokens{"don't", "\"", "x", "\"", "wellknown"});
  CHECK(tokens("").empty());
}

TEST_CASE("overlap: corpus BLEU on request, with what its interval needs") {
  const std::vector<Prediction> predictions{pair_of("a b c d e", "a b c d f"), pair_of("x y z", "x"),
                                            pair_of("one two three four", "one two three four")};
  const Overlap metric({.bleu = false, .rouge = false, .corpus_bleu = true}, Context{});
  const Scores scores = metric.score(predictions);
  CHECK(scores.scores.size() == 2);
  CHECK(named(scores, "corpus_bleu").per_cell.empty());
  REQUIRE(scores.recounts.size() == 1);
  double value = 0;
  scores.recounts[0].values(std::vector<double>{1, 1, 1}, std::span(&value, 1));
  CHECK(value == doctest::Approx(*named(scores, "corpus_bleu").value));
  scores.recounts[0].values(std::vector<double>{2, 0, 1}, std::span(&value, 1));
  CHECK(value ==
        doctest::Approx(
            *named(metric.score(std::vector{predictions[0], predictions[2], predictions[0]}), "corpus_bleu").value));
  CHECK(named(metric.score({}), "corpus_bleu").note == "no cells");
}

TEST_CASE("overlap: long texts need little time and memory") {
  std::string a, b;
  for (int i = 0; i < 50000; ++i) a += std::to_string(i * 7 % 1009) + " ", b += std::to_string(i * 5 % 1009) + " ";
  const Scores scores = Overlap({}, Context{}).score(std::vector<Prediction>{pair_of(a, b)});
  CHECK(*named(scores, "rouge_1_f").value > 0.9);
  CHECK(*named(scores, "rouge_l_f").value > 0);
}
