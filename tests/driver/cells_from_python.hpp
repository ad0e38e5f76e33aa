// Files of cells that Python wrote, of every kind and with every fault, made once per test program.
#pragma once

#include "support/oracle.hpp"

namespace cell2text::test {

/// The folder that bad_cells.py filled at the first call.
inline const std::filesystem::path& cells_from_python() {
  static const TemporaryFolder folder = [] {
    const std::uint64_t number = seed();
    MESSAGE("cells from Python: CELL2TEXT_TEST_SEED=" << number);
    return oracle("bad_cells.py", number, {(source_dir() / "data/demo/pbmc.h5ad").string()});
  }();
  return folder.path();
}

}  // namespace cell2text::test
