// A whole safetensors file: what is read is sound, and written again it is the same.
#pragma once

#include "cell2text/io/safetensors.hpp"
#include "cell2text/io/safetensors_writer.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool safetensors(std::string_view input) {
  const auto file = bytes_of(input);
  SafetensorsLayout layout;
  if (!accepted([&] { layout = SafetensorsLayout::parse(file, "x.safetensors"); })) return false;
  std::vector<SafetensorsItem> items;
  for (const SafetensorsEntry& entry : layout.entries) {
    require(entry.offset >= 8 && entry.offset <= file.size() && entry.bytes <= file.size() - entry.offset,
            "a tensor lies inside of the file");
    require(layout.find(entry.name) == &entry, "a tensor is found by its name");
    items.push_back({entry.name, entry.dtype, entry.shape, file.subspan(entry.offset, entry.bytes)});
  }
  const auto path = scratch_folder() / "again.safetensors";
  if (!accepted([&] { write_safetensors(path, items, layout.metadata); })) {
    require(layout.find("__metadata__") != nullptr, "what was read can be written");
    return true;
  }
  const auto mapped = MappedFile::open(path);
  const SafetensorsLayout again = SafetensorsLayout::parse(*mapped);
  require(again.metadata == layout.metadata, "the metadata is written and read back");
  require(again.entries.size() == items.size(), "all tensors are written and read back");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SafetensorsEntry& entry = again.entries[i];
    require(entry.name == items[i].name && entry.dtype == items[i].dtype && entry.shape == items[i].shape &&
                std::ranges::equal(mapped->data().subspan(entry.offset, entry.bytes), items[i].data),
            "a tensor is written and read back");
  }
  return true;
}

}  // namespace cell2text::fuzz
