// A library file: the section of a plugin's stamp, and the stamp.
#pragma once

#include "cell2text/io/elf_section.hpp"
#include "cell2text/plugin/manifest_layout.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool elf(std::string_view input) {
  const MemoryFile file(input);
  return accepted([&] {
    const auto section = read_elf_section(file.path(), manifest_section);
    if (!section) return;
    require(section->size() <= input.size(), "a section lies inside of the file");
    const Manifest stamp = read_manifest(*section, "x.so");
    require(incompatibility(stamp, stamp).empty(), "a stamp fits itself");
  });
}

}  // namespace cell2text::fuzz
