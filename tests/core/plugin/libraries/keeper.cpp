// A fine-tuning whose parameter lies in memory of its own, freed by code of this library, as the values of a
// checkpoint do: the parameters may outlast the object.
#include "cell2text/plugin.hpp"

namespace {

struct Keeper {
  struct Settings {
    static void describe(auto&) {}
  };
  Keeper(const Settings&, cell2text::ModelContext& context) {
    auto& parameter = context.parameters.declare("kept", {4}, cell2text::Init::zeros());
    auto values = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
    parameter.value = at::from_blob(
        values->data(), {4}, [values, log = context.log](void*) { log.info("freed"); }, torch::kFloat32);
  }
  void prepare(const cell2text::DecoderView&) {}
  bool changes_base() const { return false; }
  void save(const std::filesystem::path& folder) { throw std::out_of_range("keeper: " + folder.string()); }
  void load(const std::filesystem::path&) { throw std::bad_alloc(); }
  void merge() {}
};

}  // namespace

CELL2TEXT_PLUGIN(finetuning, "keeper", Keeper, "Owns its parameter's memory.")
