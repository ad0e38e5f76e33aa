// What both forms of a 10x matrix give: an .h5 file, and a folder with a Matrix Market file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cell2text/cells/row_block.hpp"
#include "tables.hpp"

namespace cell2text::tenx {

/// Rows are barcodes in their order in the file, columns are features.
class CellFile {
 public:
  CellFile() = default;
  CellFile(const CellFile&) = delete;
  virtual ~CellFile() = default;

  /// The file (the folder) and the matrix in it, for messages; and the matrix alone.
  virtual const std::string& where() const = 0;
  virtual const std::string& matrix_name() const = 0;
  virtual const FeatureTable& features() const = 0;
  /// Where each row's values begin [barcodes+1].
  virtual const std::vector<std::int64_t>& starts() const = 0;
  /// A range of rows. Columns are checked and may be in any order; values are as in the file.
  virtual RowBlock read(std::int64_t first, std::int64_t count) const = 0;
  virtual std::vector<std::string> barcodes(std::int64_t first, std::int64_t count) const = 0;

  std::int64_t size() const { return static_cast<std::int64_t>(starts().size()) - 1; }
};

}  // namespace cell2text::tenx
