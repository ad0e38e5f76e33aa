// The test plugins' files, and copies of them with changed bytes.
#pragma once

#include "cell2text/registry.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

inline std::filesystem::path test_library(const std::string& name) {
  return build_dir() / "tests/core/plugin/libraries" / ("libtest_plugin_" + name + ".so");
}

/// Where the stamp of a library's bytes is.
inline std::size_t stamp_position(const std::string& bytes, const std::filesystem::path& path) {
  const auto section = read_elf_section(path, manifest_section);
  REQUIRE(section);
  const std::string_view stamp(reinterpret_cast<const char*>(section->data()), section->size());
  const auto position = bytes.find(stamp);
  REQUIRE(position != std::string::npos);
  REQUIRE(bytes.find(stamp, position + 1) == std::string::npos);
  return position;
}

/// The bytes of a library after `change` has been at its stamp.
template <class Change>
std::string with_stamp(const std::filesystem::path& path, Change&& change) {
  std::string bytes = read_file(path);
  const std::size_t position = stamp_position(bytes, path);
  Manifest stamp;
  std::memcpy(&stamp, bytes.data() + position, sizeof stamp);
  change(stamp);
  std::memcpy(bytes.data() + position, &stamp, sizeof stamp);
  return bytes;
}

template <std::size_t N>
void put_text(std::array<char, N>& field, const std::string& text) {
  field = {};
  std::ranges::copy(text, field.begin());
}

/// Sets an environment variable and puts it back.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() {
    if (old_)
      setenv(name_, old_->c_str(), 1);
    else
      unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

inline Value table_of(std::initializer_list<std::pair<const char*, const char*>> texts) {
  Value table;
  for (const auto& [key, text] : texts) table.set(key, {std::string(text), {}});
  return table;
}

}  // namespace cell2text::test
