// A library file: its table of symbols, and the names of those that are unique in the process.
#pragma once

#include "cell2text/io/elf_symbols.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool elf_symbols(std::string_view input) {
  const MemoryFile file(input);
  return accepted([&] {
    const auto names = unique_symbols(file.path());
    require(names.size() * sizeof(Elf64_Sym) <= input.size(), "each symbol stands in the file");
    const auto table = read_elf_section(file.path(), ".dynsym");
    require(table || names.empty(), "a symbol comes from a table");
  });
}

}  // namespace cell2text::fuzz
