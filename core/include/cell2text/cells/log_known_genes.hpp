// What an encoder says of a source once it has looked up its genes.
#pragma once

#include <cstdint>
#include <string>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/context.hpp"

namespace cell2text {

/// `what`: the names that the encoder knows, as in "human Ensembl ids".
inline void log_known_genes(const Log& log, const std::string& encoder, const GeneTable& genes, std::int64_t known,
                            const std::string& what) {
  const std::string size = std::to_string(genes.size());
  if (known > 0)
    log.info(encoder + ": " + std::to_string(known) + " of the source's " + size + " genes are in the dictionary");
  else if (genes.size() > 0)
    log.warning(encoder + ": none of the source's " + size + " genes (the first is '" + genes.ids.front() +
                "') is in the dictionary, which holds " + what + "; no cell can be described");
}

}  // namespace cell2text
