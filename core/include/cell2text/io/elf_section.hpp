// Reads one section of a shared library from its file, without loading it: loading would run its code.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"

namespace cell2text {
namespace elf_detail {

inline constexpr std::uint64_t max_sections = 1'000'000;
inline constexpr std::uint64_t max_section_bytes = std::uint64_t{64} << 20;

[[noreturn]] inline void refuse(const InputFile& file, const std::string& what) {
  throw InputError(file.path().string() + " cannot be used as a library: " + what);
}

/// Fills `target` from `offset`, or refuses: every access to the file goes through here.
inline void read_exactly(const InputFile& file, std::uint64_t offset, std::span<std::byte> target,
                         const std::string& what) {
  if (offset > file.size() || target.size() > file.size() - offset || file.read_at(offset, target) != target.size())
    refuse(file, what + " (bytes " + std::to_string(offset) + " and the next " + std::to_string(target.size()) +
                     ") lies outside of the file of " + std::to_string(file.size()) +
                     " bytes; it is truncated or damaged");
}

template <class T>
T read_struct(const InputFile& file, std::uint64_t offset, const std::string& what) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value = {};
  read_exactly(file, offset, std::as_writable_bytes(std::span(&value, 1)), what);
  return value;
}

inline Elf64_Ehdr read_header(const InputFile& file) {
  char magic[SELFMAG] = {};
  file.read_at(0, std::as_writable_bytes(std::span(magic)));
  if (std::memcmp(magic, ELFMAG, SELFMAG) != 0)
    refuse(file, "it is not an ELF file (its first bytes are not 7f 45 4c 46)");
  const auto header = read_struct<Elf64_Ehdr>(file, 0, "the ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
    refuse(file, "ELF class " + std::to_string(header.e_ident[EI_CLASS]) + ", byte order " +
                     std::to_string(header.e_ident[EI_DATA]) + ", machine " + std::to_string(header.e_machine) +
                     " found, expected 64 bits (2), little-endian (1), x86-64 (62)");
  if (header.e_ident[EI_VERSION] != EV_CURRENT)
    refuse(file, "ELF version " + std::to_string(header.e_ident[EI_VERSION]) + " found, expected 1");
  return header;
}

/// Whether the text at `name` of the table of names is `wanted`.
inline bool name_matches(const InputFile& file, const Elf64_Shdr& names, std::uint32_t name, std::string_view wanted) {
  if (name >= names.sh_size) refuse(file, "the name of a section lies outside of the table of names");
  if (names.sh_size - name < wanted.size() + 1) return false;
  std::string found(wanted.size() + 1, '\1');
  read_exactly(file, names.sh_offset + name, std::as_writable_bytes(std::span(found)), "the name of a section");
  return std::string_view(found) == std::string(wanted) + '\0';
}

}  // namespace elf_detail

/// The bytes of the section `section_name` (the first of that name) of an ELF64 little-endian x86-64 file, or
/// nullopt where there is none. Nothing of the file is run, and only the tables and that section are read.
/// InputError: not such a file, truncated, a section of over 64 MiB, compressed or without bytes in the file.
inline std::optional<std::vector<std::byte>> read_elf_section(const std::filesystem::path& path,
                                                              std::string_view section_name) {
  using namespace elf_detail;
  const InputFile file(path);
  const Elf64_Ehdr header = read_header(file);
  if (header.e_shoff == 0) return std::nullopt;
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    refuse(file, "an entry of its section table has " + std::to_string(header.e_shentsize) + " bytes, expected 64");
  // A file with 65280 sections or more keeps their number, and where the names are, in the first entry.
  const auto first = read_struct<Elf64_Shdr>(file, header.e_shoff, "the section table");
  const std::uint64_t count = header.e_shnum != 0 ? header.e_shnum : first.sh_size;
  const std::uint64_t names_index = header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : first.sh_link;
  if (count > max_sections)
    refuse(file, std::to_string(count) + " sections, expected at most " + std::to_string(max_sections));
  if (names_index == SHN_UNDEF) return std::nullopt;
  if (names_index >= count)
    refuse(file, "its names are in section " + std::to_string(names_index) + " of " + std::to_string(count));
  std::vector<Elf64_Shdr> sections;
  const std::uint64_t table_bytes = count * sizeof(Elf64_Shdr);
  if (header.e_shoff > file.size() || table_bytes > file.size() - header.e_shoff)
    refuse(file, "the section table of " + std::to_string(count) + " entries does not fit into the file of " +
                     std::to_string(file.size()) + " bytes; it is truncated or damaged");
  sections.resize(count);
  read_exactly(file, header.e_shoff, std::as_writable_bytes(std::span(sections)), "the section table");

  const Elf64_Shdr& names = sections[names_index];
  if (names.sh_type != SHT_STRTAB || names.sh_offset > file.size() || names.sh_size > file.size() - names.sh_offset)
    refuse(file, "its table of names is damaged");
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_NULL || !name_matches(file, names, section.sh_name, section_name)) continue;
    const std::string what = "section " + std::string(section_name);
    if (section.sh_type == SHT_NOBITS) refuse(file, what + " holds no bytes in the file");
    if (section.sh_flags & SHF_COMPRESSED) refuse(file, what + " is compressed; build it uncompressed");
    if (section.sh_size > max_section_bytes)
      refuse(file, what + " has " + std::to_string(section.sh_size) + " bytes, expected at most " +
                       std::to_string(max_section_bytes));
    std::vector<std::byte> bytes(section.sh_size);
    read_exactly(file, section.sh_offset, bytes, what);
    return bytes;
  }
  return std::nullopt;
}

}  // namespace cell2text
