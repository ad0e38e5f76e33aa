// The symbols of a shared library that are unique in the whole process, read from its file without loading it.
#pragma once

#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/io/elf_section.hpp"

namespace cell2text {

/// A C++ name as it stands in the source; the name itself where it is none.
inline std::string readable_symbol(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                    &std::free);
  return status == 0 ? text.get() : name;
}

/// Names of the symbols that the library defines and that the loader merges over all libraries of a process
/// (STB_GNU_UNIQUE: statics of inline functions and of templates, as g++ makes them without -fno-gnu-unique), in the
/// order of its table. InputError as read_elf_section, and where the table is damaged.
inline std::vector<std::string> unique_symbols(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& what) {
    throw InputError(path.string() + " cannot be used as a library: " + what + "; it is damaged");
  };
  const auto symbols = read_elf_section(path, ".dynsym"), texts = read_elf_section(path, ".dynstr");
  if (!symbols || !texts) return {};
  if (symbols->size() % sizeof(Elf64_Sym) != 0)
    refuse("its table of symbols has " + std::to_string(symbols->size()) + " bytes, expected a multiple of " +
           std::to_string(sizeof(Elf64_Sym)));
  std::vector<std::string> names;
  for (std::size_t at = 0; at < symbols->size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols->data() + at, sizeof symbol);
    if (ELF64_ST_BIND(symbol.st_info) != STB_GNU_UNIQUE || symbol.st_shndx == SHN_UNDEF) continue;
    if (symbol.st_name >= texts->size()) refuse("the name of a symbol lies outside of the table of names");
    const std::string_view rest(reinterpret_cast<const char*>(texts->data()) + symbol.st_name,
                                texts->size() - symbol.st_name);
    names.push_back(readable_symbol(std::string(rest.substr(0, rest.find('\0')))));
  }
  return names;
}

}  // namespace cell2text
