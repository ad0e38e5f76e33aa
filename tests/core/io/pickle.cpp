#include "cell2text/io/pickle.hpp"

#include <cmath>
#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

PickleValue read(const std::string& bytes) {
  return read_pickle(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.pkl");
}
std::string pickle_refusal(const std::string& bytes) {
  return message_of<InputError>([&] { read(bytes); });
}
/// A text that may hold zeros.
template <std::size_t N>
std::string raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

/// The value as JSON with the types that JSON lacks spelled out; the oracle script does the same in Python.
nlohmann::json spelled(const PickleValue& value) {
  const auto list_of = [](const std::vector<PickleValue>& items) {
    nlohmann::json list = nlohmann::json::array();
    for (const PickleValue& item : items) list.push_back(spelled(item));
    return list;
  };
  return std::visit(
      [&]<class T>(const T& data) -> nlohmann::json {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, PickleValue::Bytes>) {
          nlohmann::json numbers = nlohmann::json::array();
          for (const char c : data.data) numbers.push_back(static_cast<unsigned char>(c));
          return {{"bytes", numbers}};
        } else if constexpr (std::is_same_v<T, PickleValue::List>) {
          return {{"list", list_of(data.items)}};
        } else if constexpr (std::is_same_v<T, PickleValue::Tuple>) {
          return {{"tuple", list_of(data.items)}};
        } else if constexpr (std::is_same_v<T, PickleValue::Dict>) {
          nlohmann::json pairs = nlohmann::json::array();
          for (const auto& [key, item] : data.items) pairs.push_back({spelled(key), spelled(item)});
          return {{"dict", pairs}};
        } else if constexpr (std::is_same_v<T, double>) {
          return {{"float", std::isnan(data)   ? "nan"
                            : std::isinf(data) ? (data > 0 ? "inf" : "-inf")
                                               : "finite"},
                  {"value", std::isfinite(data) ? data : 0.0}};
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const PickleTensor>>) {
          FAIL("a pickle of plain values holds a tensor");
          return nullptr;
        } else {
          return data;
        }
      },
      value.data);
}

const std::string scalar = "cnumpy.core.multiarray\nscalar\n";
const std::string dtype_f8 = "cnumpy\ndtype\n(X\2\0\0\0f8I00\nI01\ntR";
/// numpy.float64 as protocol 3 spells it, with the opcodes of the dtype's state and the bytes given.
std::string numpy_scalar(const std::string& code, const std::string& order, const std::string& bytes) {
  const auto text = [](const std::string& value) {
    return std::string("\x8c") + static_cast<char>(value.size()) + value;
  };
  return raw("\x80\3") + scalar + "cnumpy\ndtype\n" + text(code) + raw("\x89\x88\x87R(K\3") + text(order) +
         raw("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbC") + static_cast<char>(bytes.size()) + bytes + "\x86R.";
}

std::filesystem::path shared_data() {
  if (const char* folder = std::getenv("CELL2TEXT_SHARED_DATA")) return folder;
  return source_dir() / "../shared/data";
}

}  // namespace

TEST_CASE("pickle: plain values of the oldest protocol, made by hand") {
  CHECK(spelled(read("(lp0\nI1\naI-7\naL12345678901L\naI01\naI00\naNaF2.5\na.")).dump() ==
        R"({"list":[1,-7,12345678901,true,false,null,{"float":"finite","value":2.5}]})");
  CHECK(spelled(read("(dp0\nVa\\u00df\\U0001f600\xe9\np1\nS'it\\'s \\x41\\n'\np2\nsg1\ng2\ns.")).dump() ==
        "{\"dict\":[[\"aß😀é\",\"it's A\\n\"],[\"aß😀é\",\"it's A\\n\"]]}");
  CHECK(spelled(read("(I1\n(I2\nttS\"x\"\n0.")).dump() == R"({"tuple":[1,{"tuple":[2]}]})");
  CHECK(spelled(read("(I1\nI2\n1N2\x86.")).dump() == R"({"tuple":[null,null]})");
  CHECK(spelled(read("(Va\nI1\nd.")).dump() == R"({"dict":[["a",1]]})");
  CHECK(spelled(read(raw("(U\1aT\1\0\0\0bl."))).dump() == R"({"list":["a","b"]})");
}

TEST_CASE("pickle: whole numbers of every spelling, and those beyond 64 bits") {
  const auto whole = [](const std::string& bytes) { return std::get<std::int64_t>(read(bytes).data); };
  CHECK(whole(raw("K\xff.")) == 255);
  CHECK(whole(raw("M\1\2.")) == 513);
  CHECK(whole(raw("J\xfe\xff\xff\xff.")) == -2);
  CHECK(whole(raw("\x8a\0.")) == 0);
  CHECK(whole(raw("\x8a\2\0\x80.")) == -32768);
  CHECK(whole(raw("\x8b\2\0\0\0\xff\0.")) == 255);
  CHECK(whole(raw("\x8a\x08\0\0\0\0\0\0\0\x80.")) == std::numeric_limits<std::int64_t>::min());
  CHECK(has(pickle_refusal(raw("\x8a\x09\0\0\0\0\0\0\0\x80\0.")), "a whole number of 9 bytes, expected at most 8"));
  CHECK(
      has(pickle_refusal("L9223372036854775808L\n."), "'9223372036854775808' is not a number that fits into 64 bits"));
  CHECK(has(pickle_refusal("I0x10\n."), "'0x10' is not a number"));
  CHECK(has(pickle_refusal("Ftwo\n."), "'two' is not a number"));
  CHECK(std::isinf(std::get<double>(read("Finf\n.").data)));
}

TEST_CASE("pickle: numpy scalars of the four dtypes") {
  CHECK(std::get<double>(read(numpy_scalar("f8", "<", raw("\0\0\0\0\0\0\xf8\x3f"))).data) == 1.5);
  CHECK(std::get<double>(read(numpy_scalar("<f4", "<", raw("\0\0\x20\xc0"))).data) == -2.5);
  CHECK(std::get<std::int64_t>(read(numpy_scalar("i8", "<", raw("\xff\xff\xff\xff\xff\xff\xff\xff"))).data) == -1);
  CHECK(std::get<std::int64_t>(read(numpy_scalar("i4", "=", raw("\xfe\xff\xff\xff"))).data) == -2);
  CHECK(has(pickle_refusal(numpy_scalar("f8", ">", std::string(8, '\0'))), "another byte order"));
  CHECK(has(pickle_refusal(numpy_scalar(">f8", "<", std::string(8, '\0'))),
            "dtype '>f8', expected one of f8, f4, i8, i4"));
  CHECK(has(pickle_refusal(numpy_scalar("O8", "|", std::string(8, '\0'))), "dtype 'O8'"));
  CHECK(has(pickle_refusal(numpy_scalar("f8", "<", std::string(4, '\0'))),
            "a numpy scalar without its dtype or its bytes"));
  CHECK(has(pickle_refusal(scalar + ")R."), "a numpy scalar without its dtype"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\n)R."), "a numpy dtype without a name"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\n(Vf8\ntR(I3\ntb."), "another byte order"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\n(Vf8\ntR."), "a function or a type stands where a value is expected"));
}

TEST_CASE("pickle: bytes as protocols 0 to 2 spell them") {
  CHECK(spelled(read("c_codecs\nencode\n(V\\u00ffA\nVlatin1\ntR.")).dump() == R"({"bytes":[255,65]})");
  CHECK(spelled(read("c__builtin__\nbytes\n)R.")).dump() == R"({"bytes":[]})");
  CHECK(has(pickle_refusal("c_codecs\nencode\n(V\\u0100\nVlatin1\ntR."), "not written as Latin-1"));
  CHECK(has(pickle_refusal("c_codecs\nencode\n(Vx\nVutf8\ntR."), "not written as Latin-1"));
  CHECK(has(pickle_refusal("c_codecs\nencode\n(Vx\ntR."), "not written as Latin-1"));
  CHECK(has(pickle_refusal("cbuiltins\nbytes\n(I1\ntR."), "bytes that are made of something"));
}

TEST_CASE("pickle: attacks are refused by name and never run") {
  TemporaryFolder folder;
  const std::string touch = "touch " + (folder / "run").string();
  CHECK(has(pickle_refusal("cos\nsystem\n(S'" + touch + "'\ntR."), "it asks for os.system, which is not read"));
  CHECK(has(pickle_refusal("cposix\nsystem\n(V" + touch + "\ntR."), "posix.system"));
  CHECK(has(pickle_refusal("cbuiltins\neval\n(V1\ntR."), "builtins.eval"));
  CHECK(has(pickle_refusal("c__builtin__\nexec\n(V1\ntR."), "__builtin__.exec"));
  CHECK(has(pickle_refusal(raw("\x80\4\x8c\2os\x8c\6system\x93\x8c\4true\x85R.")), "os.system"));
  CHECK(has(pickle_refusal("cnumpy\nload\n(Vx\ntR."), "numpy.load"));
  CHECK(has(pickle_refusal("cnumpy.core.multiarray\n_reconstruct\n."), "numpy.core.multiarray._reconstruct"));
  CHECK(has(pickle_refusal("ccollections\nOrderedDict\n)R."), "collections.OrderedDict"));
  CHECK(has(pickle_refusal("(S'" + touch + "'\nios\nsystem\n."), "makes an object of a class"));
  CHECK(has(pickle_refusal("(cnumpy\ndtype\no."), "makes an object of a class"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\n)\x81."), "makes an object of a class"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\n)}\x92."), "makes an object of a class"));
  CHECK(has(pickle_refusal("Pid\n."), "an object outside of the file"));
  CHECK(has(pickle_refusal("NQ."), "an object outside of the file"));
  for (const char* extension : {"\x82\1.", "\x83\1\1.", "\x84\1\1\1\1."})
    CHECK(has(pickle_refusal(extension), "by the number of an extension"));
  for (const char* set : {"\x8f.", "(\x91.", "]\x90."}) CHECK(has(pickle_refusal(set), "it holds a set"));
  for (const char* buffer : {"\x96.", "\x97.", "\x98."}) CHECK(has(pickle_refusal(buffer), "it holds a buffer"));
  CHECK(has(pickle_refusal(raw("\xff.")), "its code 255 is not one of pickle's"));
  CHECK(has(pickle_refusal("}}b."), "it sets the inside of something that is not a numpy dtype"));
  CHECK(has(pickle_refusal("N)R."), "it calls something that is not a function"));
  CHECK(has(pickle_refusal("cnumpy\ndtype\nNR."), "it calls something that is not a function"));
  CHECK(has(pickle_refusal("NN\x93."), "a global whose name is not a text"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("pickle: what torch.save writes is named") {
  CHECK(has(pickle_refusal(raw("PK\3\4\24\0\0\0")), "it is a zip archive, as torch.save writes"));
}

TEST_CASE("pickle: bytes that make no sense are refused") {
  CHECK(has(pickle_refusal(""), "x.pkl cannot be read as a pickle of plain values: it is truncated"));
  CHECK(has(pickle_refusal("."), "it takes a value that was never put there (at byte 0)"));
  CHECK(has(pickle_refusal("(0."), "it takes a value that was never put there"));
  CHECK(has(pickle_refusal("N(."), "it takes a value that was never put there"));
  CHECK(has(pickle_refusal("t."), "it ends a group that never began"));
  CHECK(has(pickle_refusal("N.N"), "1 bytes follow the end"));
  CHECK(has(pickle_refusal(raw("\x80\6N.")), "its protocol is 6, expected at most 5"));
  CHECK(has(pickle_refusal("I1"), "a line without an end"));
  CHECK(has(pickle_refusal(raw("X\xff\xff\xff\xff"
                               "abc")),
            "4294967295 bytes expected, 3 left"));
  CHECK(has(pickle_refusal(raw("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                               "abc")),
            "18446744073709551615 bytes expected, 3 left"));
  CHECK(has(pickle_refusal(raw("\x8c\1\xff.")), "a text that is not valid UTF-8"));
  CHECK(has(pickle_refusal("V\\ud800\n."), "a text that is not valid UTF-8"));
  CHECK(has(pickle_refusal("V\\u00g0\n."), "a damaged escape in a text"));
  CHECK(has(pickle_refusal("V\\u00\n."), "a damaged escape in a text"));
  CHECK(has(pickle_refusal("V\\U00110000\n."), "a damaged escape in a text"));
  CHECK(has(pickle_refusal(raw("U\1\xe9.")), "a byte string of Python 2 that is not ASCII"));
  CHECK(has(pickle_refusal("Sx\n."), "a byte string without quotes"));
  CHECK(has(pickle_refusal("S'\n."), "a byte string without quotes"));
  CHECK(has(pickle_refusal("S'\\q'\n."), "a damaged escape in a byte string"));
  CHECK(has(pickle_refusal("S'\\'\n."), "a damaged escape in a byte string"));
  CHECK(has(pickle_refusal("S'\\x4'\n."), "a damaged escape in a text"));
  CHECK(has(pickle_refusal("}N(a."), "it takes a value that was never put there"));
  CHECK(has(pickle_refusal("}Na."), "it adds to something that is not a list"));
  CHECK(has(pickle_refusal("]NNs."), "it adds to something that is not a dict"));
  CHECK(has(pickle_refusal("}(Nu."), "a key of a dict has no value"));
  CHECK(has(pickle_refusal("h\1."), "it refers to value 1, which it never kept"));
  CHECK(has(pickle_refusal("Nq\2h\1."), "it refers to value 1, which it never kept"));
  CHECK(has(pickle_refusal("Np99999999999\n."), "it keeps value 99999999999, more than it has bytes"));
  CHECK(has(pickle_refusal("Np-1\n."), "'-1' is not a number"));
}

TEST_CASE("pickle: bombs of depth, of sharing and of size are refused quickly") {
  CHECK(
      has(pickle_refusal(std::string(20'000, ']') + std::string(19'999, 'a') + "."), "nested deeper than 200 levels"));
  CHECK(
      has(pickle_refusal(std::string(20'000, '(') + std::string(20'000, 't') + "."), "nested deeper than 200 levels"));
  for (const auto& [deeper, out] : {std::pair(']', 'a'), std::pair('(', 't')})
    CHECK(has(pickle_refusal(std::string(1'000'000, deeper) + std::string(1'000'000, out) + "."),
              "it holds far more values than a dictionary of its size"));
  CHECK(has(pickle_refusal(raw("]q\0h\0a.")), "or in themselves"));
  std::string shared = "]";  // each list holds the one before ten times
  for (int level = 0; level < 60; ++level) {
    shared += "q" + std::string(1, static_cast<char>(level)) + "0](";
    for (int i = 0; i < 10; ++i) shared += "h" + std::string(1, static_cast<char>(level));
    shared += "e";
  }
  CHECK(has(pickle_refusal(shared + "."), "it unfolds to far more values than it has bytes"));
  std::string text = raw("X\0\0\1\0") + std::string(65536, 'x') + raw("q\0") + "0](";
  for (int i = 0; i < 5000; ++i) text += raw("h\0");
  CHECK(has(pickle_refusal(text + "e."), "it unfolds to far more text than it has bytes"));
  CHECK(has(pickle_refusal(std::string((64 << 20) + 1, 'N')), "it has 67108865 bytes, expected at most 67108864"));
}

TEST_CASE("pickle: truncated and damaged pickles are refused or read, never more") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const std::string new_style =
      raw("\x80\4\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\4ENSG\x94K\1\x8c\1b\x94]\x94(h\2\x8a\1\7G?\xf8\0\0\0\0\0\0eu.");
  const std::string old_style =
      "(dp0\nVENSG\np1\nI1\nsS'b'\n(F2.5\nL7L\ntp2\nsc_codecs\nencode\n(Va\nVlatin1\ntRg2\ns.";
  const std::string numpy = numpy_scalar("f8", "<", raw("\0\0\0\0\0\0\xf8\x3f"));
  for (const std::string& sound : {new_style, old_style, numpy}) {
    CHECK_NOTHROW(read(sound));
    for (std::size_t size = 0; size < sound.size(); ++size) CHECK_THROWS_AS(read(sound.substr(0, size)), InputError);
    for (int round = 0; round < 5000; ++round) {
      std::string damaged = sound;
      for (std::size_t flips = 1 + random() % 3; flips > 0; --flips)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      try {
        read(damaged);
      } catch (const InputError&) {
      }
    }
  }
  // Bytes at random, most of them opcodes that do something.
  const std::string opcodes = raw("N()]}aeus.0122ttlldRcb\x85\x86\x87\x88\x94qhKJGX\x8c\x93");
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 40; size > 0; --size)
      bytes += random() % 4 ? opcodes[random() % opcodes.size()] : static_cast<char>(random());
    try {
      read(bytes + ".");
    } catch (const InputError&) {
    }
  }
}

TEST_CASE("pickle: dicts of numbers and texts from pickles and JSON") {
  TemporaryFolder folder;
  const auto path = folder / "d";
  write_file(path, raw("}(\x8c\1aK\1\x8c\1bK\2u."));
  CHECK(read_string_int_dict(path) == std::unordered_map<std::string, std::int64_t>{{"a", 1}, {"b", 2}});
  CHECK(read_string_double_dict(path).at("b") == 2.0);
  write_file(path, "(dVa\nF2.5\ns.");
  CHECK(read_string_double_dict(path).at("a") == 2.5);
  CHECK(has(message_of<InputError>([&] { read_string_int_dict(path); }),
            "the value of 'a' is a number, expected a whole number"));
  write_file(path, "(dVa\nVb\ns.");
  CHECK(read_string_string_dict(path).at("a") == "b");
  CHECK(has(message_of<InputError>([&] { read_string_double_dict(path); }), "is a text, expected a finite number"));
  for (const char* bad : {"nan", "inf", "-inf"}) {
    write_file(path, "(dVa\nF" + std::string(bad) + "\ns.");
    CHECK(has(message_of<InputError>([&] { read_string_double_dict(path); }), "is a number, expected a finite number"));
  }
  write_file(path, "(dVa\nI1\nsVa\nI2\ns.");
  CHECK(has(message_of<InputError>([&] { read_string_int_dict(path); }), "'a' occurs twice"));
  write_file(path, "(dI1\nI1\ns.");
  CHECK(has(message_of<InputError>([&] { read_string_int_dict(path); }), "a key is a whole number, expected a text"));
  write_file(path, "(lI1\na.");
  CHECK(has(message_of<InputError>([&] { read_string_int_dict(path); }),
            path.string() + " holds a list, expected a dict"));

  write_file(path, R"({"a": 1, "b": -2})");
  CHECK(read_string_int_dict(path) == std::unordered_map<std::string, std::int64_t>{{"a", 1}, {"b", -2}});
  CHECK(read_string_double_dict(path).at("b") == -2.0);
  write_file(path, R"({"a": 2.5})");
  CHECK(read_string_double_dict(path).at("a") == 2.5);
  write_file(path, R"({"a": "b"})");
  CHECK(read_string_string_dict(path).at("a") == "b");
  for (const std::string value : {"[]", "{}", "null", "true", "18446744073709551615", "\"x\""}) {
    write_file(path, "{\"a\": " + value + "}");
    CHECK_THROWS_AS(read_string_int_dict(path), InputError);
  }
  write_file(path, "{\"a\": }");
  CHECK(has(message_of<InputError>([&] { read_string_int_dict(path); }), ":1:7: not valid JSON"));
  CHECK_THROWS_AS(read_string_int_dict(folder / "none"), InputError);
}

TEST_CASE("pickle: the four dictionaries that Geneformer publishes") {
  const auto folder = shared_data() / "geneformer";
  if (!std::filesystem::is_directory(folder)) {
    MESSAGE("skipped: no Geneformer dictionaries at " << folder.string() << "; set CELL2TEXT_SHARED_DATA");
    return;
  }
  const auto tokens = read_string_int_dict(folder / "token_dictionary_gc104M.pkl");
  CHECK(tokens.size() == 20275);
  CHECK(tokens.at("<pad>") == 0);
  CHECK(tokens.at("<eos>") == 3);
  const auto medians = read_string_double_dict(folder / "gene_median_dictionary_gc104M.pkl");
  CHECK(medians.size() == 42005);
  for (const auto& [gene, median] : medians) REQUIRE(median > 0);
  const auto names = read_string_string_dict(folder / "gene_name_id_dict_gc104M.pkl");
  CHECK(names.size() == 63675);
  CHECK(names.at("CD3E") == "ENSG00000198851");
  CHECK(read_string_string_dict(folder / "ensembl_mapping_dict_gc104M.pkl").size() == 173697);
}

TEST_CASE("oracle: pickle: values that Python wrote in protocols 0 to 5 are read as they are") {
  const std::uint64_t number = seed();
  INFO("seed " << number);
  const auto folder = oracle("pickle_values.py", number);
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    if (file.path().extension() != ".pkl") continue;
    CAPTURE(file.path().filename().string());
    const auto mapped = MappedFile::open(file.path());
    const auto expected = read_json(std::filesystem::path(file.path()).replace_extension(".json"));
    CHECK(spelled(read_pickle(mapped->data(), file.path().string())) == expected);
    ++count;
  }
  CHECK(count == 6 * 20);
}
