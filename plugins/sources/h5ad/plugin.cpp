#include "cell2text/plugin.hpp"

#include "h5ad_source.hpp"

CELL2TEXT_PLUGIN(source, "h5ad", cell2text::h5ad::H5adSource, "Cells of an AnnData .h5ad file.")
