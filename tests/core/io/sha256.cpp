#include "cell2text/io/sha256.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("sha256: the examples of FIPS 180-4, whole, in pieces and from a file") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().update("a").update("").update("bc").hex() == sha256("abc"));
  const std::string million(1'000'000, 'a');
  CHECK(sha256(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  TemporaryFolder folder;
  write_file(folder / "a", million + million);
  CHECK(sha256_file(folder / "a") == sha256(million + million));
  write_file(folder / "empty", "");
  CHECK(sha256_file(folder / "empty") == sha256(""));
  CHECK_THROWS_AS(sha256_file(folder / "none"), InputError);
}

TEST_CASE("sha256: a library that refuses is the world's fault") {
  CHECK_NOTHROW(sha256_detail::expect(true));
  CHECK(has(message_of<EnvironmentError>([] { sha256_detail::expect(false); }), "libcrypto"));
}

TEST_CASE("sampled hash: sees the size, both ends and the samples, of files of every size") {
  TemporaryFolder folder;
  const auto hash = [&](const std::string& bytes) {
    write_file(folder / "a", bytes);
    return sampled_hash(folder / "a");
  };
  std::string previous;
  for (std::size_t size : {0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, 3 << 20}) {
    const std::string current = hash(std::string(size, '\0'));
    CHECK(current.size() == 64);
    CHECK(current != previous);
    CHECK(current == sampled_hash(folder / "a"));
    previous = current;
  }
  std::string bytes(8 << 20, '\0');
  const std::string before = hash(bytes);
  const std::size_t last = bytes.size() - 4096;
  for (std::size_t at :
       {std::size_t{0}, bytes.size() - 1, bytes.size() - (1 << 20), last / 63 * 31 + last % 63 * 31 / 63}) {
    bytes[at] = 'x';
    CHECK(hash(bytes) != before);
    bytes[at] = '\0';
  }
  bytes[(1 << 20) + 60'000] = 'x';  // between two samples: stated as not seen
  CHECK(hash(bytes) == before);
}

TEST_CASE("sampled hash: the value for a given file never changes") {
  TemporaryFolder folder;
  write_file(folder / "a", "abc");
  std::string input("\3\0\0\0\0\0\0\0", 8);
  for (int i = 0; i < 2 + 64; ++i) input += "abc";
  CHECK(sampled_hash(folder / "a") == sha256(input));
}

TEST_CASE("sampled hash: a terabyte takes no time") {
  TemporaryFolder folder;
  write_file(folder / "a", "x");
  std::filesystem::resize_file(folder / "a", std::uintmax_t{1} << 40);  // holes take no room on the disk
  CHECK(sampled_hash(folder / "a").size() == 64);
}
