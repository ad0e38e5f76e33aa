// A file of torch.save: what is read lies inside of it, with all of its elements.
#pragma once

#include "cell2text/io/torch_file.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool torch_file(std::string_view input) {
  const auto file = bytes_of(input);
  std::vector<TorchEntry> entries;
  if (!accepted([&] { entries = torch_entries(file, "x.bin"); })) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [entry, strides] = entries[i];
    require(i == 0 || entries[i - 1].entry.name < entry.name, "tensors are sorted, each is there once");
    require(entry.offset <= file.size(), "a tensor begins inside of the file");
    require(strides.empty() || strides.size() == entry.shape.size(), "a stride for each dimension, or none");
    if (entry.bytes == 0) continue;
    std::uint64_t last = entry.bytes / dtype_bytes(entry.dtype) - 1;  // the farthest element
    if (!strides.empty()) {
      last = 0;
      for (std::size_t d = 0; d < strides.size(); ++d)
        last += static_cast<std::uint64_t>((entry.shape[d] - 1) * strides[d]);
    }
    require((last + 1) * dtype_bytes(entry.dtype) <= file.size() - entry.offset, "a tensor ends inside of the file");
  }
  return true;
}

}  // namespace cell2text::fuzz
