// A number of bytes as a setting: "20 GB" or a whole number; and how such a number is told to people.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/settings.hpp"

namespace cell2text {

/// A field type of settings, written as "20 GB", "1.5 TiB" or the number of bytes itself.
struct ByteSize {
  std::int64_t bytes = 0;
};

namespace byte_size_detail {

struct Unit {
  std::string_view name;
  double bytes;
};
inline constexpr Unit units[] = {{"TB", 1e12},    {"GB", 1e9},     {"MB", 1e6},     {"kB", 1e3},   {"KB", 1e3},
                                 {"TiB", 0x1p40}, {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 1024}, {"B", 1}};

}  // namespace byte_size_detail

/// "20 GB", "512MiB", "100": a number, and a unit of 1000 (kB, MB, GB, TB) or 1024 (KiB, MiB, GiB, TiB). Nothing where
/// the text is no size, or one beyond 63 bits.
inline std::optional<std::int64_t> parse_byte_size(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  while (name.starts_with(' ')) name.remove_prefix(1);
  double unit = name.empty() ? 1 : 0;
  for (const auto& [known, bytes] : byte_size_detail::units)
    if (name == known) unit = bytes;
  if (unit == 0 || number * unit >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(number * unit));
}

/// "734 kB", "23.4 GB": two or three digits, in units of 1000.
inline std::string byte_size_text(double bytes) {
  static constexpr const char* names[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 999.5 && unit < 4; ++unit) bytes /= 1000;
  char text[48];
  std::snprintf(text, sizeof text, unit > 0 && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, names[unit]);
  return text;
}

namespace settings_detail {

template <>
struct Field<ByteSize> {
  static constexpr const char* type = "size";
  static void read(const Value& value, const std::string& key, const About& about, ByteSize& out,
                   SettingsFaults& faults) {
    std::optional<std::int64_t> bytes;
    if (const auto* whole = value.get_if<std::int64_t>()) bytes = *whole;
    if (const auto* text = value.get_if<std::string>()) bytes = parse_byte_size(*text);
    if (!bytes) return wrong_type(value, key, "a size such as \"20 GB\", or a whole number of bytes", faults);
    if (in_range(static_cast<double>(*bytes), about, value, key, faults)) out.bytes = *bytes;
  }
  /// Exact: in the largest unit that divides it, else in bytes.
  static Value write(const ByteSize& field) {
    const char* const names[] = {"TB", "GB", "MB", "kB"};
    std::int64_t unit = 1'000'000'000'000;
    for (const char* name : names) {
      if (field.bytes > 0 && field.bytes % unit == 0) return {std::to_string(field.bytes / unit) + " " + name, {}};
      unit /= 1000;
    }
    return {field.bytes, {}};
  }
};

}  // namespace settings_detail
}  // namespace cell2text
