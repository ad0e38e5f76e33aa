// Cells on their way through a model, window by window: what is finished is kept beside the output, and a job that was
// killed or interrupted goes on there.
#pragma once

#include <functional>
#include <vector>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/io/part_file.hpp"
#include "interrupts.hpp"
#include "output_table.hpp"

namespace cell2text::driver {

struct WindowWork {
  const SourceHandle& source;
  const EncoderHandle& encoder;
  const std::vector<std::int64_t>& rows;  ///< ascending
  std::int64_t batch_size;
  /// A row of the table for each cell of a batch, whatever the other batches are.
  std::function<std::vector<TableRow>(const TokenBatch&)> describe;
  const Interrupts& interrupts;
};

/// Describes what `part` does not have yet. EnvironmentError where a signal comes. Finished windows stay.
void describe_windows(const WindowWork& work, PartFile& part);

/// The rows of the finished windows, in the order of the source.
void each_described(const PartFile& part, const Table::Visit& visit);

/// The same with rows for all other cells of the source between them, which have `others` for values. Their names are
/// read only where `names` are wanted.
void each_cell(const PartFile& part, const SourceHandle& source, const std::vector<TableValue>& others, bool names,
               const Table::Visit& visit);

}  // namespace cell2text::driver
