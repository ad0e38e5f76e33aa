// What the opcodes of a pickle do, as far as they build plain values (their meaning: Python's Lib/pickletools.py).
// Everything that would run code is refused here.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cell2text/io/pickle_stack.hpp"
#include "cell2text/io/pickle_value.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text::pickle_detail {

class Machine : protected Stack {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& where)
      : Stack({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where) {}

  virtual ~Machine() = default;

  PickleValue run() {
    if (starts_with("PK\x03\x04"))
      refuse("it is a zip archive, as torch.save writes; a dictionary written by pickle.dump, or JSON, is expected");
    for (unsigned char opcode = take_opcode(); opcode != '.'; opcode = take_opcode())
      if (!number(opcode) && !string(opcode) && !container(opcode) && !stack_or_memo(opcode) && !object(opcode))
        refuse(forbidden(opcode));
    if (left() != 0) refuse(std::to_string(left()) + " bytes follow the end of the pickle");
    return result();
  }

 protected:
  // What a pickle of another program may ask for beside plain values is said by a class that derives from this one.
  virtual bool push_global(const std::string& module, const std::string& name);
  virtual bool reduce(Index function, Index arguments);
  virtual bool build(Index state);
  virtual bool persistent(Index) { refuse(forbidden('Q')); }

 private:
  // The opcodes in groups; each function returns whether the opcode is of its group.
  bool number(unsigned char opcode) {
    switch (opcode) {
      case 'N':
        return push(none);
      case 0x89:
        return push(no);
      case 0x88:
        return push(yes);
      case 'J':
        return push_new(std::int64_t{take_number<std::int32_t>()});
      case 'K':
        return push_new(std::int64_t{take_number<std::uint8_t>()});
      case 'M':
        return push_new(std::int64_t{take_number<std::uint16_t>()});
      case 'G':  // the one number with its highest byte first
        return push_new(std::bit_cast<double>(__builtin_bswap64(take_number<std::uint64_t>())));
      case 'F':
        return push_new(decimal<double>(take_line()));
      case 'I': {
        const auto line = take_line();
        if (line == "00" || line == "01") return push(line == "01" ? yes : no);
        return push_new(decimal<std::int64_t>(line));
      }
      case 'L': {
        auto line = take_line();
        if (line.ends_with('L')) line.remove_suffix(1);
        return push_new(decimal<std::int64_t>(line));
      }
      case 0x8a:
        return push_new(long_number(take(take_number<std::uint8_t>())));
      case 0x8b:
        return push_new(long_number(take(take_number<std::uint32_t>())));
      default:
        return false;
    }
  }

  bool string(unsigned char opcode) {
    switch (opcode) {
      case 0x8c:
        return push_text(take(take_number<std::uint8_t>()));
      case 'X':
        return push_text(take(take_number<std::uint32_t>()));
      case 0x8d:
        return push_text(take(take_number<std::uint64_t>()));
      case 'V':
        return push_text(unescaped_unicode(take_line()));
      case 'S':
        return push_ascii(unquoted(take_line()));
      case 'U':
        return push_ascii(take(take_number<std::uint8_t>()));
      case 'T':
        return push_ascii(take(take_number<std::uint32_t>()));
      case 'C':
        return push_bytes(take(take_number<std::uint8_t>()));
      case 'B':
        return push_bytes(take(take_number<std::uint32_t>()));
      case 0x8e:
        return push_bytes(take(take_number<std::uint64_t>()));
      default:
        return false;
    }
  }
  bool push_text(std::string_view text) {
    if (valid_utf8_prefix(text) != text.size()) refuse("a text that is not valid UTF-8");
    return push_new(std::string(text));
  }
  /// The byte strings of Python 2, which Python 3 takes for texts of ASCII.
  bool push_ascii(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      refuse("a byte string of Python 2 that is not ASCII");
    return push_new(std::string(text));
  }
  bool push_bytes(std::string_view bytes) { return push_new(PickleValue::Bytes{std::string(bytes)}); }

  bool container(unsigned char opcode) {
    switch (opcode) {
      case ']':
        return push_new(ListNode{});
      case 'l':
        return push_new(ListNode{pop_to_mark()});
      case 'a':
        return append({pop()});
      case 'e':
        return append(pop_to_mark());
      case ')':
        return push_new(TupleNode{});
      case 't':
        return push_new(TupleNode{pop_to_mark()});
      case 0x85:
      case 0x86:
      case 0x87: {
        std::vector<Index> items(opcode - 0x84u);
        std::generate(items.rbegin(), items.rend(), [this] { return pop(); });
        return push_new(TupleNode{std::move(items)});
      }
      case '}':
        return push_new(DictNode{});
      case 'd': {
        const auto items = pop_to_mark();
        push_new(DictNode{});
        return set_items(items);
      }
      case 's': {
        const Index value = pop(), key = pop();
        return set_items({key, value});
      }
      case 'u':
        return set_items(pop_to_mark());
      default:
        return false;
    }
  }
  bool append(const std::vector<Index>& items) {
    auto* list = get_if<ListNode>(top());
    if (!list) refuse("it adds to something that is not a list");
    list->items.insert(list->items.end(), items.begin(), items.end());
    return true;
  }
  bool set_items(const std::vector<Index>& items) {
    auto* dict = get_if<DictNode>(top());
    if (!dict) refuse("it adds to something that is not a dict");
    if (items.size() % 2 != 0) refuse("a key of a dict has no value");
    dict->items.insert(dict->items.end(), items.begin(), items.end());
    return true;
  }

  bool stack_or_memo(unsigned char opcode) {
    switch (opcode) {
      case 0x80:
        if (const auto protocol = take_number<std::uint8_t>(); protocol > 5)
          refuse("its protocol is " + std::to_string(protocol) + ", expected at most 5");
        return true;
      case 0x95:  // a frame: its length only helps to read ahead
        take_number<std::uint64_t>();
        return true;
      case '(':
        mark();
        return true;
      case '0':
        pop();
        return true;
      case '1':
        pop_to_mark();
        return true;
      case '2':
        return push(top());
      case 'p':
        return remember(decimal<std::uint64_t>(take_line()));
      case 'q':
        return remember(take_number<std::uint8_t>());
      case 'r':
        return remember(take_number<std::uint32_t>());
      case 0x94:
        return remember_next();
      case 'g':
        return recall(decimal<std::uint64_t>(take_line()));
      case 'h':
        return recall(take_number<std::uint8_t>());
      case 'j':
        return recall(take_number<std::uint32_t>());
      default:
        return false;
    }
  }

  bool object(unsigned char opcode) {
    switch (opcode) {
      case 'c': {
        const std::string module(take_line());
        return push_global(module, std::string(take_line()));
      }
      case 0x93: {
        const auto* name = get_if<std::string>(pop());
        const auto* module = get_if<std::string>(pop());
        if (!name || !module) refuse("a global whose name is not a text");
        return push_global(*module, *name);
      }
      case 'R': {
        const Index arguments = pop(), function = pop();
        return reduce(function, arguments);
      }
      case 'b':
        return build(pop());
      case 'Q':
        return persistent(pop());
      default:
        return false;
    }
  }

  DtypeNode dtype_of(std::string_view code) const {
    const std::string_view plain = code.starts_with('<') ? code.substr(1) : code;
    for (const auto& [name, kind, bytes] :
         {std::tuple{"f8", 'f', 8}, std::tuple{"f4", 'f', 4}, std::tuple{"i8", 'i', 8}, std::tuple{"i4", 'i', 4}})
      if (plain == name) return {kind, bytes};
    refuse("a numpy value of the dtype '" + std::string(code.substr(0, 40)) + "', expected one of f8, f4, i8, i4");
  }

  static Node scalar_of(DtypeNode dtype, const char* bytes) {
    const auto load = [bytes](auto value) {
      std::memcpy(&value, bytes, sizeof value);
      return value;
    };
    if (dtype.kind == 'f') return dtype.bytes == 8 ? load(double{}) : static_cast<double>(load(float{}));
    return dtype.bytes == 8 ? load(std::int64_t{}) : std::int64_t{load(std::int32_t{})};
  }

  static std::string forbidden(unsigned char opcode) {
    const std::string_view one(reinterpret_cast<const char*>(&opcode), 1);
    const auto is_one_of = [one](std::string_view opcodes) { return opcodes.find(one) != std::string_view::npos; };
    if (is_one_of("PQ")) return "it refers to an object outside of the file";
    if (is_one_of("io\x81\x92")) return "it makes an object of a class, expected plain values only";
    if (is_one_of("\x82\x83\x84")) return "it refers to a class by the number of an extension";
    if (is_one_of("\x8f\x90\x91")) return "it holds a set, expected plain values only";
    if (is_one_of("\x96\x97\x98")) return "it holds a buffer, expected plain values only";
    return "its code " + std::to_string(opcode) + " is not one of pickle's; is it a pickle?";
  }
};

inline bool Machine::push_global(const std::string& module, const std::string& name) {
  if ((module == "numpy.core.multiarray" || module == "numpy._core.multiarray") && name == "scalar")
    return push_new(Global::numpy_scalar);
  if (module == "numpy" && name == "dtype") return push_new(Global::numpy_dtype);
  // How protocols 0 to 2 spell bytes.
  if (module == "_codecs" && name == "encode") return push_new(Global::codecs_encode);
  if ((module == "__builtin__" || module == "builtins") && name == "bytes") return push_new(Global::bytes_type);
  refuse("it asks for " + module.substr(0, 60) + "." + name.substr(0, 60) +
         ", which is not read: a pickle can run any program. If you trust the file, save its values as JSON in Python");
}

/// What REDUCE, a call, means for the globals that are known.
inline bool Machine::reduce(Index function, Index arguments) {
  const auto* global = get_if<Global>(function);
  const auto* tuple = get_if<TupleNode>(arguments);
  if (!global || !tuple) refuse("it calls something that is not a function");
  switch (*global) {
    case Global::numpy_dtype: {
      const auto* code = element<std::string>(arguments, 0);
      if (!code) refuse("a numpy dtype without a name");
      return push_new(dtype_of(*code));
    }
    case Global::numpy_scalar: {
      const auto* dtype = element<DtypeNode>(arguments, 0);
      const auto* bytes = element<PickleValue::Bytes>(arguments, 1);
      if (!dtype || !bytes || bytes->data.size() != static_cast<std::size_t>(dtype->bytes))
        refuse("a numpy scalar without its dtype or its bytes");
      return push_new(scalar_of(*dtype, bytes->data.data()));
    }
    case Global::codecs_encode: {
      const auto* text = element<std::string>(arguments, 0);
      const auto* codec = element<std::string>(arguments, 1);
      if (!text || !codec || *codec != "latin1") refuse("bytes that are not written as Latin-1");
      return push_new(PickleValue::Bytes{latin1(*text)});
    }
    case Global::bytes_type:
      if (!tuple->items.empty()) refuse("bytes that are made of something");
      return push_new(PickleValue::Bytes{});
    default:
      refuse("it calls something that is not a function");
  }
}

/// BUILD is known for numpy's dtype alone; of its state only the order of the bytes matters here.
inline bool Machine::build(Index state) {
  if (!get_if<DtypeNode>(top())) refuse("it sets the inside of something that is not a numpy dtype");
  const auto* order = element<std::string>(state, 1);
  if (!order || (*order != "<" && *order != "|" && *order != "="))
    refuse("a numpy dtype of another byte order than little-endian");
  return true;
}

}  // namespace cell2text::pickle_detail
