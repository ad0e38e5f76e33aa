#include "cell2text/io/sharded_tensors.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("sharded_tensors: shards of a limited size, with an index, are read back; a single one needs none") {
  TemporaryFolder folder;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (int i = 0; i < 7; ++i) tensors.emplace_back("t" + std::to_string(i), at::full({i + 1, 10}, float(i)));
  save_sharded(folder.path(), tensors);
  CHECK(std::filesystem::exists(folder / "model.safetensors"));
  CHECK_FALSE(std::filesystem::exists(folder / "model.safetensors.index.json"));
  std::filesystem::remove(folder / "model.safetensors");
  save_sharded(folder.path(), tensors, 250);  // of 40, 80, ... 280 bytes: 0 to 2, then one a shard, the last too large
  CHECK(std::filesystem::exists(folder / "model-00001-of-00005.safetensors"));
  const auto files = TensorFiles::open(folder.path());
  CHECK(files.file_paths().size() == 5);
  CHECK(files.names().size() == 7);
  for (const auto& [name, tensor] : tensors) CHECK(files.tensor(name).equal(tensor));
  const auto index = read_json(folder / "model.safetensors.index.json");
  CHECK(index["metadata"]["total_size"] == 28 * 40);
  CHECK(index["weight_map"]["t2"] == "model-00001-of-00005.safetensors");
  CHECK(index["weight_map"]["t6"] == "model-00005-of-00005.safetensors");
}
