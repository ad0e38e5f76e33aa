#include "cell2text/io/elf_symbols.hpp"

#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("elf symbols: what is unique in the process is named as in the source, and nothing else is") {
  CHECK(unique_symbols(build_dir() / "tests/core/io/libtest_unique_symbol.so") ==
        std::vector<std::string>{"Shared<int>::value"});
  CHECK(unique_symbols(build_dir() / "lib/cell2text/plugins/libcell2text_adapter_mlp.so").empty());
  CHECK(readable_symbol("not mangled") == "not mangled");
}

TEST_CASE("elf symbols: a damaged table is refused") {
  const TemporaryFolder folder;
  std::string bytes = read_file(build_dir() / "tests/core/io/libtest_unique_symbol.so");
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto with_table = [&](auto change) {  // the table of symbols' own entry in the table of sections
    std::string changed = bytes;
    for (int i = 0; i < header.e_shnum; ++i) {
      Elf64_Shdr section;
      char* at = changed.data() + header.e_shoff + i * sizeof section;
      std::memcpy(&section, at, sizeof section);
      if (section.sh_type != SHT_DYNSYM) continue;
      change(section, changed);
      std::memcpy(at, &section, sizeof section);
    }
    write_file(folder / "damaged.so", changed);
    return folder / "damaged.so";
  };
  const auto cut = with_table([](Elf64_Shdr& section, std::string&) { section.sh_size -= 5; });
  CHECK_THROWS_WITH_AS(unique_symbols(cut), doctest::Contains("expected a multiple of 24"), InputError);
  const auto nameless = with_table([](const Elf64_Shdr& section, std::string& file) {
    for (std::size_t at = 0; at < section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, file.data() + section.sh_offset + at, sizeof symbol);
      if (ELF64_ST_BIND(symbol.st_info) == STB_GNU_UNIQUE) symbol.st_name = 0x7fffffff;
      std::memcpy(file.data() + section.sh_offset + at, &symbol, sizeof symbol);
    }
  });
  CHECK_THROWS_WITH_AS(unique_symbols(nameless), doctest::Contains("outside of the table of names"), InputError);
}
