// A file of JSON lines: read, written and read again; and gone on with after its writer was killed.
#pragma once

#include "cell2text/io/json_lines.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool json_lines(std::string_view input) {
  const MemoryFile file(input);
  std::vector<nlohmann::json> values;
  const bool sound = accepted([&] {
    JsonLinesReader reader(file.path());
    while (auto value = reader.next()) values.push_back(std::move(*value));
  });
  const MemoryFile again;
  {
    JsonLinesWriter writer(again.path());
    for (const auto& value : values) writer.write(value);
    writer.flush();
  }
  JsonLinesReader reader(again.path());
  for (const auto& value : values) require(reader.next() == value, "a line is written and read back");
  require(!reader.next(), "no more lines than were written");

  const std::string last = R"({"last":1})";
  accepted([&] {  // a file without any newline may be a line that is no JSON
    JsonLinesWriter writer(file.path(), JsonLinesWriter::Mode::append);
    writer.write(nlohmann::json::parse(last));
    writer.flush();
  });
  const std::string bytes = file.bytes();
  require(bytes == last + "\n" || bytes.ends_with("\n" + last + "\n"), "a line that is added stands alone");
  return sound;
}

}  // namespace cell2text::fuzz
