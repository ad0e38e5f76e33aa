// A decoder with a recurrent state and no attention: shows that the core asks nothing of a decoder but its contract.
// Letters a..z and two special tokens are its vocabulary.
#pragma once

#include <string>
#include <vector>

#include "cell2text/concepts.hpp"
#include "cell2text/nn/table.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::test {

struct LetterTokenizer {
  static constexpr std::int64_t size = 28;
  std::vector<std::int64_t> encode(std::string_view text) const {
    std::vector<std::int64_t> ids;
    for (const char letter : text)
      if (letter >= 'a' && letter <= 'z') ids.push_back(letter - 'a' + 2);
    return ids;
  }
  std::string decode(std::span<const std::int64_t> ids) const {
    std::string text;
    for (const std::int64_t id : ids)
      if (id >= 2) text += static_cast<char>('a' + id - 2);
    return text;
  }
};

/// Of any tokenizer whose first two tokens are special. `joins`: whether its states can be joined.
template <class Tokenizer, bool joins = false>
class BasicGruDecoder {
 public:
  struct Settings {
    std::int64_t width = 16;
    double deviation = 0.6;
    static void describe(auto& s) {
      s.field("width", &Settings::width, {.help = "features", .min = 1, .max = 1e4});
      s.field("deviation", &Settings::deviation, {.help = "of the initial weights", .min = 0, .max = 10});
    }
  };

  /// What each row has read, in one vector.
  struct State {
    Tensor hidden_RD;  // undefined before the first token
    State fork(std::span<const std::int64_t> parents) const { return {rows(parents)}; }
    void select(std::span<const std::int64_t> chosen) { hidden_RD = rows(chosen); }
    std::int64_t bytes() const { return hidden_RD.defined() ? static_cast<std::int64_t>(hidden_RD.nbytes()) : 0; }
    static State joined(std::span<const State* const> states, std::span<const StateRow> rows) requires joins {
      std::vector<Tensor> all;
      for (const StateRow& from : rows) all.push_back(states[from.state]->hidden_RD[from.row]);
      return {at::stack(all)};
    }

   private:
    Tensor rows(std::span<const std::int64_t> chosen) const {
      return hidden_RD.index_select(0, torch::tensor(std::vector<std::int64_t>(chosen.begin(), chosen.end())));
    }
  };

  BasicGruDecoder(const Settings& settings, ModelContext& context) : width_(settings.width) {
    const auto init = Init::normal(settings.deviation);
    embedding_ = &context.parameters.declare("embedding", {vocabulary_size(), width_}, init);
    gates_.emplace_back("gates", context.parameters.declare("gates.weight", {3 * width_, 2 * width_}, init));
    output_ = &context.parameters.declare("output", {vocabulary_size(), width_}, init);
  }

  const Tokenizer& tokenizer() const { return tokenizer_; }
  ChatPieces chat(const ChatText& text) const { return {tokenizer_.encode(text.system + text.user), {1}}; }
  std::vector<std::int64_t> end_tokens() const { return {0}; }
  std::int64_t width() const { return width_; }
  std::int64_t vocabulary_size() const { return Tokenizer::size; }
  Tensor embed(const Tensor& ids) const { return table_rows(*embedding_, ids); }
  State new_state() const { return {}; }
  Tensor logits(const Tensor& hidden) const { return table_scores(*output_, hidden); }
  std::vector<LinearSlot*> linear_layers() { return {&gates_.front()}; }
  void save(const std::filesystem::path&) const {}

  Tensor forward(const Tensor& x_BTD, const std::vector<std::int64_t>& lengths, const Tensor&, State* state) const {
    const std::int64_t B = x_BTD.size(0), T = x_BTD.size(1);
    Tensor h_BD = state && state->hidden_RD.defined() ? state->hidden_RD : at::zeros({B, width_}, x_BTD.options());
    std::vector<Tensor> all;
    for (std::int64_t t = 0; t < T; ++t) {
      const Tensor x_BD = x_BTD.select(1, t);
      const auto parts = gates_.front()(at::cat({x_BD, h_BD}, 1)).chunk(3, 1);
      const Tensor keep = parts[0].sigmoid();
      const Tensor next = keep * h_BD + (1 - keep) * (parts[1] * parts[2].sigmoid()).tanh();
      std::vector<std::uint8_t> reads(lengths.size());
      for (std::size_t b = 0; b < reads.size(); ++b) reads[b] = t < lengths[b];
      h_BD = at::where(torch::tensor(reads).to(torch::kBool).view({B, 1}), next, h_BD);
      all.push_back(h_BD);
    }
    if (state) state->hidden_RD = h_BD.detach();
    return at::stack(all, 1);
  }

 private:
  std::int64_t width_;
  Tokenizer tokenizer_;
  Parameter* embedding_;
  std::vector<LinearSlot> gates_;
  Parameter* output_;
};

class GruDecoder : public BasicGruDecoder<LetterTokenizer> {
 public:
  using BasicGruDecoder::BasicGruDecoder;
};
static_assert(Decoder<GruDecoder>);

using JoiningGruDecoder = BasicGruDecoder<LetterTokenizer, true>;
static_assert(Decoder<JoiningGruDecoder>);

/// A decoder of a linked-in class with its parameters.
struct OwnedDecoder {
  std::unique_ptr<Parameters> parameters;
  std::unique_ptr<DecoderHandle> handle;
};

template <class P>
OwnedDecoder make_decoder(const Value& table, std::uint64_t seed, torch::Device device = torch::kCPU) {
  OwnedDecoder made;
  made.parameters = std::make_unique<Parameters>(device, torch::kFloat32, seed);
  const Context base{.log = {}, .seed = seed, .threads = 1};
  ModelContext context(base, *made.parameters, device);
  made.handle = std::make_unique<DecoderHandle>(Held<kinds::decoder>(
      nullptr, descriptor_of<kinds::decoder, P>("test", ""), table, BuildArguments{&base, &context, {}}));
  return made;
}

}  // namespace cell2text::test
