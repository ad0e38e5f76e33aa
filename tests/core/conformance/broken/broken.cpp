// A small recurrent decoder that is right, but for one fault. Compiled once; each library links it with its own stamp.
#include <c10/core/DefaultDtype.h>

#include <chrono>
#include <thread>

#include "cell2text/plugin/descriptor.hpp"
#include "fault.hpp"

namespace broken {
namespace {

using cell2text::Init, cell2text::LinearSlot, cell2text::Parameter, cell2text::Tensor, cell2text::TensorFiles;
using Ids = std::vector<std::int64_t>;
constexpr std::int64_t end_token = 256, vocabulary = 257;

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

struct OwnException {};

class Decoder {
 public:
  struct Settings {
    std::int64_t width = 16;
    std::int64_t hidden_setting = 3;
    std::optional<std::string> checkpoint;
    static void describe(auto& s) {
      s.field("width", &Settings::width, {.help = "features", .min = 1, .max = 4096});
      s.field("checkpoint", &Settings::checkpoint, {.help = "a folder that was saved"});
      constexpr bool lists = requires {
        s.fields;
      };  // whoever makes the list of settings
      if constexpr (!lists)
        if (fault == Fault::undeclared_setting)
          s.field("hidden_setting", &Settings::hidden_setting, {.help = "secret"});
    }
  };

  struct State {
    Tensor rows_RD;
    State fork(std::span<const std::int64_t> parents) const {
      return {rows_RD.defined() ? rows_RD.index_select(0, torch::tensor(Ids(parents.begin(), parents.end())))
                                : Tensor()};
    }
    void select(std::span<const std::int64_t> rows) { rows_RD = fork(rows).rows_RD; }
    std::int64_t bytes() const { return rows_RD.defined() ? static_cast<std::int64_t>(rows_RD.nbytes()) : 0; }
  };

  Decoder(const Settings& settings, cell2text::ModelContext& context) : parameters_(context.parameters) {
    if (fault == Fault::crash) *reinterpret_cast<volatile int*>(settings.width) = 1;
    if (fault == Fault::default_dtype) c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
    if (settings.checkpoint) {
      if (fault == Fault::own_exception && !std::filesystem::exists(*settings.checkpoint)) throw OwnException();
      parameters_.load_from(std::make_shared<const TensorFiles>(TensorFiles::open(*settings.checkpoint)));
    }
    embedding_ = &parameters_.declare("embedding.weight", {vocabulary, settings.width}, Init::normal(1));
    layers_ = {linear("read", settings.width), linear("remember", settings.width), linear("head", vocabulary)};
  }

  Bytes tokenizer() const { return {}; }
  cell2text::ChatPieces chat(const cell2text::ChatText& text) const {
    return {Bytes().encode(text.system + text.user), Bytes().encode("\n")};
  }
  Ids end_tokens() const { return {end_token}; }
  std::int64_t width() const { return embedding_->value.size(1); }
  std::int64_t vocabulary_size() const { return vocabulary; }
  Tensor embed(const Tensor& ids) const { return at::embedding(embedding_->value, ids); }
  State new_state() const { return {}; }

  Tensor forward(const Tensor& x_BTD, const Ids& lengths, const Tensor&, State* state) {
    Tensor h_BD = state && state->rows_RD.defined() ? state->rows_RD : at::zeros_like(x_BTD.select(1, 0));
    if (fault == Fault::leaking_state && !state && last_.defined() && last_.sizes() == h_BD.sizes()) h_BD = last_;
    const Tensor lengths_B1 = torch::tensor(lengths).unsqueeze(1);
    std::vector<Tensor> all;
    for (std::int64_t t = 0; t < x_BTD.size(1); ++t) {
      Tensor remembered = layers_[1](h_BD);
      if (fault == Fault::cut_gradients) remembered = remembered.detach();
      const Tensor next = at::tanh(layers_[0](x_BTD.select(1, t)) + remembered);
      h_BD = fault == Fault::ignored_lengths ? next : at::where(lengths_B1 > t, next, h_BD);
      all.push_back(h_BD);
    }
    if (state) state->rows_RD = h_BD;
    last_ = h_BD.detach();
    if (fault == Fault::shape) all.push_back(h_BD);
    Tensor out = at::stack(all, 1);
    if (fault == Fault::non_determinism) out = out + 1e-6 * noise();
    return out;
  }
  Tensor logits(const Tensor& hidden) const { return layers_[2](hidden); }
  std::vector<LinearSlot*> linear_layers() { return {&layers_[0], &layers_[1], &layers_[2]}; }
  void save(const std::filesystem::path& folder) const {
    while (fault == Fault::endless_loop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::filesystem::create_directories(folder);
    parameters_.save(folder / "model.safetensors");
  }

 private:
  LinearSlot linear(const std::string& name, std::int64_t out) {
    Parameter& weight = parameters_.declare(name + ".weight", {out, width()}, Init::normal(0.4));
    return {name, weight, &parameters_.declare(name + ".bias", {out}, Init::zeros())};
  }
  static double noise() {
    return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count() % 1000) + 1;
  }

  cell2text::Parameters& parameters_;
  Parameter* embedding_;
  std::vector<LinearSlot> layers_;
  Tensor last_;
};

}  // namespace
}  // namespace broken

extern "C" __attribute__((visibility("default"))) const cell2text::PluginDescriptor* cell2text_plugin() {
  using namespace cell2text;
  static const char* const names[] = {
      "none",  "shape",         "leaking_state", "ignored_lengths",    "non_determinism", "cut_gradients",
      "crash", "own_exception", "default_dtype", "undeclared_setting", "wrong_stamp",     "endless_loop"};
  static const std::string name = std::string("broken_") + names[static_cast<int>(broken::fault)];
  static const PluginDescriptor descriptor =
      descriptor_of<kinds::decoder, broken::Decoder>(name.c_str(), "A decoder with a fault.");
  return &descriptor;
}
