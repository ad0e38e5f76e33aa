#include "cell2text/io/elf_section.hpp"

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

// What the tests below look for in this executable.
__attribute__((section(".cell2text_test"), used)) static const char marker[] = "a marker in a section of its own";

namespace {

std::string own_bytes() {
  return read_file("/proc/self/exe");
}

template <class T>
T get(const std::string& file, std::size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}
template <class T>
void put(std::string& file, std::size_t offset, const T& value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

/// A small sound file: header, the bytes of ".data" and the names, then three section headers.
struct SmallElf {
  Elf64_Ehdr header = {};
  Elf64_Shdr sections[3] = {};
  std::string data = "some bytes", names = std::string("\0.data\0.names\0", 14);

  SmallElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_machine = EM_X86_64;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shoff = sizeof header + data.size() + names.size();
    header.e_shnum = 3;
    header.e_shstrndx = 2;
    sections[1] = {.sh_name = 1,
                   .sh_type = SHT_PROGBITS,
                   .sh_flags = 0,
                   .sh_addr = 0,
                   .sh_offset = sizeof header,
                   .sh_size = data.size(),
                   .sh_link = 0,
                   .sh_info = 0,
                   .sh_addralign = 1,
                   .sh_entsize = 0};
    sections[2] = sections[1];
    sections[2].sh_name = 7;
    sections[2].sh_type = SHT_STRTAB;
    sections[2].sh_offset = sizeof header + data.size();
    sections[2].sh_size = names.size();
  }
  std::string bytes() const {
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + data + names +
           std::string(reinterpret_cast<const char*>(sections), sizeof sections);
  }
};

struct Files {
  TemporaryFolder folder;
  std::optional<std::string> read(const std::string& bytes, std::string_view name = ".data") const {
    write_file(folder / "lib.so", bytes);
    const auto section = read_elf_section(folder / "lib.so", name);
    if (!section) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(section->data()), section->size());
  }
  std::string elf_section_refusal(const std::string& bytes, std::string_view name = ".data") const {
    return message_of<InputError>([&] { read(bytes, name); });
  }
};

}  // namespace

TEST_CASE("elf section: a section of this executable is read, one that is not there is not found") {
  const auto found = read_elf_section("/proc/self/exe", ".cell2text_test");
  REQUIRE(found);
  REQUIRE(found->size() == sizeof marker);
  CHECK(std::memcmp(found->data(), marker, sizeof marker) == 0);
  CHECK(!read_elf_section("/proc/self/exe", ".cell2text_tes"));
  CHECK(!read_elf_section("/proc/self/exe", ".cell2text_test_"));
  CHECK(has(message_of<InputError>([] { read_elf_section("/proc/self/exe", ".bss"); }), "holds no bytes"));
}

TEST_CASE("elf section: a small file made by hand is read") {
  const Files files;
  SmallElf elf;
  CHECK(files.read(elf.bytes()) == "some bytes");
  CHECK(!files.read(elf.bytes(), ".dat"));
  CHECK(!files.read(elf.bytes(), ".data_and_a_name_longer_than_the_table"));
  // The form of files with very many sections: number and names' index in the first entry.
  elf.header.e_shnum = 0;
  elf.header.e_shstrndx = SHN_XINDEX;
  elf.sections[0].sh_size = 3;
  elf.sections[0].sh_link = 2;
  CHECK(files.read(elf.bytes()) == "some bytes");
  elf.sections[0].sh_link = SHN_UNDEF;
  CHECK(!files.read(elf.bytes()));
  elf.header.e_shoff = 0;
  CHECK(!files.read(elf.bytes()));
}

TEST_CASE("elf section: what is no ELF file of this machine is refused") {
  const Files files;
  CHECK(has(files.elf_section_refusal("#!/bin/sh\n"), "lib.so cannot be used as a library: it is not an ELF file"));
  CHECK(has(files.elf_section_refusal(""), "it is not an ELF file"));
  CHECK(has(files.elf_section_refusal("\x7f"
                                      "ELF"),
            "the ELF header (bytes 0 and the next 64) lies outside of the file of 4 bytes"));
  const auto changed = [&](auto change) {
    SmallElf elf;
    change(elf);
    return files.elf_section_refusal(elf.bytes());
  };
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_ident[EI_CLASS] = ELFCLASS32; }), "ELF class 1"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_ident[EI_DATA] = ELFDATA2MSB; }), "byte order 2"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_machine = EM_AARCH64; }), "machine 183"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_ident[EI_VERSION] = 9; }), "ELF version 9"));
}

TEST_CASE("elf section: tables that lie are refused") {
  const Files files;
  const auto changed = [&](auto change) {
    SmallElf elf;
    change(elf);
    return files.elf_section_refusal(elf.bytes());
  };
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_shentsize = 40; }), "has 40 bytes, expected 64"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_shoff = ~0ull; }), "the section table"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_shnum = 4; }), "4 entries does not fit"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_shstrndx = 3; }), "its names are in section 3 of 3"));
  CHECK(has(changed([](SmallElf& elf) { elf.header.e_shnum = 0, elf.sections[0].sh_size = 1ull << 60; }),
            "1152921504606846976 sections, expected at most 1000000"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[2].sh_type = SHT_PROGBITS; }), "table of names is damaged"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[2].sh_offset = ~0ull; }), "table of names is damaged"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[2].sh_size = ~0ull; }), "table of names is damaged"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_name = 14; }), "outside of the table of names"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_offset = ~0ull - 3; }), "section .data (bytes"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_size = 1 << 20; }), "lies outside of the file"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_size = ~0ull; }), "expected at most 67108864"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_type = SHT_NOBITS; }), "holds no bytes"));
  CHECK(has(changed([](SmallElf& elf) { elf.sections[1].sh_flags = SHF_COMPRESSED; }), "is compressed"));
}

TEST_CASE("elf section: truncated and damaged files are refused or read, never more") {
  const Files files;
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const auto survives = [&](const std::string& bytes, std::string_view name) {
    try {
      files.read(bytes, name);
    } catch (const InputError&) {
    }
  };
  const std::string small = SmallElf().bytes();
  for (std::size_t size = 0; size < small.size(); ++size)
    CHECK_THROWS_AS(files.read(small.substr(0, size)), InputError);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = small;
    for (std::size_t flips = 1 + random() % 4; flips > 0; --flips)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    survives(damaged, ".data");
  }

  // The real file: it is cut, and bytes of its header and its section table are changed.
  std::string real = own_bytes();
  const auto header = get<Elf64_Ehdr>(real, 0);
  CHECK_THROWS_AS(files.read(real.substr(0, header.e_shoff), ".cell2text_test"), InputError);
  write_file(files.folder / "real.so", real);
  for (std::uint64_t size = real.size(); size > 0; size -= 1 + random() % size) {
    std::filesystem::resize_file(files.folder / "real.so", size - 1);
    CHECK_THROWS_AS(read_elf_section(files.folder / "real.so", ".cell2text_test"), InputError);
  }
  write_file(files.folder / "real.so", real);
  std::fstream file(files.folder / "real.so", std::ios::in | std::ios::out | std::ios::binary);
  for (int round = 0; round < 300; ++round) {
    const std::size_t table_bytes = std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
    const std::size_t at = random() % 3 == 0 ? 16 + random() % 48 : header.e_shoff + random() % table_bytes;
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(random())).flush();
    try {
      read_elf_section(files.folder / "real.so", ".cell2text_test");
    } catch (const InputError&) {
    }
    file.seekp(static_cast<std::streamoff>(at)).put(real[at]).flush();
  }
  file.close();
  CHECK(read_elf_section(files.folder / "real.so", ".cell2text_test"));
}
