// The layout of a plugin's stamp, and reading one from bytes. Which values this build has is in manifest.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "cell2text/error.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text {

inline constexpr const char* manifest_section = ".cell2text";

/// Fixed-size fields, no pointers: nothing to relocate, readable from the file. Texts end in zero bytes.
struct Manifest {
  std::array<char, 16> magic{};
  std::uint32_t size = 0;
  std::uint32_t abi = 0;
  std::uint32_t torch_major = 0, torch_minor = 0;
  std::array<char, 32> cxx_library{};
  std::array<char, 32> layout{};
  std::array<char, 32> kind{};
  std::array<char, 64> name{};
  std::array<char, 64> compiler{};    // reported only
  std::array<char, 32> build_type{};  // reported only

  static constexpr std::string_view magic_text = "cell2text-plugin";
};
static_assert(std::is_trivially_copyable_v<Manifest>);

namespace plugin_detail {

template <std::size_t N>
std::string text_of(const std::array<char, N>& bytes) {
  return {bytes.data(), std::find(bytes.begin(), bytes.end(), '\0')};
}

}  // namespace plugin_detail

/// The stamp in the bytes of its section; what a shorter one lacks is zero, what a longer one has more is left out.
/// InputError where they are no stamp; `where` names the file.
inline Manifest read_manifest(std::span<const std::byte> section, const std::string& where) {
  Manifest stamp;
  if (section.size() < sizeof stamp.magic + sizeof stamp.size)
    throw InputError(where + ": its plugin stamp has " + std::to_string(section.size()) +
                     " bytes; the file is damaged");
  std::memcpy(&stamp, section.data(), std::min(section.size(), sizeof stamp));
  if (plugin_detail::text_of(stamp.magic) != Manifest::magic_text)
    throw InputError(where + ": its plugin stamp does not begin with '" + std::string(Manifest::magic_text) +
                     "'; the file is damaged or of another program");
  if (section.size() < stamp.size)
    throw InputError(where + ": its plugin stamp has " + std::to_string(section.size()) + " bytes and says " +
                     std::to_string(stamp.size) + "; the file is damaged");
  using plugin_detail::text_of;
  for (const std::string& text : {text_of(stamp.cxx_library), text_of(stamp.layout), text_of(stamp.kind),
                                  text_of(stamp.name), text_of(stamp.compiler), text_of(stamp.build_type)})
    if (valid_utf8_prefix(text) != text.size())
      throw InputError(where + ": its plugin stamp holds bytes that are no text; the file is damaged");
  return stamp;
}

/// What keeps a plugin built as `theirs` from working in a program built as `ours`, both sides named;
/// empty where nothing does.
inline std::string incompatibility(const Manifest& theirs, const Manifest& ours) {
  using plugin_detail::text_of;
  std::string reasons;
  auto differ = [&](const char* what, const std::string& found, const std::string& wanted) {
    if (found == wanted) return;
    reasons += (reasons.empty() ? "" : "; ") + std::string(what) + " " + found + ", this program " + wanted;
  };
  auto torch = [](const Manifest& m) { return std::to_string(m.torch_major) + "." + std::to_string(m.torch_minor); };
  differ("its core ABI is", std::to_string(theirs.abi), std::to_string(ours.abi));
  differ("it was built for LibTorch", torch(theirs), torch(ours));
  differ("its C++ library is", text_of(theirs.cxx_library), text_of(ours.cxx_library));
  differ("its layout is", text_of(theirs.layout), text_of(ours.layout));
  return reasons;
}

}  // namespace cell2text
