// Every kept input through its fuzz target, without libFuzzer: sound ones are taken, hostile ones refused, and those
// that once broke a promise (found-*) no longer do.
#include <algorithm>
#include <ctime>
#include <map>
#include <vector>

#include "support/oracle.hpp"
#include "targets/card.hpp"
#include "targets/csv.hpp"
#include "targets/dictionary.hpp"
#include "targets/elf.hpp"
#include "targets/elf_symbols.hpp"
#include "targets/json.hpp"
#include "targets/json_lines.hpp"
#include "targets/labels.hpp"
#include "targets/obo.hpp"
#include "targets/pickle.hpp"
#include "targets/predictions.hpp"
#include "targets/safetensors.hpp"
#include "targets/sentence_piece.hpp"
#include "targets/split_pattern.hpp"
#include "targets/tenx.hpp"
#include "targets/tiktoken.hpp"
#include "targets/tokenizer.hpp"
#include "targets/tokenizer_characters.hpp"
#include "targets/tokenizer_patch.hpp"
#include "targets/toml.hpp"
#include "targets/torch_file.hpp"
#include "targets/word_piece.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

using Target = bool (*)(std::string_view);

const std::map<std::string, Target>& targets() {
  static const std::map<std::string, Target> all = {{"card", fuzz::card},
                                                    {"csv", fuzz::csv},
                                                    {"dictionary", fuzz::dictionary},
                                                    {"elf", fuzz::elf},
                                                    {"elf_symbols", fuzz::elf_symbols},
                                                    {"json", fuzz::json},
                                                    {"json_lines", fuzz::json_lines},
                                                    {"labels", fuzz::labels},
                                                    {"obo", fuzz::obo},
                                                    {"pickle", fuzz::pickle},
                                                    {"predictions", fuzz::predictions},
                                                    {"safetensors", fuzz::safetensors},
                                                    {"sentence_piece", fuzz::sentence_piece},
                                                    {"split_pattern", fuzz::split_pattern},
                                                    {"tenx", fuzz::tenx},
                                                    {"tiktoken", fuzz::tiktoken},
                                                    {"tokenizer", fuzz::tokenizer},
                                                    {"tokenizer_characters", fuzz::tokenizer_characters},
                                                    {"tokenizer_patch", fuzz::tokenizer_patch},
                                                    {"toml", fuzz::toml},
                                                    {"torch_file", fuzz::torch_file},
                                                    {"word_piece", fuzz::word_piece}};
  return all;
}

std::vector<std::filesystem::path> inputs(const std::string& kind, const std::string& target) {
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/fuzz" / kind / target, none))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

bool is_found(const std::filesystem::path& file) {
  return file.filename().string().starts_with("found-");
}

double seconds_of(const auto& body) {
  const std::clock_t begin = std::clock();  // of this process, whatever else runs
  body();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("fuzz corpus: sound inputs are taken, and no promise is broken") {
  for (const auto& [name, target] : targets()) {
    const auto files = inputs("corpus", name);
    CHECK_MESSAGE(!files.empty(), name);
    for (const auto& file : files) {
      CAPTURE(file.string());
      bool taken = false;
      CHECK_NOTHROW(taken = target(read_file(file)));
      CHECK((taken || is_found(file)));
    }
  }
}

TEST_CASE("fuzz corpus: every attack is refused, within a second") {
  for (const auto& [name, target] : targets()) {
    const auto files = inputs("attacks", name);
    CHECK_MESSAGE((!files.empty() || name == "labels"), name);  // any text has labels, or none
    for (const auto& file : files) {
      CAPTURE(file.string());
      bool taken = true;
      CHECK(seconds_of([&] { CHECK_NOTHROW(taken = target(read_file(file))); }) < 1);
      CHECK(!taken);
    }
  }
}

TEST_CASE("fuzz corpus: every folder of inputs has its target") {
  for (const char* kind : {"corpus", "attacks"})
    for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/fuzz" / kind))
      CHECK_MESSAGE(targets().contains(entry.path().filename().string()), entry.path().string());
}

// Not kept as files: a fuzzer that starts from them does little else.
TEST_CASE("fuzz corpus: split patterns that go back and forth without end are given up on") {
  using namespace std::string_literals;
  CHECK(!fuzz::split_pattern("(?:a+)+b|(?:(?:a|a)+)+c\0"s + std::string(200, 'a')));
  CHECK(!fuzz::split_pattern("(?:a+)+(?<!a)b|(?:a+)+(?<!a)c\0"s + std::string(200, 'a')));
}

// Attacks that are too large to keep.
TEST_CASE("fuzz corpus: attacks of megabytes are refused within seconds") {
  const auto refused = [](Target target, const std::string& input) {
    bool taken = true;
    const double seconds = seconds_of([&] { CHECK_NOTHROW(taken = target(input)); });
    CHECK(seconds < 5);
    return !taken;
  };
  const auto repeated = [](std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
  };
  const std::size_t million = 1'000'000;

  CHECK(refused(fuzz::pickle, std::string(million, ']') + std::string(million - 1, 'a') + "."));
  CHECK(refused(fuzz::pickle, std::string(million, '(') + std::string(million, 't') + "."));
  CHECK(refused(fuzz::pickle, repeated("}N", million) + "}" + std::string(million, 's') + "."));
  CHECK(refused(fuzz::pickle, std::string(4 * million, ')') + "."));  // more values than a dictionary has
  CHECK(refused(fuzz::pickle, "(" + std::string(4 * million, 'N') + "t."));
  CHECK(refused(fuzz::pickle, "]" + repeated(std::string("q\0", 2), million) + "a."));  // the memo, rewritten

  CHECK(refused(fuzz::json, std::string(million, '[')));
  CHECK(refused(fuzz::json, repeated("{\"a\":", million)));
  CHECK(refused(fuzz::toml, "a = " + std::string(million, '[')));
  CHECK(refused(fuzz::toml, repeated("a.", million) + "a = 1"));
  CHECK(refused(fuzz::toml, "[" + repeated("a.", million) + "a]"));
  CHECK(refused(fuzz::toml, "a = " + repeated("{a=", million)));
  CHECK(refused(fuzz::obo, "[Term]\nid: A\nname: " + repeated("{ ", million)));
  CHECK(refused(fuzz::obo, "[Term]\nid: A\n" + repeated("id: A\n", million)));

  // A line without end, and a matrix that claims more than there is.
  const std::string market = "%%MatrixMarket matrix coordinate integer general\n";
  CHECK(refused(fuzz::tenx, market + std::string(4 * million, '1')));
  CHECK(refused(fuzz::tenx, market + "2000000000 2000000000 1000000000000000000\n1 1 1\n"));
  CHECK(refused(fuzz::tenx, market + "1 1000000 1000000\n" + repeated("1 1 1\n", million - 1)));

  // A million tensors, of which the last lies where the first does.
  std::string header = "{";
  const auto tensor = [](std::size_t i, std::size_t at) {
    return "\"t" + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(at) + "," +
           std::to_string(at + 1) + "]}";
  };
  for (std::size_t i = 0; i < million; ++i) header += tensor(i, i) + ",";
  header += tensor(million, 0) + "}";
  const std::uint64_t size = header.size();
  CHECK(refused(fuzz::safetensors,
                std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(million, 'x')));
  const std::string deep = repeated("{\"a\":", million);
  const std::uint64_t deep_size = deep.size();
  CHECK(refused(fuzz::safetensors, std::string(reinterpret_cast<const char*>(&deep_size), 8) + deep));

  // A token list that is named often, added tokens by the hundred thousand, and sequences in sequences.
  nlohmann::json many;
  for (int i = 0; i < 100'000; ++i) many["special_tokens"]["e"]["ids"].push_back(300);
  for (int i = 0; i < 10'000; ++i) many["single"].push_back({{"SpecialToken", {{"id", "e"}}}});
  many["type"] = "TemplateProcessing";
  CHECK(refused(fuzz::tokenizer_patch, nlohmann::json{{"post_processor", many}}.dump()));
  nlohmann::json added = nlohmann::json::array();
  for (int i = 0; i < 100'000; ++i) added.push_back({{"id", 300 + i}, {"content", "x" + std::to_string(i) + "y"}});
  added.push_back(added.front());
  CHECK(refused(fuzz::tokenizer_patch, nlohmann::json{{"added_tokens", added}}.dump()));
  nlohmann::json nested = {{"type", "Sequence"}, {"pretokenizers", nlohmann::json::array()}};
  nested["pretokenizers"] = std::vector<int>(100'000, 1);
  for (int i = 0; i < 200; ++i) nested = {{"type", "Sequence"}, {"pretokenizers", {std::move(nested)}}};
  CHECK(refused(fuzz::tokenizer_patch, nlohmann::json{{"pre_tokenizer", nested}}.dump()));
}
