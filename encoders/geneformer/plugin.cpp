// Registers the encoder.
#include "cell2text/plugin.hpp"

#include "geneformer.hpp"

CELL2TEXT_PLUGIN(encoder, "geneformer", cell2text::geneformer::Geneformer,
                 "Geneformer: genes ranked by count over median, read by a BERT encoder.")
