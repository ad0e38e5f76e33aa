// Corpus BLEU: the n-grams of all texts counted together, as sacrebleu's defaults do. Averages of sentence scores are
// bleu.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "token_ids.hpp"

namespace cell2text::overlap {

/// Sums over texts: n-grams of the hypotheses, those that match, and both sides' lengths.
struct CorpusCounts {
  std::array<double, 4> matches{}, possible{};
  double length = 0, reference_length = 0;

  void add(const CorpusCounts& other, double times) {
    for (std::size_t n = 0; n < 4; ++n)
      matches[n] += times * other.matches[n], possible[n] += times * other.possible[n];
    length += times * other.length, reference_length += times * other.reference_length;
  }
};

/// BLEU-4 as a fraction, with the smoothing that NIST's script has ("exp"): the first order without matches counts as
/// half a match, the next as a quarter. 0 where nothing matches, or no hypothesis has four tokens.
inline double corpus_bleu(const CorpusCounts& counts) {
  if (std::ranges::all_of(counts.matches, [](double matches) { return matches == 0; })) return 0;
  double log_precision = 0, smoothing = 1;
  for (std::size_t n = 0; n < 4; ++n) {
    if (counts.possible[n] == 0) return 0;
    const double matches = counts.matches[n] > 0 ? counts.matches[n] : 1 / (smoothing *= 2);
    log_precision += std::log(matches / counts.possible[n]) / 4;
  }
  const double brevity =
      counts.length < counts.reference_length ? std::exp(1 - counts.reference_length / counts.length) : 1;
  return brevity * std::exp(log_precision);
}

/// Puts blanks where the tokenizer "13a" (mteval-v13a) splits a text: around symbols, around periods and commas that
/// do not stand between digits, and around a dash behind a digit.
class Tokenizer13a {
 public:
  /// Valid until the next call.
  std::string_view spaced(std::string_view text) {
    text_.assign(" ").append(text).append(" ");
    replace("<skipped>", ""), replace("-\n", ""), replace("\n", " ");
    if (text_.find('&') != std::string::npos)
      replace("&quot;", "\""), replace("&amp;", "&"), replace("&lt;", "<"), replace("&gt;", ">");
    rewrite([](std::string_view rest, std::string& out) {
      if (!is_symbol(rest[0])) return std::size_t{0};
      out.append({' ', rest[0], ' '});
      return std::size_t{1};
    });
    rewrite([](std::string_view rest, std::string& out) {
      if (rest.size() < 2 || is_digit(rest[0]) || !is_stop(rest[1])) return std::size_t{0};
      out.append({rest[0], ' ', rest[1], ' '});
      return std::size_t{2};
    });
    rewrite([](std::string_view rest, std::string& out) {
      if (rest.size() < 2 || !is_stop(rest[0]) || is_digit(rest[1])) return std::size_t{0};
      out.append({' ', rest[0], ' ', rest[1]});
      return std::size_t{2};
    });
    rewrite([](std::string_view rest, std::string& out) {
      if (rest.size() < 2 || !is_digit(rest[0]) || rest[1] != '-') return std::size_t{0};
      out.append({rest[0], ' ', '-', ' '});
      return std::size_t{2};
    });
    return text_;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_stop(char c) { return c == '.' || c == ','; }
  /// All ASCII signs but apostrophe, comma, dash and period; the blank as well.
  static bool is_symbol(char c) {
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
           (c >= ':' && c <= '@') || c == '/';
  }

  void replace(std::string_view what, std::string_view with) {
    for (auto at = text_.find(what); at != std::string::npos; at = text_.find(what, at + with.size()))
      text_.replace(at, what.size(), with);
  }
  /// As a regular expression's substitution: from left to right, each match after the one before. `match` appends what
  /// stands for the beginning of the rest and returns how many bytes that was, or 0.
  template <class Match>
  void rewrite(Match match) {
    next_.clear();
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t taken = match(std::string_view(text_).substr(at), next_);
      if (taken == 0) next_ += text_[at];
      at += std::max<std::size_t>(taken, 1);
    }
    std::swap(text_, next_);
  }

  std::string text_, next_;
};

/// Counts of one reference and one hypothesis. Keeps its tables from call to call: one object per thread.
class CorpusCounter {
 public:
  CorpusCounts count(std::string_view reference, std::string_view hypothesis) {
    const std::string reference_text(tokenizer_.spaced(without_end(reference)));
    const std::string_view hypothesis_text = tokenizer_.spaced(without_end(hypothesis));
    words_.start((reference_text.size() + hypothesis_text.size()) / 2 + 2);
    reference_.clear(), hypothesis_.clear();
    each_white_space_token(reference_text, [&](std::string_view word) { reference_.push_back(words_.add(word)); });
    each_white_space_token(hypothesis_text, [&](std::string_view word) { hypothesis_.push_back(words_.add(word)); });
    CorpusCounts counts;
    matches_.start(reference_, hypothesis_, words_.size());
    for (std::size_t n = 1; n <= 4; ++n) {
      counts.matches[n - 1] = static_cast<double>(matches_.next());
      counts.possible[n - 1] = hypothesis_.size() >= n ? static_cast<double>(hypothesis_.size() - n + 1) : 0;
    }
    counts.length = static_cast<double>(hypothesis_.size());
    counts.reference_length = static_cast<double>(reference_.size());
    return counts;
  }

 private:
  /// Without the white space at its end, which goes before the tokenizer looks.
  static std::string_view without_end(std::string_view text) {
    std::size_t end = 0;
    each_white_space_token(
        text, [&](std::string_view word) { end = static_cast<std::size_t>(word.data() - text.data()) + word.size(); });
    return text.substr(0, end);
  }

  Tokenizer13a tokenizer_;
  Numbering<std::string_view> words_;
  TokenIds reference_, hypothesis_;
  NgramMatches matches_;
};

}  // namespace cell2text::overlap
