// The stamp: what fits, what does not, and what damaged files do to its reader.
#include "cell2text/plugin/manifest.hpp"

#include <random>

#include "core/plugin/libraries.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("manifest: equal stamps fit, kind, name, compiler and build type do not matter") {
  const Manifest ours = make_manifest("metric", "letters");
  Manifest theirs = make_manifest("decoder", "other");
  put_text(theirs.compiler, "clang 99");
  put_text(theirs.build_type, "other");
  CHECK(incompatibility(theirs, ours) == "");
}

TEST_CASE("manifest: each hard field is compared, with both sides named") {
  const Manifest ours = make_manifest("", "");
  Manifest theirs = ours;
  theirs.abi = 77;
  CHECK(incompatibility(theirs, ours) == "its core ABI is 77, this program " + std::to_string(abi_number));
  theirs = ours;
  theirs.torch_minor = 99;
  const std::string major = std::to_string(TORCH_VERSION_MAJOR), minor = std::to_string(TORCH_VERSION_MINOR);
  CHECK(incompatibility(theirs, ours) ==
        "it was built for LibTorch " + major + ".99, this program " + major + "." + minor);
  theirs = ours;
  theirs.torch_major = 1;
  CHECK(has(incompatibility(theirs, ours), "LibTorch 1." + minor));
  theirs = ours;
  put_text(theirs.cxx_library, "libc++");
  CHECK(incompatibility(theirs, ours) == "its C++ library is libc++, this program libstdc++ cxx11");
  put_text(theirs.layout, "glibcxx-debug");
  CHECK(incompatibility(theirs, ours) ==
        "its C++ library is libc++, this program libstdc++ cxx11; its layout is glibcxx-debug, this program plain");
}

TEST_CASE("plugin file: what the stamp says is read without loading") {
  const auto file = read_plugin_file(test_library("letters"));
  REQUIRE(file);
  CHECK(file->kind == "metric");
  CHECK(file->name == "letters");
  CHECK(file->compiler == "g++ " __VERSION__);
  CHECK(file->build_type == CELL2TEXT_BUILD_TYPE);
  CHECK(file->refusal == "");
  CHECK(!read_plugin_file(test_library("stranger")));
}

TEST_CASE("plugin file: a stamp of another program, another length or too short is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "changed.so";
  const auto changed = [&](auto change) {
    write_file(path, with_stamp(test_library("letters"), change));
    return read_plugin_file(path)->refusal;
  };
  CHECK(has(message_of<InputError>([&] { changed([](Manifest& m) { m.magic[3] = 'X'; }); }),
            "changed.so: its plugin stamp does not begin with 'cell2text-plugin'"));
  CHECK(has(message_of<InputError>([&] { changed([](Manifest& m) { m.size += 8; }); }), "the file is damaged"));
  CHECK(has(changed([](Manifest& m) { m.size -= 8; }), "its stamp has " + std::to_string(sizeof(Manifest) - 8) +
                                                           " bytes, this program's " +
                                                           std::to_string(sizeof(Manifest))));
  CHECK(has(changed([](Manifest& m) { m.abi = 12; }), "its core ABI is 12"));

  // A section that ends within the first fields.
  std::string bytes = read_file(test_library("letters"));
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::size_t stamp = stamp_position(bytes, test_library("letters"));
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    char* place = bytes.data() + header.e_shoff + i * sizeof section;
    std::memcpy(&section, place, sizeof section);
    if (section.sh_offset != stamp || section.sh_size != sizeof(Manifest)) continue;
    section.sh_size = 19;
    std::memcpy(place, &section, sizeof section);
  }
  write_file(path, bytes);
  CHECK(has(message_of<InputError>([&] { read_plugin_file(path); }), "its plugin stamp has 19 bytes"));
}

TEST_CASE("plugin file: cut and damaged libraries are refused or read, never more") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder;
  const auto path = folder / "damaged.so";
  const std::string bytes = read_file(test_library("letters"));
  const std::size_t stamp = stamp_position(bytes, test_library("letters"));
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);

  write_file(path, bytes);
  for (std::uint64_t size = bytes.size(); size > 0; size -= 1 + random() % (1 + size / 20)) {
    std::filesystem::resize_file(path, size - 1);
    CHECK_THROWS_AS(read_plugin_file(path), InputError);
  }

  write_file(path, bytes);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  int refused = 0, still_read = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::size_t table = std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
    const std::size_t places[] = {random() % sizeof header, header.e_shoff + random() % table,
                                  stamp + random() % sizeof(Manifest)};
    const std::size_t at = places[round % 3];
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(random())).flush();
    try {
      read_plugin_file(path);
      ++still_read;
    } catch (const InputError&) {
      ++refused;
    }
    file.seekp(static_cast<std::streamoff>(at)).put(bytes[at]).flush();
  }
  CHECK(refused > 0);
  CHECK(still_read > 0);
  file.close();
  CHECK(read_plugin_file(path)->name == "letters");
}
