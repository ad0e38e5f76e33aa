// A plugin's stamp: plain bytes in an ELF section, read from the file before anything of it is loaded.
// Loading a library runs its static initialisers, and one with a missing symbol has no say at all.
#pragma once

#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace cell2text {

/// Rises whenever the layout or meaning of a class that crosses the plugin boundary changes.
/// tests/core/plugin/abi.cpp holds a hash of those classes and says when it must.
inline constexpr std::uint32_t abi_number = 1;
inline constexpr const char* manifest_section = ".cell2text";

#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define CELL2TEXT_STRING_ABI "libstdc++ cxx11"
#elif defined(__GLIBCXX__)
#define CELL2TEXT_STRING_ABI "libstdc++ cxx98"
#elif defined(_LIBCPP_VERSION)
#define CELL2TEXT_STRING_ABI "libc++"
#endif
#ifdef _GLIBCXX_DEBUG
#define CELL2TEXT_LAYOUT "glibcxx-debug"
#else
#define CELL2TEXT_LAYOUT "plain"
#endif
#ifdef NDEBUG
#define CELL2TEXT_BUILD_TYPE "release"
#else
#define CELL2TEXT_BUILD_TYPE "assertions"
#endif

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
consteval std::array<char, N> fixed(std::string_view text, bool whole = false) {
  if (text.size() + (whole ? 0 : 1) > N) throw "the text is too long for its manifest field";
  std::array<char, N> bytes{};
  std::copy(text.begin(), text.end(), bytes.begin());
  return bytes;
}

template <std::size_t N>
std::string text_of(const std::array<char, N>& bytes) {
  return {bytes.data(), std::find(bytes.begin(), bytes.end(), '\0')};
}

}  // namespace plugin_detail

consteval Manifest make_manifest(std::string_view kind, std::string_view name) {
  using plugin_detail::fixed;
  return {fixed<16>(Manifest::magic_text, true),
          sizeof(Manifest),
          abi_number,
          TORCH_VERSION_MAJOR,
          TORCH_VERSION_MINOR,
          fixed<32>(CELL2TEXT_STRING_ABI),
          fixed<32>(CELL2TEXT_LAYOUT),
          fixed<32>(kind),
          fixed<64>(name),
          fixed<64>("g++ " __VERSION__),
          fixed<32>(CELL2TEXT_BUILD_TYPE)};
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
