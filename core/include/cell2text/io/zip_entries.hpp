// Where the entries of a zip archive lie in a file, for archives that store them without compression (as torch.save
// does): the bytes are then mapped, not copied. The zip libraries hand out copies and no places, so this small reader
// stands in for one. It knows the directory alone, looks into no entry and checks no checksums.
// Form of the file: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 to 4.5.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

/// `bytes` bytes from `offset`, counted from the beginning of the file.
struct ZipEntry {
  std::string name;
  std::uint64_t offset = 0, bytes = 0;
};

namespace zip_detail {

class Directory {
 public:
  Directory(std::span<const std::byte> file, const std::string& where)
      : file_(reinterpret_cast<const char*>(file.data()), file.size()), where_(where) {}

  std::vector<ZipEntry> read() {
    const End end = find_end();
    std::vector<ZipEntry> entries;
    std::vector<Span> spans;
    std::uint64_t at = end.directory;
    for (std::uint64_t i = 0; i < end.entries; ++i) {
      const std::string_view header = take(at, 46, end.directory_end);
      if (!header.starts_with("PK\x01\x02")) refuse("its directory is damaged");
      const std::uint64_t name = number(header, 28, 2), extra = number(header, 30, 2), note = number(header, 32, 2);
      const std::string_view tail = take(at + 46, name + extra + note, end.directory_end);
      entries.push_back(entry(header, std::string(tail.substr(0, name)), tail.substr(name, extra), spans));
      at += 46 + name + extra + note;
    }
    if (at != end.directory_end) refuse("its directory has another size than it says");
    check(entries, spans, end.directory);
    return entries;
  }

 private:
  struct End {
    std::uint64_t entries, directory, directory_end;
  };
  struct Span {
    std::uint64_t first, last;  // with its header
  };

  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(where_ + " cannot be read as an archive of torch.save: " + what +
                     "; it is perhaps truncated: download or copy it again");
  }

  std::string_view take(std::uint64_t at, std::uint64_t count, std::uint64_t end) const {
    if (at > end || count > end - at) refuse("a part of it lies beyond its end");
    return file_.substr(at, count);
  }
  static std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, count);  // little-endian, as this machine
    return value;
  }

  /// The record that ends the file; it may have a comment behind it, of which it says the length.
  End find_end() const {
    constexpr std::uint64_t record = 22, longest_comment = 65535;
    for (std::uint64_t back = record; back <= std::min<std::uint64_t>(file_.size(), record + longest_comment); ++back) {
      const std::string_view end = file_.substr(file_.size() - back);
      if (end.starts_with("PK\x05\x06") && number(end, 20, 2) == back - record) return end_of(file_.size() - back, end);
    }
    refuse("the directory at its end is missing");
  }
  End end_of(std::uint64_t at, std::string_view record) const {
    if (number(record, 4, 2) != number(record, 6, 2) && number(record, 4, 2) != 0xFFFF)
      refuse("it is one part of several");
    std::uint64_t entries = number(record, 10, 2), size = number(record, 12, 4), offset = number(record, 16, 4);
    std::uint64_t end = at;
    const bool large_too = at >= 20 && file_.substr(at - 20).starts_with("PK\x06\x07");  // torch always writes both
    if (!large_too && (entries == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF))
      refuse("its large directory is missing");
    if (large_too) {
      end = number(file_.substr(at - 20, 20), 8, 8);
      const std::string_view large = take(end, 56, at - 20);
      if (!large.starts_with("PK\x06\x06")) refuse("its large directory is damaged");
      entries = number(large, 32, 8), size = number(large, 40, 8), offset = number(large, 48, 8);
    }
    if (offset > end || size != end - offset) refuse("its directory does not lie where it says");
    if (entries > size / 46) refuse("its directory is too small for " + std::to_string(entries) + " entries");
    return {entries, offset, end};
  }

  ZipEntry entry(std::string_view header, std::string name, std::string_view extra, std::vector<Span>& spans) const {
    const std::string quoted = "entry '" + name.substr(0, 80) + "'";
    if (number(header, 8, 2) & 1) refuse(quoted + " is encrypted");
    if (const auto method = number(header, 10, 2); method != 0)
      refuse(quoted + " is compressed (method " + std::to_string(method) + "), and torch.save stores plainly");
    std::uint64_t packed = number(header, 20, 4), bytes = number(header, 24, 4), local = number(header, 42, 4);
    for (std::size_t at = 0; at + 4 <= extra.size();) {  // numbers that do not fit into 32 bits stand in field 1
      const std::uint64_t id = number(extra, at, 2), size = number(extra, at + 2, 2);
      if (size > extra.size() - at - 4) refuse(quoted + " has a damaged header");
      std::string_view field = extra.substr(at + 4, size);
      for (std::uint64_t* value : {&bytes, &packed, &local})
        if (id == 1 && *value == 0xFFFFFFFF) {
          if (field.size() < 8) refuse(quoted + " has a damaged header");
          *value = number(field, 0, 8);
          field.remove_prefix(8);
        }
      at += 4 + size;
    }
    if (packed != bytes) refuse(quoted + " has another size than it says");
    const std::string_view own = take(local, 30, file_.size());
    if (!own.starts_with("PK\x03\x04") || take(local + 30, number(own, 26, 2), file_.size()) != name)
      refuse(quoted + " does not lie where the directory says");
    const std::uint64_t data = local + 30 + number(own, 26, 2) + number(own, 28, 2);
    take(data, bytes, file_.size());
    spans.push_back({local, data + bytes});
    return {std::move(name), data, bytes};
  }

  void check(const std::vector<ZipEntry>& entries, std::vector<Span>& spans, std::uint64_t directory) const {
    std::vector<std::string_view> names;
    for (const ZipEntry& entry : entries) names.push_back(entry.name);
    std::ranges::sort(names);
    if (const auto twice = std::ranges::adjacent_find(names); twice != names.end())
      refuse("two entries are called '" + std::string(twice->substr(0, 80)) + "'");
    std::ranges::sort(spans, {}, &Span::first);
    for (std::size_t i = 0; i < spans.size(); ++i)
      if (spans[i].last > (i + 1 < spans.size() ? spans[i + 1].first : directory))
        refuse("entries lie over each other");
  }

  std::string_view file_;
  std::string where_;
};

}  // namespace zip_detail

/// All entries of the archive `file`, the bytes of a whole file that is called `where` in errors; in the directory's
/// order. Each lies inside of the file, no two overlap or have one name. InputError: no sound zip archive, or an entry
/// that is compressed or encrypted.
inline std::vector<ZipEntry> zip_entries(std::span<const std::byte> file, const std::string& where) {
  return zip_detail::Directory(file, where).read();
}

}  // namespace cell2text
