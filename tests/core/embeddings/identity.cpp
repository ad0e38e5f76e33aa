// Which encoders are the same to the cache, and which are not.
#include "cell2text/embeddings/identity.hpp"

#include <functional>
#include <map>

#include "support/oracle.hpp"

using cell2text::encoder_identity;
using cell2text::EncoderParts;
using cell2text::FieldInfo;
using cell2text::Init;
using cell2text::Parameters;
using cell2text::Value;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

struct Inside {
  std::int64_t heads = 2;
  static void describe(auto& s) { s.field("heads", &Inside::heads, {.help = "x"}); }
};

struct Told {
  std::optional<std::string> checkpoint, dictionary, flavour;
  std::optional<Inside> architecture;
  std::int64_t layer = -1;
  std::string level = "gene";
  std::string kind = "a";

  static void describe(auto& s) {
    using T = Told;
    s.field("checkpoint", &T::checkpoint, {.help = "x"});
    s.field("dictionary", &T::dictionary, {.help = "x"});
    s.field("flavour", &T::flavour, {.help = "x", .choices = {"data", "other"}});
    s.field("architecture", &T::architecture, {.help = "x"});
    s.field("layer", &T::layer, {.help = "x"});
    s.field("level", &T::level, {.help = "x"});
    s.field("kind", &T::kind, {.help = "x", .required = true});
  }
};

std::string identity_of(const Told& told, const Parameters& parameters, const std::string& plugin = "toy",
                        torch::Device device = torch::kCPU) {
  return encoder_identity({plugin, cell2text::write_settings(told), cell2text::describe_settings<Told>(), device},
                          parameters);
}

/// Two parameters with fixed values.
struct Weights {
  Parameters set{torch::kCPU, torch::kFloat32, 1};
  explicit Weights(std::vector<std::int64_t> shape = {2, 3}, const std::string& name = "a") {
    set.declare(name, shape, Init::normal(1)).value = torch::arange(6, torch::kFloat32).view(shape);
    set.declare("empty", {0, 4}, Init::zeros());
  }
};

}  // namespace

TEST_CASE("encoder identity: settings, weights, plugin and kind of device make it") {
  const Weights weights;
  const Told told;
  std::map<std::string, std::string> all{{"itself", identity_of(told, weights.set)}};
  CHECK(all["itself"].size() == 64);
  CHECK(identity_of(told, Weights().set) == all["itself"]);
  const auto differs = [&](const std::string& what, const std::string& identity) {
    CAPTURE(what);
    for (const auto& [other, known] : all) CHECK_MESSAGE(known != identity, other);
    all[what] = identity;
  };
  Told other = told;
  other.layer = 0;
  differs("a setting", identity_of(other, weights.set));
  other = told, other.level = "mean";
  differs("a text", identity_of(other, weights.set));
  other = told, other.kind = "b";
  differs("a required text that is no path", identity_of(other, weights.set));
  other = told, other.architecture = Inside{};
  differs("an architecture", identity_of(other, weights.set));
  other.architecture->heads = 4;
  differs("heads, which no weight shows", identity_of(other, weights.set));
  differs("the plugin", identity_of(told, weights.set, "yot"));
  differs("the device", identity_of(told, weights.set, "toy", torch::kCUDA));
  differs("a parameter's shape", identity_of(told, Weights({3, 2}).set));
  differs("a parameter's name", identity_of(told, Weights({2, 3}, "b").set));
  for (std::int64_t at = 0; at < 6; ++at) {
    Weights changed;
    auto* bits = static_cast<std::uint32_t*>(changed.set.list()[0].value.mutable_data_ptr());
    bits[at] ^= 1;
    differs("the last bit of number " + std::to_string(at), identity_of(told, changed.set));
  }
  Weights half;
  half.set.list()[0].value = half.set.list()[0].value.to(torch::kHalf);
  differs("a parameter's type", identity_of(told, half.set));
  Weights strided;  // the same numbers, otherwise in memory
  strided.set.list()[0].value = strided.set.list()[0].value.t().contiguous().t();
  CHECK(identity_of(told, strided.set) == all["itself"]);
}

TEST_CASE("encoder identity: a checkpoint that moved is the same, one with another config.json is not") {
  const test::TemporaryFolder folder;
  const Weights weights;
  Told told;
  const auto at = [&](const std::string& name, const std::string& config, const std::string& dictionary) {
    fs::create_directories(folder / name);
    test::write_file(folder / (name + "/config.json"), config);
    test::write_file(folder / (name + "/model.safetensors"), name);  // weights count as parameters
    test::write_file(folder / (name + ".pkl"), dictionary);
    told.checkpoint = (folder / name).string(), told.dictionary = (folder / (name + ".pkl")).string();
    return identity_of(told, weights.set);
  };
  const std::string first = at("one", "{\"heads\": 2}", "genes");
  CHECK(at("two", "{\"heads\": 2}", "genes") == first);
  CHECK(at("three", "{\"heads\": 4}", "genes") != first);
  CHECK(at("four", "{\"heads\": 2}", "others") != first);
  told.dictionary = "nowhere";  // a text that names nothing is taken as it stands
  const std::string nowhere = identity_of(told, weights.set);
  told.dictionary = "nowhere else";
  CHECK(identity_of(told, weights.set) != nowhere);
}

TEST_CASE("encoder identity: a choice is no path, even where a file has its name") {
  const test::TemporaryFolder folder;
  const Weights weights;
  const auto before = fs::current_path();
  fs::current_path(folder.path());
  Told told;
  told.flavour = "data";
  const std::string without = identity_of(told, weights.set);
  test::write_file("data", "anything");
  CHECK(identity_of(told, weights.set) == without);
  fs::current_path(before);
}
