// What becomes of cells as an .h5ad with more in it: a copy of the file that they came from where that is one .h5ad; of
// other cells (10x Genomics, a folder, a plugin's own) a new file with their counts, genes, names and labels.
#pragma once

#include <filesystem>

#include "cell2text/io/h5ad_writer.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::driver {

/// To be called before the work whose result goes there. InputError, naming them all, where the cells already have
/// columns, matrices or entries of these names.
void expect_new_in_output(const SourceHandle& source, const std::filesystem::path& input, const H5adNames& names);

/// Writes `output` with the additions, under a temporary name first. `source` is `input`, opened; of a new file its
/// cells are read twice, in blocks. InputError and EnvironmentError as of io/h5ad_writer.hpp and io/h5ad_file.hpp.
void write_h5ad_output(const SourceHandle& source, const std::filesystem::path& input,
                       const std::filesystem::path& output, H5adAdditions additions);

}  // namespace cell2text::driver
