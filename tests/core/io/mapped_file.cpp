#include "cell2text/io/mapped_file.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("mapped file: shows the bytes of the file, also after it was replaced or removed") {
  TemporaryFolder folder;
  const auto path = folder / "a.bin";
  write_file(path, std::string("one\0two", 7));
  const auto mapped = MappedFile::open(path);
  CHECK(mapped->path() == path);
  CHECK(mapped->data().size() == 7);
  CHECK(mapped->text() == std::string_view("one\0two", 7));
  write_file(folder / "b.bin", "other bytes");
  std::filesystem::rename(folder / "b.bin", path);
  CHECK(mapped->text().substr(0, 3) == "one");
  std::filesystem::remove(path);
  CHECK(mapped->text().substr(4) == "two");
}

TEST_CASE("mapped file: missing, folder and empty are refused by name") {
  TemporaryFolder folder;
  CHECK(has(message_of<InputError>([&] { MappedFile::open(folder / "none"); }), "none does not exist"));
  CHECK(has(message_of<InputError>([&] { MappedFile::open(folder.path()); }), "is a folder"));
  write_file(folder / "empty", "");
  CHECK(has(message_of<InputError>([&] { MappedFile::open(folder / "empty"); }), "empty is empty (0 bytes)"));
}

TEST_CASE("mapped file: a Git LFS pointer is refused with the command that fetches the file") {
  TemporaryFolder folder;
  write_file(folder / "model.safetensors",
             "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n");
  const auto message = message_of<InputError>([&] { MappedFile::open(folder / "model.safetensors"); });
  CHECK(has(message, "is a Git LFS pointer"));
  CHECK(has(message, "git -C '" + folder.path().string() + "' lfs pull"));
  CHECK(has(message_of<InputError>([] { refuse_git_lfs_pointer("version https://git-lfs", "a.bin"); }), "git -C '.'"));
}

TEST_CASE("mapped file: a file that the system cannot map is the world's fault") {
  // Files of sysfs say that they are regular and of one page, but cannot be mapped.
  CHECK(has(message_of<EnvironmentError>([&] { MappedFile::open("/sys/devices/system/cpu/online"); }),
            "cannot map /sys/devices/system/cpu/online (4096 bytes) into memory"));
}
