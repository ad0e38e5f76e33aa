#include <random>

#include "cell2text/memory_need.hpp"
#include "support/hdf5_file.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

// As anndata writes a large matrix without compression: chunks, and nothing done to them.
TEST_CASE("h5ad: chunks of which only parts were read do not stay in memory") {
  constexpr hsize_t chunk = hsize_t{1} << 16, chunks = 512, all = chunk * chunks;  // 128 MiB
  const TemporaryFolder folder;
  {
    const hdf5::Group root = new_file(folder / "large.h5");
    const hdf5::Handle space(H5Screate_simple(1, &all, nullptr)), plan(H5Pcreate(H5P_DATASET_CREATE));
    REQUIRE(H5Pset_chunk(plan.id(), 1, &chunk) >= 0);
    const hdf5::Handle made(
        H5Dcreate2(root.id(), "data", H5T_NATIVE_FLOAT, space.id(), H5P_DEFAULT, plan.id(), H5P_DEFAULT));
    const hdf5::Handle memory(H5Screate_simple(1, &chunk, nullptr));
    std::vector<float> values(chunk);
    for (hsize_t first = 0; first < all; first += chunk) {
      for (hsize_t i = 0; i < chunk; ++i) values[i] = static_cast<float>((first + i) % 1'000'003);
      REQUIRE(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &first, nullptr, &chunk, nullptr) >= 0);
      REQUIRE(H5Dwrite(made.id(), H5T_NATIVE_FLOAT, memory.id(), space.id(), H5P_DEFAULT, values.data()) >= 0);
    }
  }
  const hdf5::Dataset data = hdf5::Group::open_file(folder / "large.h5").dataset("data", std::size_t{32} << 20);
  std::mt19937_64 random(seed());
  const double before = process_memory("RssAnon:");
  for (int i = 0; i < 3000; ++i) {
    const auto first = static_cast<std::int64_t>(random() % (all - 5000));
    const std::vector<float> part = data.read<float>(first, 5000);
    REQUIRE(part.front() == static_cast<float>(first % 1'000'003));
    REQUIRE(part.back() == static_cast<float>((first + 4999) % 1'000'003));
  }
  CHECK(process_memory("RssAnon:") - before < 40e6);
}
