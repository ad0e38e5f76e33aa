#include "cell2text/io/json_lines.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::vector<nlohmann::json> read_all(const std::filesystem::path& path) {
  std::vector<nlohmann::json> all;
  JsonLinesReader reader(path);
  while (auto value = reader.next()) all.push_back(std::move(*value));
  return all;
}

/// Runs `body` while no file may grow beyond `bytes`, and returns the message of the EnvironmentError it throws.
template <class Body>
std::string message_under_size_limit(rlim_t bytes, Body&& body) {
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {bytes, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    body();
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  return message;
}

}  // namespace

TEST_CASE("json lines: LF, CRLF, blank lines and a missing last newline are read, lines are counted") {
  TemporaryFolder folder;
  write_file(folder / "a.jsonl", "{\"a\": 1}\r\n\n  \r\n[2]\n\"drei ß\"");
  JsonLinesReader reader(folder / "a.jsonl");
  CHECK(reader.next()->at("a") == 1);
  CHECK(reader.line_number() == 1);
  CHECK(reader.next()->at(0) == 2);
  CHECK(reader.where() == (folder / "a.jsonl").string() + ":4");
  CHECK(*reader.next() == "drei ß");
  CHECK(!reader.next());
  CHECK(!reader.next());
  write_file(folder / "empty.jsonl", "");
  CHECK(read_all(folder / "empty.jsonl").empty());
}

TEST_CASE("json lines: lines longer than any buffer, at every distance from its end") {
  TemporaryFolder folder;
  std::string text;
  std::vector<std::size_t> sizes;
  for (std::size_t size : {0, 1, 65'530, 65'533, 65'534, 65'535, 65'536, 131'070, 3'000'000}) {
    text += "\"" + std::string(size, 'x') + "\"\n";
    sizes.push_back(size);
  }
  write_file(folder / "a.jsonl", text);
  const auto all = read_all(folder / "a.jsonl");
  REQUIRE(all.size() == sizes.size());
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].get<std::string>().size() == sizes[i]);
}

TEST_CASE("json lines: an error names file, line and column") {
  TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    write_file(folder / "a.jsonl", text);
    return message_of<InputError>([&] { read_all(folder / "a.jsonl"); });
  };
  CHECK(has(refusal("{}\n{\"a\": }\n{}"), "a.jsonl:2:7: not valid JSON"));
  CHECK(has(refusal("{}\n\n{\"half\": \"of a li"), "a.jsonl:3:"));
  CHECK(has(refusal("{}\n\"\xc3\x28\"\n"), "a.jsonl:2:"));
  CHECK(has(refusal("{}\n\"\xff\"\n"), "not valid JSON"));
  CHECK(has(refusal(std::string("{}\n{}\0\n", 7)), "a.jsonl:2:3: a byte of value zero"));
  CHECK(has(refusal("{}\n1e999\n"), "a.jsonl:2: not usable JSON"));
  CHECK(has(refusal("{}\n" + std::string(10'000, '[') + "\n"), "a.jsonl:2:501: nested deeper"));
  CHECK(has(refusal("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"));
  CHECK_THROWS_AS(JsonLinesReader(folder / "none.jsonl"), InputError);
}

TEST_CASE("json lines: random bytes are refused or read, never more") {
  TemporaryFolder folder;
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 300; ++round) {
    std::string text = "{\"cell\": \"ß\", \"values\": [1, 2.5, null]}\r\n{\"b\": {}}\n";
    for (int flips = 0; flips < 2; ++flips) text[random() % text.size()] = static_cast<char>(random());
    write_file(folder / "a.jsonl", text);
    try {
      read_all(folder / "a.jsonl");
    } catch (const InputError&) {
    }
  }
}

TEST_CASE("json lines writer: replaces or appends, and shows lines after flush") {
  TemporaryFolder folder;
  const auto path = folder / "a.jsonl";
  write_file(path, "{\"old\":1}\n");
  {
    JsonLinesWriter writer(path);
    writer.write(nlohmann::ordered_json{{"z", 1}, {"a", "ß\n"}});
    CHECK(read_file(path).empty());
    writer.flush();
    CHECK(read_file(path) == "{\"z\":1,\"a\":\"ß\\n\"}\n");
    JsonLinesWriter moved = std::move(writer);
    moved.write(nlohmann::json{2});
  }
  CHECK(read_all(path).size() == 2);
  { JsonLinesWriter(path, JsonLinesWriter::Mode::append).write(nlohmann::json{3}); }
  CHECK(read_all(path).size() == 3);
  CHECK(read_all(path)[2].at(0) == 3);
  JsonLinesWriter large(path);
  large.write(nlohmann::json(std::string(70'000, 'x')));
  CHECK(read_file(path).size() == 70'003);
}

TEST_CASE("json lines writer: appending mends what a killed run left") {
  TemporaryFolder folder;
  const auto path = folder / "a.jsonl";
  const auto append_to = [&](const std::string& text) {
    write_file(path, text);
    { JsonLinesWriter(path, JsonLinesWriter::Mode::append).write(nlohmann::json{7}); }
    return read_file(path);
  };
  CHECK(append_to("") == "[7]\n");
  CHECK(append_to("{}\n") == "{}\n[7]\n");
  CHECK(append_to("{}\n{\"half\": ") == "{}\n[7]\n");
  CHECK(append_to("{\"half\": ") == "[7]\n");
  CHECK(append_to("{}\n{\"whole\":1}") == "{}\n{\"whole\":1}\n[7]\n");
  const std::string long_line = "\"" + std::string(200'000, 'x');
  CHECK(append_to("{}\n" + long_line) == "{}\n[7]\n");
  CHECK(append_to("{}\n" + long_line + "\"") == "{}\n" + long_line + "\"\n[7]\n");
}

TEST_CASE("json lines writer: what cannot be written is an error that names the file") {
  TemporaryFolder folder;
  CHECK(has(message_of<InputError>([&] { JsonLinesWriter(folder / "no/a.jsonl"); }), "does not exist"));
  CHECK(has(message_of<InputError>([&] { JsonLinesWriter{folder.path()}; }), "it is a folder"));
  CHECK(has(message_of<EnvironmentError>([&] { JsonLinesWriter("/proc/self/a.jsonl"); }),
            "cannot open /proc/self/a.jsonl"));
  const auto path = folder / "a.jsonl";
  JsonLinesWriter writer(path);
  CHECK(has(message_of<InputError>([&] { writer.write(nlohmann::json("\xff")); }), path.string()));
  writer.write(nlohmann::json(std::string(3000, 'x')));
  CHECK(has(message_under_size_limit(1000, [&] { writer.flush(); }), "cannot write " + path.string()));
  writer.flush();  // room again: what was not written yet follows, and the line is whole
  CHECK(read_all(path).at(0).get<std::string>().size() == 3000);
  {
    JsonLinesWriter lost(folder / "lost.jsonl");
    lost.write(nlohmann::json("kept"));
    message_under_size_limit(0, [&] { JsonLinesWriter gone = std::move(lost); });  // the destructor does not throw
  }
  CHECK(read_file(folder / "lost.jsonl").empty());
}
