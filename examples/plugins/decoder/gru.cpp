// A decoder from outside the repository: one GRU layer over bytes. Training and beam search are not its business.
#include <cell2text/plugin.hpp>
namespace gru_plugin {
using cell2text::Init, cell2text::LinearSlot, cell2text::Parameter, cell2text::Tensor, cell2text::TensorFiles;
using Ids = std::vector<std::int64_t>;
constexpr std::int64_t end_token = 256, vocabulary = 257;
/// Token ids are bytes; the end token has no text.
struct Bytes {
  Ids encode(std::string_view text) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    return Ids(bytes, bytes + text.size());
  }
  std::string decode(std::span<const std::int64_t> ids) const {
    std::string text;
    for (const std::int64_t id : ids)
      if (id < end_token) text += static_cast<char>(id);
    return text;
  }
};

class Decoder {
 public:
  struct Settings {
    std::int64_t width = 64;
    std::string checkpoint;
    static void describe(auto& s) {
      s.field("width", &Settings::width, {.help = "features of a token and of the state", .min = 1});
      s.field("checkpoint", &Settings::checkpoint, {.help = "a folder that this plugin saved; empty: random weights"});
    }
  };

  /// All that is remembered of a row is one vector, so sharing and copying come to the same.
  struct State {
    Tensor rows_RD;
    State fork(std::span<const std::int64_t> parents) const {
      const Tensor index = torch::tensor(Ids(parents.begin(), parents.end()), torch::kInt64).to(rows_RD.device());
      return {rows_RD.defined() ? rows_RD.index_select(0, index) : Tensor()};
    }
    void select(std::span<const std::int64_t> rows) { rows_RD = fork(rows).rows_RD; }
    std::int64_t bytes() const { return rows_RD.defined() ? static_cast<std::int64_t>(rows_RD.nbytes()) : 0; }
  };

  Decoder(const Settings& settings, cell2text::ModelContext& context) : parameters_(context.parameters) {
    std::int64_t width = settings.width;
    if (!settings.checkpoint.empty()) {
      const auto files = std::make_shared<const TensorFiles>(TensorFiles::open(settings.checkpoint));
      width = files->shape("embedding.weight").at(1);
      parameters_.load_from(files);
    }
    embedding_ = &parameters_.declare("embedding.weight", {vocabulary, width}, Init::normal(1));
    layers_ = {linear("input", 3 * width), linear("hidden", 3 * width), linear("head", vocabulary)};
  }

  Bytes tokenizer() const { return {}; }
  cell2text::ChatPieces chat(const cell2text::ChatText& text) const {
    return {Bytes().encode(text.system + "\n" + text.user), Bytes().encode("\n")};
  }
  Ids end_tokens() const { return {end_token}; }
  std::int64_t width() const { return embedding_->value.size(1); }
  std::int64_t vocabulary_size() const { return vocabulary; }
  Tensor embed(const Tensor& ids) { return torch::embedding(embedding_->value, ids); }
  State new_state() { return {}; }

  Tensor forward(const Tensor& x_BTD, const Ids& lengths, const Tensor&, State* state) {
    Tensor h_BD = state && state->rows_RD.defined() ? state->rows_RD : torch::zeros_like(x_BTD.select(1, 0));
    const Tensor lengths_B1 = torch::tensor(lengths, torch::kInt64).to(x_BTD.device()).unsqueeze(1);
    const Tensor input_BTG = layers_[0](x_BTD, training_);
    std::vector<Tensor> all_BD;
    for (std::int64_t t = 0; t < x_BTD.size(1); ++t) {
      const auto in = input_BTG.select(1, t).chunk(3, 1), past = layers_[1](h_BD, training_).chunk(3, 1);
      const Tensor reset = torch::sigmoid(in[0] + past[0]), keep = torch::sigmoid(in[1] + past[1]);
      const Tensor next_BD = torch::lerp(torch::tanh(in[2] + reset * past[2]), h_BD, keep);
      h_BD = torch::where(lengths_B1 > t, next_BD, h_BD);
      all_BD.push_back(h_BD);
    }
    if (state) state->rows_RD = h_BD;
    return torch::stack(all_BD, 1);
  }
  Tensor logits(const Tensor& hidden) { return layers_[2](hidden, training_); }
  std::vector<LinearSlot*> linear_layers() { return {&layers_[0], &layers_[1], &layers_[2]}; }
  void set_training(bool training) { training_ = training; }
  void save(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    parameters_.save(folder / "model.safetensors");
  }

 private:
  LinearSlot linear(const std::string& name, std::int64_t out) {
    Parameter& weight = parameters_.declare(name + ".weight", {out, width()}, Init::normal(0.1));
    return {name, weight, &parameters_.declare(name + ".bias", {out}, Init::zeros())};
  }
  cell2text::Parameters& parameters_;
  Parameter* embedding_;
  std::vector<LinearSlot> layers_;  // their addresses are handed out
  bool training_ = false;
};
}  // namespace gru_plugin

CELL2TEXT_PLUGIN(decoder, "gru", gru_plugin::Decoder, "One GRU layer over bytes.")
