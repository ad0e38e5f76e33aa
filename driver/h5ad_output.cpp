#include "h5ad_output.hpp"

#include <charconv>
#include <cmath>
#include <numeric>

#include "cell2text/io/h5ad_file.hpp"
#include "cell2text/text/words.hpp"
#include "open_cells.hpp"

namespace cell2text::driver {

namespace {

/// By the ending, and by what is in it where the ending is that of 10x Genomics too.
bool is_one_h5ad(const std::filesystem::path& input) {
  if (std::filesystem::is_directory(input)) return false;
  const std::string ending = lower(input.extension().string());
  return ending == ".h5ad" || ((ending == ".h5" || ending == ".hdf5") && source_plugin_for(input) == "h5ad");
}

std::vector<double> numbers_of(const LabelColumn& column) {
  std::vector<double> values(column.values.size(), std::nan("")), numbers;
  for (std::size_t i = 0; i < values.size(); ++i)
    std::from_chars(column.values[i].data(), column.values[i].data() + column.values[i].size(), values[i]);
  for (const std::int32_t code : column.codes) numbers.push_back(code < 0 ? std::nan("") : values[code]);
  return numbers;
}

/// The source's own columns, but for those of these names.
std::vector<ObsColumn> own_columns(const SourceHandle& source, const std::vector<std::string>& added) {
  std::vector<ObsColumn> all;
  for (const ColumnInfo& info : source.columns()) {
    if (std::ranges::find(added, info.name) != added.end()) continue;
    const LabelColumn column = source.labels(info.name);
    if (info.type == ColumnInfo::Type::number)
      all.push_back({info.name, numbers_of(column)});
    else
      all.push_back({info.name, column});
  }
  return all;
}

CellBatch block_from(const SourceHandle& source, std::int64_t first) {
  constexpr std::int64_t block_cells = 4096;
  std::vector<std::int64_t> rows(std::min(block_cells, source.size() - first));
  std::iota(rows.begin(), rows.end(), first);
  return source.read(rows);
}

}  // namespace

void expect_new_in_output(const SourceHandle& source, const std::filesystem::path& input, const H5adNames& names) {
  if (is_one_h5ad(input)) return expect_new_in_h5ad(input, names);
  for (const std::string& name : names.obs)
    if (source.has_column(name))
      throw InputError(input.string() + ": already has the column '" + name +
                       "'; nothing was written. Replace it with --overwrite, or take it out of the labels first");
}

void write_h5ad_output(const SourceHandle& source, const std::filesystem::path& input,
                       const std::filesystem::path& output, H5adAdditions additions) {
  if (is_one_h5ad(input)) return write_h5ad_copy(input, output, additions);
  H5adContents contents;
  contents.genes = source.genes();
  contents.cells = source.size();
  for (std::int64_t first = 0; first < contents.cells;) {
    const CellBatch block = block_from(source, first);
    contents.nonzeros += std::ssize(block.counts), first += block.size();
  }
  auto columns = own_columns(source, additions.columns());
  std::ranges::move(additions.obs, std::back_inserter(columns));
  additions.obs = std::move(columns);
  contents.additions = std::move(additions);
  write_new_h5ad(output, contents, [&](std::int64_t first) { return block_from(source, first); });
}

}  // namespace cell2text::driver
