// Arrays that are read where they lie in their file, without HDF5: the same values as by HDF5, whatever the layout.
#include <random>
#include <utility>

#include "cell2text/io/hdf5_plain.hpp"
#include "support/hdf5_file.hpp"
#include "support/oracle.hpp"
#include "support/said.hpp"

namespace cell2text::test {
namespace {

/// How an array of whole numbers is stored.
struct Storage {
  hsize_t chunk = 0;  ///< 0: in one piece
  bool gzip = false, big_endian = false, wide = false;
  hsize_t user_block = 0;
  bool newest_format = false;          ///< other indices of chunks
  std::vector<hsize_t> left_out = {};  ///< chunks that are never written
};

hdf5::Handle property_list(hid_t kind) {
  return hdf5::Handle(H5Pcreate(kind));
}

/// The array "values" of a new file; returns what HDF5 gives of it.
std::vector<std::int32_t> store(const std::filesystem::path& path, const Storage& how, hsize_t length,
                                std::mt19937_64& random) {
  const hdf5::Handle creation = property_list(H5P_FILE_CREATE), access = property_list(H5P_FILE_ACCESS),
                     plan = property_list(H5P_DATASET_CREATE);
  REQUIRE(H5Pset_userblock(creation.id(), how.user_block) >= 0);
  if (how.newest_format) REQUIRE(H5Pset_libver_bounds(access.id(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0);
  const std::int32_t fill = -7;
  REQUIRE(H5Pset_fill_value(plan.id(), H5T_NATIVE_INT32, &fill) >= 0);
  if (how.chunk > 0) REQUIRE(H5Pset_chunk(plan.id(), 1, &how.chunk) >= 0);
  if (how.gzip) REQUIRE(H5Pset_deflate(plan.id(), 1) >= 0);
  const hdf5::Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()));
  const hsize_t unlimited = H5S_UNLIMITED;
  const hdf5::Handle space(H5Screate_simple(1, &length, how.newest_format ? &unlimited : nullptr));
  const hid_t type = how.big_endian ? H5T_STD_I32BE : how.wide ? H5T_STD_I64LE : H5T_STD_I32LE;
  const hdf5::Handle array(H5Dcreate2(file.id(), "values", type, space.id(), H5P_DEFAULT, plan.id(), H5P_DEFAULT));
  REQUIRE(array.id() >= 0);
  std::vector<std::int32_t> values(length, fill);
  const hsize_t step = how.chunk > 0 ? how.chunk : length;
  for (hsize_t first = 0; first < length; first += step) {
    if (std::ranges::find(how.left_out, first / step) != how.left_out.end()) continue;
    const hsize_t count = std::min(step, length - first);
    for (hsize_t i = first; i < first + count; ++i) values[i] = static_cast<std::int32_t>(random());
    const hdf5::Handle memory(H5Screate_simple(1, &count, nullptr));
    REQUIRE(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr) >= 0);
    REQUIRE(H5Dwrite(array.id(), H5T_NATIVE_INT32, memory.id(), space.id(), H5P_DEFAULT, values.data() + first) >= 0);
  }
  return values;
}

bool is_plain(const hdf5::Dataset& array) {
  const hdf5::Handle plan(H5Dget_create_plist(array.id()));
  return hdf5::PlainBytes::find(array.id(), plan.id(), array.length(), static_cast<std::size_t>(array.value_bytes()), 1)
      .has_value();
}

void check_parts(const hdf5::Dataset& array, const std::vector<std::int32_t>& values, std::mt19937_64& random) {
  CHECK(array.read_all<std::int32_t>() == values);
  std::vector<std::int32_t> together = {5};
  std::vector<std::int32_t> wanted = together;
  for (int i = 0; i < 200; ++i) {
    const auto first = static_cast<std::int64_t>(random() % values.size());
    const auto count = static_cast<std::int64_t>(random() % (values.size() - first + 1));
    const std::vector<std::int32_t> part(values.begin() + first, values.begin() + first + count);
    REQUIRE(array.read<std::int32_t>(first, count) == part);
    array.read_onto(first, count, together);
    wanted.insert(wanted.end(), part.begin(), part.end());
  }
  CHECK(together == wanted);
}

}  // namespace

TEST_CASE("plain arrays: any part is what was written, however the file holds it") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  const std::vector<std::pair<Storage, bool>> cases = {
      {{}, true},
      {{.chunk = 128}, true},
      {{.chunk = 128, .newest_format = true}, true},
      {{.chunk = 1000, .left_out = {0, 2}}, true},  // HDF5 fills these in
      {{.big_endian = true}, true},                 // what the values mean is asked by whoever reads
      {{.wide = true}, true},
      {{.chunk = 128, .gzip = true}, false},
      {{.user_block = 512}, false},
      {{.chunk = 16}, false},                           // too many chunks
      {{.chunk = 9999, .newest_format = true}, false},  // one that is larger than the array
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO("case " << i);
    const auto length = static_cast<hsize_t>(1500 + random() % 500);
    const auto path = folder / (std::to_string(i) + ".h5");
    const std::vector<std::int32_t> values = store(path, cases[i].first, length, random);
    const hdf5::Group root = hdf5::Group::open_file(path);
    CHECK(is_plain(root.dataset("values")) == cases[i].second);
    check_parts(root.dataset("values"), values, random);
    hdf5::Dataset moved = root.dataset("values");
    moved = root.dataset("values", std::size_t{1} << 20);
    check_parts(moved, values, random);
  }
}

TEST_CASE(
    "plain arrays: a file that is open for writing is read through HDF5, which knows what is not yet on the disk") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  store(folder / "values.h5", {.chunk = 128}, 1000, random);
  const hdf5::Group root = hdf5::Group::open_file(folder / "values.h5", true);
  const hdf5::Dataset array = root.dataset("values");
  CHECK(!is_plain(array));
  const std::vector<std::int32_t> others(300, 11);
  hdf5::write_part<std::int32_t>(array, 100, others);
  CHECK(array.read<std::int32_t>(100, 300) == others);
}

TEST_CASE("plain arrays: a range beyond the end, and a file that was cut short, are refused") {
  std::mt19937_64 random(test::seed());
  const TemporaryFolder folder;
  store(folder / "values.h5", {}, 100'000, random);
  const hdf5::Group root = hdf5::Group::open_file(folder / "values.h5");
  const hdf5::Dataset array = root.dataset("values");
  CHECK(refusal([&] { array.read<std::int32_t>(99'999, 2); }).find("it has 100000") != std::string::npos);
  CHECK(refusal([&] { array.read<std::int32_t>(-1, 2); }).find("it has 100000") != std::string::npos);
  std::filesystem::resize_file(folder / "values.h5", 200'000);
  CHECK(array.read<std::int32_t>(100, 100).size() == 100);
  CHECK(refusal([&] { array.read_all<std::int32_t>(); }).find("is the file whole?") != std::string::npos);
}

}  // namespace cell2text::test
