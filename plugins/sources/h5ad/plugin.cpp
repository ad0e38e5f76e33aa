#include "cell2text/plugin.hpp"

#include "h5ad_shards.hpp"

CELL2TEXT_PLUGIN(source, "h5ad", cell2text::h5ad::H5adShards, "Cells of an AnnData .h5ad file, or of a built dataset.")
