#include "cell2text/io/tensors.hpp"

#include <ATen/ATen.h>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

const std::vector<std::pair<at::ScalarType, const char*>> all_dtypes = {
    {at::kDouble, "float64"}, {at::kFloat, "float32"}, {at::kHalf, "float16"}, {at::kBFloat16, "bfloat16"},
    {at::kLong, "int64"},     {at::kInt, "int32"},     {at::kShort, "int16"},  {at::kChar, "int8"},
    {at::kByte, "uint8"},     {at::kBool, "bool"}};

void write_index(const std::filesystem::path& folder, const std::string& weight_map) {
  write_file(folder / "model.safetensors.index.json",
             R"({"metadata": {"total_size": 1}, "weight_map": )" + weight_map + "}");
}

}  // namespace

TEST_CASE("tensors: what is saved comes back equal, of every dtype, stride and size") {
  TemporaryFolder folder;
  const std::uint64_t number = seed();
  INFO("seed " << number);
  at::manual_seed(number);
  std::vector<std::pair<std::string, at::Tensor>> saved;
  for (const auto& [type, name] : all_dtypes) {
    saved.emplace_back(std::string(name) + ".matrix", (at::randn({5, 3}) * 20).to(type));
    saved.emplace_back(std::string(name) + ".transposed", (at::randn({4, 7}) * 20).to(type).t());
    saved.emplace_back(std::string(name) + ".scalar", at::ones({}, type));
    saved.emplace_back(std::string(name) + ".empty", at::empty({3, 0, 2}, type));
  }
  saved.emplace_back("trained", at::randn({2, 2}).requires_grad_());
  save_tensors(folder / "all.safetensors", saved, {{"format", "pt"}});
  const auto files = TensorFiles::open(folder / "all.safetensors");
  CHECK(files.names().size() == saved.size());
  const auto names = files.names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(files.metadata().at("format") == "pt");
  CHECK(files.file_paths() == std::vector<std::filesystem::path>{folder / "all.safetensors"});
  for (const auto& [name, tensor] : saved) {
    CAPTURE(name);
    const at::Tensor loaded = files.tensor(name);
    CHECK(files.contains(name));
    CHECK(files.shape(name) == tensor.sizes().vec());
    CHECK((files.dtype(name) == tensor.scalar_type()));
    CHECK((loaded.scalar_type() == tensor.scalar_type()));
    CHECK(!loaded.requires_grad());
    CHECK(at::equal(loaded, tensor));
  }
}

TEST_CASE("tensors: a tensor is a view that outlives the checkpoint object and the file") {
  TemporaryFolder folder;
  save_tensors(folder / "a.safetensors", {{"w", at::arange(6, at::kFloat)}});
  at::Tensor first, second;
  {
    const auto files = TensorFiles::open(folder / "a.safetensors");
    first = files.tensor("w");
    const TensorFiles copy = files;
    second = copy.tensor("w");
  }
  std::filesystem::remove(folder / "a.safetensors");
  CHECK(first.const_data_ptr() == second.const_data_ptr());
  CHECK(at::equal(first, at::arange(6, at::kFloat)));
}

TEST_CASE("tensors: a tensor at an address that does not suit its dtype is copied") {
  TemporaryFolder folder;
  std::string header =
      R"({"odd":{"dtype":"F32","shape":[2],"data_offsets":[1,9]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t size = header.size();
  const float values[] = {1.5f, -2.0f};
  write_file(folder / "odd.safetensors", std::string(reinterpret_cast<const char*>(&size), 8) + header + "\7" +
                                             std::string(reinterpret_cast<const char*>(values), 8));
  const auto files = TensorFiles::open(folder / "odd.safetensors");
  const at::Tensor odd = files.tensor("odd");
  CHECK(reinterpret_cast<std::uintptr_t>(odd.const_data_ptr()) % 4 == 0);
  CHECK(at::equal(odd, at::tensor({1.5f, -2.0f})));
  CHECK(files.tensor("b").item<int>() == 7);
}

TEST_CASE("tensors: an unknown name is refused with the checkpoint's name") {
  TemporaryFolder folder;
  save_tensors(folder / "a.safetensors", {{"w", at::ones({1})}});
  const auto files = TensorFiles::open(folder / "a.safetensors");
  const auto message = message_of<InputError>([&] { files.tensor("v"); });
  CHECK(has(message,
            (folder / "a.safetensors").string() + " holds no tensor 'v' (1 tensors are there, the first is 'w')"));
  CHECK_THROWS_AS(files.shape("v"), InputError);
  save_tensors(folder / "none.safetensors", {});
  CHECK(has(message_of<InputError>([&] { TensorFiles::open(folder / "none.safetensors").dtype("v"); }), "(0 tensors"));
}

TEST_CASE("tensors: a folder with one file, with shards, and with another stem") {
  TemporaryFolder folder;
  save_tensors(folder / "model.safetensors", {{"w", at::ones({2})}});
  CHECK(TensorFiles::open(folder.path()).names() == std::vector<std::string>{"w"});
  save_tensors(folder / "adapter_model.safetensors", {{"lora", at::ones({2})}});
  CHECK(TensorFiles::open(folder.path(), "adapter_model").contains("lora"));

  TemporaryFolder sharded;
  save_tensors(sharded / "model-1.safetensors", {{"a", at::full({1}, 1)}, {"b", at::full({1}, 2)}}, {{"format", "pt"}});
  save_tensors(sharded / "model-2.safetensors", {{"c", at::full({1}, 3)}, {"forgotten", at::full({1}, 4)}},
               {{"x", "y"}});
  write_index(sharded.path(),
              R"({"a": "model-1.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"})");
  const auto files = TensorFiles::open(sharded.path());
  CHECK(files.names() == std::vector<std::string>{"a", "b", "c", "forgotten"});
  for (int i = 0; i < 4; ++i) CHECK(files.tensor(files.names()[i]).item<int>() == i + 1);
  CHECK(files.file_paths().size() == 2);
  CHECK(files.metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"x", "y"}});
}

TEST_CASE("tensors: an index that does not fit its shards is refused by name") {
  TemporaryFolder folder;
  save_tensors(folder / "one.safetensors", {{"a", at::ones({1})}, {"b", at::ones({1})}});
  const auto refusal = [&](const std::string& map) {
    write_index(folder.path(), map);
    return message_of<InputError>([&] { TensorFiles::open(folder.path()); });
  };
  CHECK(
      has(refusal(R"({"a": "gone.safetensors"})"), "shard " + (folder / "gone.safetensors").string() + " is missing"));
  const auto wrong = refusal(R"({"a": "one.safetensors", "z": "one.safetensors"})");
  CHECK(has(wrong, "places tensor 'z' in one.safetensors, which does not hold it"));
  for (const char* escape : {"../one.safetensors", "/etc/passwd", "..", ".", "", "sub/one.safetensors"})
    CHECK(has(refusal(std::string(R"({"a": ")") + escape + "\"}"), "expected the plain name"));
  CHECK(has(refusal("[]"), "'weight_map' is not an object"));
  CHECK(has(refusal("{}"), "'weight_map' is not an object"));
  CHECK(has(refusal(R"({"a": 3})"), "'a' is a whole number (3), expected a text"));
  save_tensors(folder / "two.safetensors", {{"b", at::ones({1})}, {"c", at::ones({1})}});
  const auto twice = refusal(R"({"a": "one.safetensors", "c": "two.safetensors"})");
  CHECK(has(twice, "tensor 'b' is in two shards, one.safetensors and two.safetensors"));
}

TEST_CASE("tensors: a folder without weights, and files of torch.save in a form that is not read") {
  TemporaryFolder folder;
  const auto none = message_of<InputError>([&] { TensorFiles::open(folder.path()); });
  CHECK(has(none, "holds no weights: neither model.safetensors nor pytorch_model.bin"));
  CHECK(has(message_of<InputError>([&] { TensorFiles::open(folder.path(), "adapter_model"); }), "adapter_model.bin"));
  write_file(folder / "pytorch_model.bin", "\x80\x02.");
  const auto message = message_of<InputError>([&] { TensorFiles::open(folder.path()); });
  CHECK(has(message, "pytorch_model.bin is no archive as torch.save writes it since torch 1.6"));
  CHECK(has(message, "save_file("));
  CHECK(has(message, (folder / "pytorch_model.safetensors").string()));
  write_file(folder / "pytorch_model.bin", std::string("PK\x03\x04") + "cut");
  CHECK(has(message_of<InputError>([&] { TensorFiles::open(folder.path()); }), "truncated"));
}

TEST_CASE("tensors: other names for the same tensors") {
  TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  save_tensors(path, {{"x.a", at::ones({2})}, {"x.b", at::zeros({3})}, {"image", at::ones({1})}});
  const auto files = TensorFiles::open(path);
  const auto renamed = files.renamed([](const std::string& name) -> std::optional<std::string> {
    if (name == "image") return {};
    return name.substr(2);
  });
  CHECK(renamed.names() == std::vector<std::string>{"a", "b"});
  CHECK(renamed.tensor("a").equal(at::ones({2})));
  CHECK(renamed.file_paths() == files.file_paths());
  CHECK(files.names().size() == 3);
  const auto message = message_of<InputError>([&] { files.renamed([](const std::string&) { return "same"; }); });
  CHECK(has(message, "both stand for 'same'"));
}

TEST_CASE("tensors: what cannot be saved is refused and the old file stays") {
  TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  save_tensors(path, {{"w", at::ones({1})}});
  const auto complex = at::ones({1}, at::kComplexFloat);
  CHECK(has(message_of<InputError>([&] { save_tensors(path, {{"z", complex}}); }), "'z' has the dtype ComplexFloat"));
  CHECK_THROWS_AS(save_tensors(path, {{"u", at::Tensor()}}), BugError);
  CHECK(TensorFiles::open(path).contains("w"));
}

TEST_CASE("oracle: tensors: files of Python's safetensors are read, and ours are read by it") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  // The script writes theirs.safetensors, a sharded folder and expected.json (the sum and shape of each tensor).
  const auto folder = oracle("safetensors_files.py", number);
  const auto expected = read_json(folder / "expected.json");
  for (const std::string source : {"theirs.safetensors", "sharded"}) {
    const auto files = TensorFiles::open(folder / source);
    CHECK(files.metadata().at("format") == "pt");
    CHECK(files.names().size() == expected.size());
    std::vector<std::pair<std::string, at::Tensor>> all;
    for (const auto& name : files.names()) {
      CAPTURE(name);
      const auto& facts = expected.at(name);
      CHECK(files.shape(name) == facts.at("shape").get<std::vector<std::int64_t>>());
      const at::Tensor values = files.tensor(name).to(at::kDouble).flatten();
      CHECK(values.sum().item<double>() == doctest::Approx(facts.at("sum").get<double>()).epsilon(1e-12));
      const at::Tensor weights = at::arange(1, values.numel() + 1, at::kDouble);
      CHECK((values * weights).sum().item<double>() ==
            doctest::Approx(facts.at("weighted").get<double>()).epsilon(1e-12));
      all.emplace_back(name, files.tensor(name));
    }
    save_tensors(folder / "ours.safetensors", all, {{"format", "pt"}, {"note", "grüße \"quoted\""}});
    // Called again with what we wrote: fails unless every tensor is bitwise equal to its own.
    std::string output;
    const std::string python = (source_dir() / ".deps/env/bin/python").string();
    const std::string script = (source_dir() / "tests/reference/safetensors_files.py").string();
    const int status = run_command("'" + python + "' '" + script + "' '" + folder.path().string() + "' --seed " +
                                       std::to_string(number) + " --check ours.safetensors",
                                   output);
    CHECK_MESSAGE(status == 0, output);
  }
}
