#include "cell2text/io/torch_file.hpp"

#include <doctest/doctest.h>

#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::string number(std::uint64_t value, std::size_t bytes) {
  return {reinterpret_cast<const char*>(&value), bytes};
}
std::string text(const std::string& value) {
  return "X" + number(value.size(), 4) + value;
}
std::string tuple(const std::vector<std::int64_t>& values) {
  std::string all = "(";
  for (const std::int64_t value : values) all += "\x8a\x08" + number(static_cast<std::uint64_t>(value), 8);
  return all + "t";
}

struct Spelled {
  std::string type = "FloatStorage", key = "0";
  std::int64_t elements = 6, offset = 0;
  std::vector<std::int64_t> shape = {2, 3}, strides = {3, 1};

  std::string pickle() const {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text(key) +
           text("cpu") + "\x8a\x08" + number(static_cast<std::uint64_t>(elements), 8) + "tQ\x8a\x08" +
           number(static_cast<std::uint64_t>(offset), 8) + tuple(shape) + tuple(strides) +
           "\x89"
           "ccollections\nOrderedDict\n)RtR";
  }
};

std::string dict(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string all = "\x80\x02}(";
  for (const auto& [name, value] : values) all += text(name) + value;
  return all + "u.";
}

/// A zip archive of stored entries, in parts that a test may damage.
struct Zip {
  std::vector<std::pair<std::string, std::string>> entries;
  std::uint64_t method = 0, flags = 0;
  std::string bytes() const {
    std::string all, directory;
    for (const auto& [name, data] : entries) {
      const std::string sizes = number(0, 4) + number(data.size(), 4) + number(data.size(), 4);
      const std::string start = number(0, 2) + number(flags, 2) + number(method, 2) + number(0, 4) + sizes +
                                number(name.size(), 2) + number(0, 2);
      directory += "PK\x01\x02" + number(0, 2) + start + number(0, 8) + number(0, 2) + number(all.size(), 4) + name;
      all += "PK\x03\x04" + start + name + data;
    }
    return all + directory + "PK\x05\x06" + number(0, 4) + number(entries.size(), 2) + number(entries.size(), 2) +
           number(directory.size(), 4) + number(all.size(), 4) + number(0, 2);
  }
};

Zip sound() {
  return {
      {{"m/data.pkl", dict({{"w", Spelled().pickle()}})}, {"m/byteorder", "little"}, {"m/data/0", std::string(24, 1)}}};
}

/// What is said against it; nothing where it is taken.
std::string torch_file_refusal(const std::string& bytes) {
  try {
    torch_entries(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.bin");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}
std::string torch_file_refusal(const Zip& zip) {
  return torch_file_refusal(zip.bytes());
}
std::string refusal_of_pickle(const std::string& pickle) {
  Zip zip = sound();
  zip.entries[0].second = pickle;
  return torch_file_refusal(zip);
}
std::string torch_file_refusal(const Spelled& tensor) {
  return refusal_of_pickle(dict({{"w", tensor.pickle()}}));
}

}  // namespace

TEST_CASE("torch_file: a tensor's place, shape and strides") {
  const std::string bytes = sound().bytes();
  const auto entries = torch_entries(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.bin");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].entry.name == "w");
  CHECK(entries[0].entry.bytes == 24);
  CHECK(bytes.substr(entries[0].entry.offset, 24) == std::string(24, 1));
  CHECK(entries[0].strides.empty());
  CHECK(torch_file_refusal(Spelled{.shape = {3, 2}, .strides = {1, 3}}) == "");
  CHECK(torch_file_refusal(Spelled{.elements = 6, .offset = 3, .shape = {3}, .strides = {1}}) == "");
  CHECK(torch_file_refusal(Spelled{.shape = {0, std::int64_t{1} << 62, std::int64_t{1} << 62}, .strides = {1, 1, 1}}) ==
        "");
}

TEST_CASE("torch_file: tensors that reach beyond their storage are refused by name") {
  const std::int64_t huge = std::int64_t{1} << 62;
  for (const Spelled& wrong :
       {Spelled{.offset = 1}, Spelled{.shape = {7}, .strides = {1}}, Spelled{.shape = {2, 3}, .strides = {4, 1}},
        Spelled{.shape = {huge, 2}, .strides = {huge, 1}}, Spelled{.shape = {7}, .strides = {0}},
        Spelled{.offset = huge, .shape = {1}, .strides = {1}}, Spelled{.shape = {huge, huge}, .strides = {0, 0}}})
    CHECK(has(torch_file_refusal(wrong), "x.bin: tensor 'w' reaches beyond its storage of 6 numbers"));
  CHECK(has(torch_file_refusal(Spelled{.elements = 7}), "its storage has 24 bytes, 7 numbers of 4 bytes"));
  CHECK(has(torch_file_refusal(Spelled{.elements = huge}), "its storage has 24 bytes"));
  CHECK(has(torch_file_refusal(Spelled{.type = "DoubleStorage"}), "6 numbers of 8 bytes"));
  CHECK(has(torch_file_refusal(Spelled{.key = "9"}), "the storage '9', which the file does not hold"));
  CHECK(has(torch_file_refusal(Spelled{.shape = {2}}), "shape and strides of unequal lengths"));
  CHECK(has(torch_file_refusal(Spelled{.shape = {-1, 3}}), "whole numbers from 0"));
  CHECK(has(torch_file_refusal(Spelled{.elements = -1}), "not a storage of numbers"));
  CHECK(has(torch_file_refusal(Spelled{.offset = -1}), "without storage and shape"));
  CHECK(has(torch_file_refusal(Spelled{.shape = std::vector<std::int64_t>(65, 1)}), "not a tuple of numbers"));
}

TEST_CASE("torch_file: whatever is not a dict of tensors is refused, and nothing is called") {
  CHECK(has(refusal_of_pickle("\x80\x02]."), "holds a list; a dict of names to tensors is expected"));
  CHECK(has(refusal_of_pickle(dict({{"a", "K\x01"}})), "'a' is a whole number, expected a tensor"));
  CHECK(has(refusal_of_pickle("\x80\x02}(K\x01K\x02u."), "a key is a whole number"));
  const std::string one = Spelled().pickle();
  CHECK(has(refusal_of_pickle(dict({{"a", one}, {"a", one}})), "tensor 'a' is there twice"));
  CHECK(has(refusal_of_pickle("cposix\nsystem\n(" + text("true") + "tR."), "it asks for posix.system"));
  CHECK(has(refusal_of_pickle("ctorch\nload\n)R."), "it asks for torch.load"));
  CHECK(has(refusal_of_pickle("cnumpy\ndtype\n)R."), "it asks for numpy.dtype"));
  CHECK(has(refusal_of_pickle("ccollections\nOrderedDict\n]\x85R."), "made of something"));
  CHECK(has(refusal_of_pickle("ctorch._utils\n_rebuild_parameter\n)R."), "a parameter without a tensor"));
  CHECK(has(refusal_of_pickle("K\x01)R."), "calls something that is not a function"));
  CHECK(has(refusal_of_pickle("]K\x01"
                              "b."),
            "sets the inside of something that is not a dict"));
  CHECK(has(refusal_of_pickle(text("id") + "Q."), "not a storage of numbers"));
  CHECK(has(refusal_of_pickle("ctorch._utils\n_rebuild_tensor_v2\n."), "a function or a type stands"));
  CHECK(has(refusal_of_pickle(""), "truncated"));
}

TEST_CASE("torch_file: archives that are damaged or of another kind are refused") {
  CHECK(torch_file_refusal(sound()) == "");
  CHECK(torch_file_refusal(sound().bytes().replace(sound().bytes().size() - 2, 2, number(3, 2)) + "abc") ==
        "");  // a comment
  const std::string bytes = sound().bytes();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(has(torch_file_refusal(bytes.substr(0, length)), "x.bin"));
  Zip zip = sound();
  zip.method = 8;
  CHECK(has(torch_file_refusal(zip), "is compressed (method 8)"));
  zip = sound();
  zip.flags = 1;
  CHECK(has(torch_file_refusal(zip), "is encrypted"));
  zip = sound();
  zip.entries[1].second = "big";
  CHECK(has(torch_file_refusal(zip), "highest byte first"));
  zip = sound();
  zip.entries[2].first = "m/byteorder";
  CHECK(has(torch_file_refusal(zip), "two entries are called 'm/byteorder'"));
  zip = sound();
  zip.entries[1].first = "n/data.pkl";
  CHECK(has(torch_file_refusal(zip), "holds two pickles"));
  zip = sound();
  zip.entries[0].first = "data.pkl";
  CHECK(has(torch_file_refusal(zip), "without a data.pkl"));

  const auto with_end = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    return torch_file_refusal(std::string(bytes).replace(bytes.size() - 22 + at, size, number(value, size)));
  };
  CHECK(has(with_end(4, 1, 2), "one part of several"));
  CHECK(has(with_end(10, 9, 2), "too small for 9 entries"));
  CHECK(has(with_end(10, 2, 2), "another size than it says"));
  CHECK(has(with_end(10, 60000, 2), "too small for 60000 entries"));
  CHECK(has(with_end(12, 3, 4), "does not lie where it says"));
  CHECK(has(with_end(16, 0xFFFFFFFF, 4), "large directory is missing"));
  // Where the directory says an entry lies, another one lies, or nothing, or the same.
  const auto directory = bytes.find("PK\x01\x02");
  const auto entry = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    return torch_file_refusal(std::string(bytes).replace(directory + at, size, number(value, size)));
  };
  CHECK(has(entry(0, 0, 2), "its directory is damaged"));
  CHECK(has(entry(42, 1, 4), "does not lie where the directory says"));
  CHECK(has(entry(42, 0xFFFFFF00, 4), "beyond its end"));
  CHECK(has(entry(20, 1, 4), "another size than it says"));
  CHECK(has(entry(30, 9999, 2), "beyond its end"));
  CHECK(has(torch_file_refusal(std::string(bytes).replace(directory + 20, 8, number(300, 4) + number(300, 4))),
            "over each other"));
}

TEST_CASE("oracle: torch_file: files of torch.save, of all types and strides, in one file and in shards") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = oracle("torch_files.py", seed);
  for (const char* name : {"one.bin", "old-protocol.bin", "shards"}) {
    CAPTURE(name);
    const auto found = TensorFiles::open(folder / name), truth = TensorFiles::open(folder / "truth.safetensors");
    CHECK(found.names() == truth.names());
    for (const std::string& tensor : truth.names()) {
      CAPTURE(tensor);
      CHECK((found.dtype(tensor) == truth.dtype(tensor)));
      CHECK(found.shape(tensor) == truth.shape(tensor));
      CHECK(found.tensor(tensor).is_contiguous());
      CHECK(found.tensor(tensor).equal(truth.tensor(tensor)));
    }
  }
  CHECK(has(message_of<InputError>([&] { TensorFiles::open(folder / "module.bin"); }), "it asks for torch.nn.modules"));
  const auto legacy = message_of<InputError>([&] { TensorFiles::open(folder / "legacy.bin"); });
  CHECK(has(legacy, "no archive as torch.save writes it since torch 1.6"));
  CHECK(has(legacy, "save_file("));
}
