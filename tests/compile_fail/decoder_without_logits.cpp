// A decoder that lacks `logits`.
#include "cell2text/plugin.hpp"

namespace {

struct Letters {
  std::vector<std::int64_t> encode(std::string_view) const { return {}; }
  std::string decode(std::span<const std::int64_t>) const { return {}; }
};

struct PlainDecoder {
  struct Settings {
    static void describe(auto&) {}
  };
  struct State {
    State fork(std::span<const std::int64_t>) const { return {}; }
    void select(std::span<const std::int64_t>) {}
    std::int64_t bytes() const { return 0; }
  };
  PlainDecoder(const Settings&, cell2text::ModelContext&) {}
  Letters tokenizer() const { return {}; }
  cell2text::ChatPieces chat(const cell2text::ChatText&) const { return {}; }
  std::vector<std::int64_t> end_tokens() const { return {0}; }
  std::int64_t width() const { return 1; }
  std::int64_t vocabulary_size() const { return 1; }
  cell2text::Tensor embed(const cell2text::Tensor& ids) const { return ids; }
  State new_state() const { return {}; }
  cell2text::Tensor forward(const cell2text::Tensor& x, const std::vector<std::int64_t>&, const cell2text::Tensor&,
                            State*) const {
    return x;
  }
#ifdef CELL2TEXT_COMPLETE
  cell2text::Tensor logits(const cell2text::Tensor& x) const {
    return x;
  }
#endif
  std::vector<cell2text::LinearSlot*> linear_layers() {
    return {};
  }
  void save(const std::filesystem::path&) const {}
};

}  // namespace

CELL2TEXT_PLUGIN(decoder, "plain", PlainDecoder, "Lacks logits.")
