// Makes an .h5ad file from nothing: raw counts in CSR, which come block by block, genes, names, and what is said of the
// cells. Adding to a file that is there is io/h5ad_writer.hpp's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/io/h5ad_writer.hpp"

namespace cell2text {

/// What a new file holds beside its counts.
struct H5adContents {
  std::shared_ptr<const GeneTable> genes;
  std::int64_t cells = 0;
  std::int64_t nonzeros = 0;  ///< stored counts of all cells
  unsigned gzip = 0;          ///< 1 to 9: counts are compressed, and slower to read; 0: as they are
  H5adAdditions additions;
};

namespace h5ad_file_detail {

/// More than HDF5 will take: indices and counts, row starts, names of up to 250 bytes, genes, additions.
inline std::uint64_t room_for(const H5adContents& contents) {
  const auto cells = static_cast<std::uint64_t>(contents.cells), genes = contents.genes->ids.size();
  return 8 * static_cast<std::uint64_t>(contents.nonzeros) + (8 + 300) * cells + 300 * genes +
         h5ad_writer_detail::room_for(contents.additions, contents.cells);
}

inline hdf5::Group new_frame(const hdf5::Group& root, const std::string& name, const std::vector<std::string>& index,
                             const std::vector<std::string>& columns) {
  using namespace h5ad_writer_detail;
  hdf5::Group frame = hdf5::write_group(root, name);
  set_encoding(frame, "dataframe", "0.2.0");
  hdf5::set_attribute(frame, "_index", std::string("_index"));
  hdf5::set_attribute(frame, "column-order", columns);
  write_column(frame, "_index", index);
  return frame;
}

inline void write_genes(const hdf5::Group& root, const GeneTable& genes) {
  const bool named = !genes.symbols.empty();
  const auto var =
      new_frame(root, "var", genes.ids, named ? std::vector<std::string>{"feature_name"} : std::vector<std::string>{});
  if (named) h5ad_writer_detail::write_column(var, "feature_name", genes.symbols);
}

/// The counts as X; returns the cells' names.
inline std::vector<std::string> write_counts(const hdf5::Group& root, const H5adContents& contents,
                                             const std::function<CellBatch(std::int64_t)>& blocks) {
  const hdf5::Group x = hdf5::write_group(root, "X");
  h5ad_writer_detail::set_encoding(x, "csr_matrix", "0.1.0");
  hdf5::set_attribute(x, "shape", std::vector<std::int64_t>{contents.cells, contents.genes->size()});
  const auto count = static_cast<hsize_t>(contents.nonzeros);
  const auto data = hdf5::announce_numbers<float>(x, "data", count, contents.gzip);
  const auto indices = hdf5::announce_numbers<std::int32_t>(x, "indices", count, contents.gzip);
  std::vector<std::int64_t> starts{0};
  std::vector<std::string> names;
  while (std::ssize(names) < contents.cells) {
    const CellBatch block = blocks(std::ssize(names));
    const std::int64_t at = starts.back(), cells = std::ssize(names) + block.size();
    if (block.size() == 0 || cells > contents.cells || at + std::ssize(block.counts) > contents.nonzeros)
      throw BugError("h5ad: " + std::to_string(cells) + " cells with " + std::to_string(at + std::ssize(block.counts)) +
                     " counts came where " + std::to_string(contents.cells) + " with " +
                     std::to_string(contents.nonzeros) + " were announced");
    hdf5::write_part<float>(data, static_cast<hsize_t>(at), block.counts);
    hdf5::write_part<std::int32_t>(indices, static_cast<hsize_t>(at), block.columns);
    for (std::int64_t cell = 0; cell < block.size(); ++cell) starts.push_back(at + block.row_starts[cell + 1]);
    names.insert(names.end(), block.names.begin(), block.names.end());
  }
  if (starts.back() != contents.nonzeros)
    throw BugError("h5ad: " + std::to_string(starts.back()) + " counts came; " + std::to_string(contents.nonzeros) +
                   " were announced");
  hdf5::write_numbers(x, "indptr", starts);
  return names;
}

}  // namespace h5ad_file_detail

/// Writes `output` under a temporary name and renames it. `blocks(first)` gives the next cells, from `first` on, in
/// order, over the columns of `contents.genes`; one block is in memory at a time, and each cell's name and row start.
/// Same contents, same bytes. InputError: an addition of an unfit name or length, or text that is no UTF-8.
/// EnvironmentError: disk, permission. BugError: blocks that hold other than what was announced.
inline void write_new_h5ad(const std::filesystem::path& output, const H5adContents& contents,
                           const std::function<CellBatch(std::int64_t first)>& blocks) {
  namespace detail = h5ad_writer_detail;
  const std::string where = output.string();
  for (const auto* names : {&contents.genes->ids, &contents.genes->symbols})
    for (const std::string& name : *names) detail::check_text(name, where + ": var");
  detail::check_value({contents.additions.uns, {}}, where + ": uns");
  AtomicFile file(output);
  hdf5::create_file(file.temporary_path());
  detail::take_room(file.temporary_path(), h5ad_file_detail::room_for(contents), output);
  try {
    const hdf5::Group root = hdf5::Group::open_file(file.temporary_path(), true);
    detail::set_encoding(root, "anndata", "0.1.0");
    h5ad_file_detail::write_genes(root, *contents.genes);
    const auto names = h5ad_file_detail::write_counts(root, contents, blocks);
    for (const std::string& name : names) detail::check_text(name, where + ": a cell's name");
    h5ad_file_detail::new_frame(root, "obs", names, {});
    const anndata::DataFrame obs(root, "obs");
    detail::check_columns(contents.additions, obs, where);
    detail::add_to_obs(root, contents.additions, where);
    detail::add_to_obsm(root, contents.additions.obsm, contents.cells);
    detail::add_to_uns(root, contents.additions.uns);
    hdf5::flush(root);
  } catch (const EnvironmentError& error) {
    throw EnvironmentError("cannot write " + where + ": " + error.what());
  }
  file.commit();
}

}  // namespace cell2text
