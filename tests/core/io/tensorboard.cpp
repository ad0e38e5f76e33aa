// Event files against the package that reads them.
#include "cell2text/io/tensorboard.hpp"

#include "support/oracle.hpp"

using cell2text::EnvironmentError;
using cell2text::TensorBoardWriter;
namespace test = cell2text::test;

TEST_CASE("tensorboard: checksums are those of the format") {
  CHECK(cell2text::tensorboard_detail::masked_crc("123456789") == 0xc78ab0e5u);  // CRC-32C e3069283, masked
}

TEST_CASE("tensorboard: a folder that cannot be written to is an error that names the file") {
  CHECK_THROWS_WITH_AS(TensorBoardWriter("/nonexistent", 1), doctest::Contains("/nonexistent/events.out.tfevents"),
                       EnvironmentError);
}

TEST_CASE("oracle: tensorboard reads the scalars, and of steps that were written twice the later") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 100);
  const test::TemporaryFolder folder;
  std::vector<double> first(120), second(120);
  for (auto* values : {&first, &second})
    for (double& value : *values) value = normal(random);
  const std::int64_t again = static_cast<std::int64_t>(20 + random() % 60);
  {
    TensorBoardWriter writer(folder.path(), 1);
    for (std::int64_t step = 1; step <= 100; ++step)
      writer.scalars(step, {{"training/loss", first[step]}, {"rate", -first[step]}});
  }
  TensorBoardWriter writer(folder.path(), again);  // an interrupted run goes on
  for (std::int64_t step = again; step < 120; ++step)
    writer.scalars(step, {{"training/loss", second[step]}, {"rate", -second[step]}});

  const auto read = test::oracle("tensorboard_scalars.py", seed, {folder.path().string()});
  std::istringstream lines(test::read_file(read / "scalars.txt"));
  std::string tag;
  double value = 0;
  std::int64_t step = 0, count = 0;
  while (lines >> tag >> step >> value) {
    const double expected = step < again ? first[step] : second[step];
    CHECK(value == static_cast<float>(tag == "rate" ? -expected : expected));
    ++count;
  }
  CHECK(count == 2 * 119);
}
