// What an encoder has looked up of a source's genes, remembered for as long as the source's table of genes lives.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"

namespace cell2text {

/// One T per gene table, made at the first question. Safe from several threads; others wait while one is made.
template <class T>
class PerGeneTable {
 public:
  template <class Make>
  std::shared_ptr<const T> of(const std::shared_ptr<const GeneTable>& genes, const Make& make) const {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [](const Known& known) { return known.genes.expired(); });
    for (const Known& known : known_)
      if (known.genes.lock() == genes) return known.value;
    known_.push_back({genes, std::make_shared<const T>(make(*genes))});
    return known_.back().value;
  }

 private:
  struct Known {
    std::weak_ptr<const GeneTable> genes;
    std::shared_ptr<const T> value;
  };
  mutable std::mutex mutex_;
  mutable std::vector<Known> known_;
};

}  // namespace cell2text
