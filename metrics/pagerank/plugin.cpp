#include "cell2text/plugin.hpp"

#include "pagerank.hpp"

CELL2TEXT_PLUGIN(
    metric, "pagerank", cell2text::pagerank::PageRankSimilarity,
    "How near the predicted cell type is to the true one in an ontology: similarity by personalised PageRank.")
