#include "cell2text/plugin.hpp"

#include "tenx_source.hpp"

CELL2TEXT_PLUGIN(source, "tenx", cell2text::tenx::TenxSource,
                 "Cells of a 10x Genomics matrix: Cell Ranger's .h5, or a folder with matrix.mtx.")
