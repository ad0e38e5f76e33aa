// Decoders for the tests of restricted labels: a tokenizer whose tokens cut words and cross them, random weights, and a
// decoder that goes on as given texts do, wherever it stands in one.
#pragma once

#include <bit>
#include <map>
#include <string>
#include <vector>

#include "support/gru_decoder.hpp"

namespace cell2text::test {

/// Characters and pieces of several; 0 ends a text, 1 is special. A text is written word by word, each with the longest
/// of the first pieces; the last ones are never written so, and mean the same.
struct PieceTokenizer {
  static const std::vector<std::string>& pieces() {
    static const std::vector<std::string> all = [] {
      std::vector<std::string> some{"", ""};
      for (char c = ' '; c <= '~'; ++c) some.emplace_back(1, c);
      for (const char* piece :
           {"This",        " sample",  " consists", " of",         " a",      " an",   " cell",   " It",
            " originates", " from",    " the",      " lung",       " normal", " male", " female", " individual",
            " with",       " during",  "positive",  " This",       " alpha",  "influ", "enza",    "COVID",
            " skin",       " abdomen", "stage",     " associated", " is",     " in",   "fancy",   " blood"})
        some.emplace_back(piece);
      return some;
    }();
    return all;
  }
  static const std::vector<std::string>& odd_pieces() {
    static const std::vector<std::string> all{"m t",
                                              "from the lu",
                                              "  ",
                                              "\n",
                                              " with influenza",
                                              "th influ",
                                              "nza.",
                                              " during elderly stage",
                                              "ing elderly",
                                              ", CD",
                                              ". It originates from the",
                                              " from the blood of",
                                              "\n\n",
                                              " WITH",
                                              "cell, n",
                                              "5RO-",
                                              "a T",
                                              " of a"};
    return all;
  }
  static constexpr std::int64_t size = 2 + 95 + 32 + 18 + 3;  // some ids have no token

  std::vector<std::int64_t> encode(std::string_view text) const {
    static const std::map<std::string, std::int64_t, std::less<>> ids = [] {
      std::map<std::string, std::int64_t, std::less<>> made;
      for (std::size_t i = 2; i < pieces().size(); ++i) made.emplace(pieces()[i], static_cast<std::int64_t>(i));
      return made;
    }();
    std::vector<std::int64_t> all;
    while (!text.empty()) {
      std::size_t length = std::max<std::size_t>(1, std::min(text.find(' ', 1), text.size()));
      while (length > 1 && !ids.contains(text.substr(0, length))) --length;
      const auto found = ids.find(text.substr(0, length));
      if (found != ids.end()) all.push_back(found->second);
      text.remove_prefix(length);
    }
    return all;
  }
  std::string decode(std::span<const std::int64_t> tokens) const {
    std::string text;
    for (const std::int64_t token : tokens) {
      const auto id = static_cast<std::size_t>(token);
      if (id < pieces().size())
        text += pieces()[id];
      else if (id - pieces().size() < odd_pieces().size())
        text += odd_pieces()[id - pieces().size()];
    }
    return text;
  }
};

class PieceGruDecoder : public BasicGruDecoder<PieceTokenizer> {
 public:
  using BasicGruDecoder::BasicGruDecoder;
};

/// Likely tokens are those that follow the last ones in `texts`; the rest is noise, which a prompt decides about.
class FollowingDecoder : public BasicGruDecoder<PieceTokenizer> {
 public:
  using BasicGruDecoder::BasicGruDecoder;
  static inline std::vector<std::vector<std::int64_t>> texts = {};
  static inline double strength = 9;  ///< of as many tokens as are looked at that are those of a text

  Tensor embed(const Tensor& ids) const {
    const Tensor token = ids.to(torch::kFloat32).unsqueeze(-1);
    return at::cat({token, at::full_like(token, is_token), at::zeros_like(token).expand({-1, -1, width() - 2})}, -1);
  }
  /// Hidden: the last tokens, and the prompt's first number.
  Tensor forward(const Tensor& x_BTD, const std::vector<std::int64_t>& lengths, const Tensor&, State* state) const {
    const std::int64_t B = x_BTD.size(0), T = x_BTD.size(1);
    const Tensor rows_BTD = x_BTD.contiguous();
    const bool goes_on = state && state->hidden_RD.defined();
    Tensor h_BD = goes_on ? state->hidden_RD.clone() : at::full({B, width()}, -1.0F);
    Tensor all_BTD = at::zeros({B, T, width()});
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t t = 0; t < lengths[b]; ++t) {
        const float* x = rows_BTD.const_data_ptr<float>() + (b * T + t) * width();
        float* h = h_BD.mutable_data_ptr<float>() + b * width();
        if (x[1] == is_token)
          std::copy_backward(h, h + context - 1, h + context), h[0] = x[0];
        else
          h[context] = x[0];
        all_BTD[b][t] = h_BD[b];
      }
    if (state) state->hidden_RD = h_BD;
    return all_BTD;
  }
  Tensor logits(const Tensor& hidden) const {
    const Tensor rows = hidden.reshape({-1, width()}).contiguous();
    Tensor scores = at::zeros({rows.size(0), vocabulary_size()});
    for (std::int64_t r = 0; r < rows.size(0); ++r) {
      const float* h = rows.const_data_ptr<float>() + r * width();
      float* score = scores.mutable_data_ptr<float>() + r * vocabulary_size();
      std::uint64_t noise = std::bit_cast<std::uint32_t>(h[context]) + 1;
      for (int i = 0; i < context; ++i) noise = noise * 1000003 + static_cast<std::uint64_t>(h[i] + 2);
      for (std::int64_t v = 0; v < vocabulary_size(); ++v) {
        noise = noise * 6364136223846793005 + 1442695040888963407;
        score[v] = static_cast<float>(noise >> 40) / static_cast<float>(1 << 24) * 2;
      }
      std::map<std::int64_t, float> follows;
      for (const auto& text : texts)
        for (std::size_t at = 0; at <= text.size(); ++at) {
          std::size_t same = 0;
          while (same < context && h[same] == (same < at ? static_cast<float>(text[at - same - 1]) : -1)) ++same;
          const std::int64_t next = at < text.size() ? text[at] : 0;
          const auto likely = static_cast<float>(strength / context * static_cast<double>(same));
          follows[next] = std::max(follows[next], likely);
        }
      for (const auto& [next, likely] : follows) score[next] += likely;
    }
    std::vector<std::int64_t> shape(hidden.sizes().begin(), hidden.sizes().end() - 1);
    shape.push_back(vocabulary_size());
    return scores.view(shape);
  }

 private:
  static constexpr float is_token = 12345;
  static constexpr int context = 8;
};
static_assert(Decoder<FollowingDecoder>);

}  // namespace cell2text::test
