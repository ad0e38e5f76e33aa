#include "cell2text/generate/windows.hpp"

#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

using cell2text::CellLoader;
using cell2text::Windows;
namespace test = cell2text::test;

namespace {

using BatchRows = std::vector<std::vector<std::int64_t>>;

/// Batches of the cells from `first` to before `end`, as rows.
BatchRows batches_of(const cell2text::SourceHandle& source, const cell2text::EncoderHandle& encoder, std::int64_t first,
                     std::int64_t end, std::int64_t batch_size) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = first; row < end; ++row) rows.push_back(row);
  CellLoader loader(source, encoder, rows, {batch_size, cell2text::free_length_window, 0, false});
  BatchRows all;
  while (const auto batch = loader.next()) all.push_back(batch->rows);
  return all;
}

}  // namespace

TEST_CASE("windows: they cover all cells one after the other, a few first") {
  for (const std::int64_t cells : {0, 1, 3, 4, 5, 51, 52, 53, 1000})
    for (const std::int64_t batch_size : {1, 3, 16}) {
      CAPTURE(cells);
      CAPTURE(batch_size);
      const Windows windows{cells, batch_size};
      CHECK(windows.first(0) == 0);
      CHECK(windows.first(windows.count()) == cells);
      for (std::int64_t k = 0; k < windows.count(); ++k) {
        const std::int64_t size = windows.first(k + 1) - windows.first(k);
        CHECK(size > 0);
        CHECK(size <= (k == 0 ? Windows::few : batch_size * cell2text::free_length_window));
      }
    }
}

TEST_CASE("windows: begun at any of them, the loader makes the batches that it makes of all") {
  const std::uint64_t number = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  std::vector<std::int64_t> expressed;
  for (int i = 0; i < 333; ++i) expressed.push_back(static_cast<std::int64_t>(random() % 30));
  const auto source = test::toy_source(expressed);
  cell2text::Parameters parameters(torch::kCPU, torch::kFloat32, 0);
  const cell2text::EncoderHandle encoder(test::toy_part<cell2text::kinds::encoder, test::ToyEncoder>({}, parameters));
  for (const std::int64_t batch_size : {1, 2, 5}) {
    const Windows windows{std::ssize(expressed), batch_size};
    const BatchRows whole = batches_of(source, encoder, windows.first(1), windows.cells, batch_size);
    for (std::int64_t k = 1; k <= windows.count(); ++k) {
      BatchRows parts = batches_of(source, encoder, windows.first(1), windows.first(k), batch_size);
      const BatchRows rest = batches_of(source, encoder, windows.first(k), windows.cells, batch_size);
      parts.insert(parts.end(), rest.begin(), rest.end());
      CHECK((parts == whole));
    }
  }
}
