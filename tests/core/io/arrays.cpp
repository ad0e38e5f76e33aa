// Named arrays in a file: what was written comes back, and what is of another type is refused.
#include "cell2text/io/arrays.hpp"

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

namespace {

template <class T>
void check_round_trip(const std::filesystem::path& path, std::mt19937_64& random) {
  std::vector<T> values(random() % 20);
  for (T& value : values) value = static_cast<T>(random());
  cell2text::write_safetensors(path, {cell2text::array_item("values", values)});
  const cell2text::ArrayFile file(path);
  CHECK(file.copy<T>("values") == values);
}

}  // namespace

TEST_CASE("arrays: values of each type come back") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const cell2text::test::TemporaryFolder folder;
  check_round_trip<std::int64_t>(folder / "a", random);
  check_round_trip<std::int32_t>(folder / "a", random);
  check_round_trip<std::int8_t>(folder / "a", random);
  check_round_trip<std::uint8_t>(folder / "a", random);
  check_round_trip<float>(folder / "a", random);
  check_round_trip<double>(folder / "a", random);
}

TEST_CASE("arrays: one that is missing or of another type is refused, and the file named") {
  const cell2text::test::TemporaryFolder folder;
  const std::vector<std::int32_t> values{1, 2};
  cell2text::write_safetensors(folder / "a.safetensors", {cell2text::array_item("values", values)});
  const cell2text::ArrayFile file(folder / "a.safetensors");
  for (const auto& message :
       {cell2text::test::message_of<cell2text::InputError>([&] { file.of<std::int32_t>("other"); }),
        cell2text::test::message_of<cell2text::InputError>([&] { file.of<float>("values"); })}) {
    CHECK(cell2text::test::has(message, "a.safetensors: holds no array '"));
    CHECK(cell2text::test::has(message, "make it again"));
  }
}
