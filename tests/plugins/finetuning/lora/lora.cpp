// LoRA: what is added to, how it starts, what it is scaled by, and that it can be kept and merged.
#include "lora.hpp"

#include "base.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/plugin/handles.hpp"
#include "support/difference.hpp"

using cell2text::InputError;
using cell2text::LinearSlot;
using cell2text::Tensor;
using cell2text::lora::Lora;
using cell2text::lora::Settings;
using cell2text::test::difference;
using doctest::Contains;
namespace test = cell2text::test;

namespace {

using Names = std::vector<std::string>;

/// What the plugin's schema makes of a [finetuning] table.
void check(const std::string& toml) {
  cell2text::SettingsFaults faults;
  Settings settings;
  cell2text::read_fields(cell2text::parse_toml(toml, "test.toml"), settings, faults, "finetuning.");
  faults.raise();
}

}  // namespace

static_assert(cell2text::FineTuning<Lora>);

TEST_CASE("lora: by default the four attention projections, rank 256, alpha 512, and only they are trained") {
  test::Base base;
  base.parameters.set_trainable(true);
  test::Tuned tuned(base, {});
  CHECK(tuned.parameters.list().size() == 2 * 4 * 2);
  CHECK(base.parameters.count(true) == 0);
  CHECK(tuned.weight("model.layers.1.self_attn.k_proj", 'A').sizes().vec() == std::vector<std::int64_t>{256, 6});
  CHECK(tuned.weight("model.layers.1.self_attn.k_proj", 'B').sizes().vec() == std::vector<std::int64_t>{3, 256});
  CHECK(tuned.parameters.find("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight") == nullptr);
  CHECK(!tuned.lora.changes_base());
}

TEST_CASE("lora: A starts uniform within 1 / sqrt(in), B at zero, so that the start is the base") {
  test::Base base(400, 1);
  const Tensor x = torch::randn({5, 400});
  const Tensor before = base.slot("model.layers.0.self_attn.q_proj")(x);
  test::Tuned tuned(base, {.rank = 50});
  const Tensor a = tuned.weight("model.layers.0.self_attn.q_proj", 'A');
  CHECK(a.abs().max().item<double>() <= 0.05);
  CHECK(a.std().item<double>() == doctest::Approx(0.05 / std::sqrt(3.0)).epsilon(0.05));
  CHECK(std::abs(a.mean().item<double>()) < 0.002);
  CHECK(tuned.weight("model.layers.0.self_attn.q_proj", 'B').abs().max().item<double>() == 0);
  CHECK(torch::equal(base.slot("model.layers.0.self_attn.q_proj")(x), before));
}

TEST_CASE("lora: what is added is alpha / rank or alpha / sqrt(rank) times B A") {
  for (const bool rslora : {false, true}) {
    test::Base base;
    test::Tuned tuned(base, {.rank = 4, .alpha = 6.0, .rslora = rslora});
    tuned.shaken();
    const std::string name = "model.layers.0.self_attn.v_proj";
    const Tensor x = torch::randn({2, 5, 6});
    const Tensor weight = base.slot(name).weight().value;
    const Tensor plain = at::matmul(x, weight.t());
    const Tensor added = at::matmul(at::matmul(x, tuned.weight(name, 'A').t()), tuned.weight(name, 'B').t());
    CHECK(difference(base.slot(name)(x), plain + (rslora ? 3.0 : 1.5) * added) < 1e-5);
    CHECK(difference(base.slot("model.layers.0.mlp.up_proj")(x),
                     at::matmul(x, base.slot("model.layers.0.mlp.up_proj").weight().value.t())) < 1e-5);
  }
}

TEST_CASE("lora: target modules by whole name, by its end, and with *") {
  const auto adapted = [](const Names& patterns) {
    test::Base base;
    test::Tuned tuned(base, {.rank = 2, .target_modules = patterns});
    return tuned.parameters.list().size() / 2;
  };
  CHECK(adapted({"q_proj"}) == 2);
  CHECK(adapted({"model.layers.1.mlp.up_proj"}) == 1);
  CHECK(adapted({"layers.0.*"}) == 5);
  CHECK(adapted({"*"}) == 10);
  CHECK(adapted({"q_proj", "self_attn.q_proj", "*_proj"}) == 10);
  test::Base base;
  CHECK_THROWS_WITH_AS(test::Tuned(base, {.target_modules = Names{"q_proj", "qproj"}}),
                       Contains("'qproj' matches no linear layer of the decoder; there are q_proj, k_proj, v_proj, "
                                "o_proj, up_proj (for instance 'model.layers.0.self_attn.q_proj')"),
                       InputError);
  CHECK_THROWS_WITH_AS(test::Tuned(base, {.target_modules = Names{"proj"}}), Contains("'proj' matches no"), InputError);
  CHECK_THROWS_WITH_AS(test::Tuned(base, {.target_modules = Names{"q.proj"}}), Contains("'q.proj' matches no"),
                       InputError);
  cell2text::Parameters parameters(torch::kCPU, torch::kFloat32, 1);
  const cell2text::Context context;
  cell2text::ModelContext model(context, parameters, torch::kCPU);
  CHECK_THROWS_WITH_AS(Lora({}, model).prepare({parameters, {}}), Contains("there are none"), InputError);
}

TEST_CASE("lora: settings out of range are told by name") {
  CHECK_THROWS_WITH_AS(check("rank = 0"), Contains("'finetuning.rank' is 0"), InputError);
  CHECK_THROWS_WITH_AS(check("alpha = 0"), Contains("'finetuning.alpha' is 0"), InputError);
  CHECK_THROWS_WITH_AS(check("dropout = 1.0"), Contains("'finetuning.dropout' is 1"), InputError);
  CHECK_THROWS_WITH_AS(check("target_modules = []"), Contains("'target_modules' is empty"), InputError);
  CHECK_THROWS_WITH_AS(check("ranks = 3"), Contains("did you mean 'rank'?"), InputError);
  check("rank = 16\nalpha = 32\ndropout = 0.1\nrslora = true\ntarget_modules = ['q_proj']");
}

TEST_CASE("lora: dropout takes values away in training alone, and keeps the expectation") {
  test::Base base(64, 1);
  test::Tuned tuned(base, {.rank = 8, .dropout = 0.5});
  tuned.shaken();
  LinearSlot& slot = base.slot("model.layers.0.self_attn.q_proj");
  const Tensor x = torch::randn({3, 64});
  const Tensor whole = slot(x);
  CHECK(torch::equal(slot(x), whole));
  Tensor sum = torch::zeros_like(whole);
  for (int i = 0; i < 3000; ++i) sum += slot(x, true);
  CHECK(difference(slot(x, true), whole) > 0.01);
  CHECK((sum / 3000 - whole).abs().mean().item<double>() < 0.1 * (slot(x, true) - whole).abs().mean().item<double>());
}

TEST_CASE("lora: merging gives plain layers that compute the same, rounded once in the base's type") {
  test::Base base;
  LinearSlot& wide = base.slot("model.layers.0.self_attn.q_proj");
  LinearSlot& half = base.slot("model.layers.1.self_attn.q_proj");
  half.weight().value = half.weight().value.to(torch::kBFloat16);
  const Tensor half_before = half.weight().value;
  test::Tuned tuned(base, {.rank = 3, .alpha = 2.0});
  tuned.shaken();
  const Tensor x = torch::randn({4, 6});
  const Tensor before = wide(x);
  tuned.lora.merge();
  CHECK(difference(wide(x), before) < 1e-5);
  CHECK(difference(wide(x), at::linear(x, wide.weight().value)) < 1e-6);
  const Tensor ba = at::mm(tuned.weight(half.name(), 'B'), tuned.weight(half.name(), 'A'));
  CHECK((half.weight().value.scalar_type() == torch::kBFloat16));
  CHECK(torch::equal(half.weight().value, (half_before.to(torch::kFloat32) + 2.0 / 3 * ba).to(torch::kBFloat16)));
}

TEST_CASE("lora: what is saved comes back, as a checkpoint and by load; other layers or ranks are refused") {
  const test::TemporaryFolder folder;
  const Names targets{"q_proj", "model.layers.0.mlp.up_proj"};
  const Settings settings{.rank = 3, .alpha = 5.0, .dropout = 0.25, .target_modules = targets, .rslora = true};
  test::Base base;
  test::Tuned tuned(base, settings);
  tuned.shaken().lora.save(folder / "model/lora");
  const Tensor x = torch::randn({4, 6});
  std::vector<Tensor> expected;
  for (const LinearSlot& slot : base.slots) expected.push_back(slot(x));
  const auto same = [&](test::Base& other) {
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(difference(other.slots[i](x), expected[i]) < 1e-6);
  };
  test::write_file(folder / "model/adapter.safetensors", "");  // the cell adapter; the core reads it
  const std::string saved = (folder / "model/lora").string();
  {
    test::Base other;
    test::Tuned again(other, {.checkpoint = saved});
    same(other);
    again.lora.load(saved);
    same(other);
  }
  {
    test::Base other;
    test::Tuned again(other, settings);
    again.lora.load(saved);
    same(other);
  }
  {
    test::Base other;
    test::Tuned again(other, {.rank = 3,
                              .alpha = 5.0,
                              .dropout = 0.25,
                              .target_modules = targets,
                              .rslora = true,
                              .checkpoint = saved + "/"});
    same(other);
  }
  test::Base other;
  test::Tuned wider(other, {.rank = 4, .target_modules = targets});
  CHECK_THROWS_WITH_AS(wider.lora.load(saved), Contains("expected 3 layers of rank 4, found 3 of rank 3"), InputError);
  const auto contradicted = [&](const Settings& wrong, const char* key) {
    test::Base fresh;
    CHECK_THROWS_WITH_AS(test::Tuned(fresh, wrong), Contains(key), InputError);
  };
  contradicted({.rank = 4, .checkpoint = saved}, "finetuning.rank is not what ");
  contradicted({.alpha = 4.0, .checkpoint = saved}, "finetuning.alpha is not what ");
  contradicted({.dropout = 0.5, .checkpoint = saved}, "finetuning.dropout is not what ");
  contradicted({.rslora = false, .checkpoint = saved}, "finetuning.rslora is not what ");
  contradicted({.target_modules = Names{"q_proj"}, .checkpoint = saved}, "finetuning.target_modules is not what ");
  std::filesystem::remove(folder / "model/adapter.safetensors");
  contradicted({.checkpoint = saved}, "was trained together with a cell adapter");
}
