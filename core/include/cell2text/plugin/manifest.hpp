// A plugin's stamp: plain bytes in an ELF section, read from the file before anything of it is loaded.
// Loading a library runs its static initialisers, and one with a missing symbol has no say at all.
#pragma once

#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cell2text/plugin/manifest_layout.hpp"

namespace cell2text {

/// Rises whenever the layout or meaning of a class that crosses the plugin boundary changes.
/// tests/core/plugin/abi.cpp holds a hash of those classes and says when it must.
inline constexpr std::uint32_t abi_number = 10;

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

namespace plugin_detail {

template <std::size_t N>
consteval std::array<char, N> fixed(std::string_view text, bool whole = false) {
  if (text.size() + (whole ? 0 : 1) > N) throw "the text is too long for its manifest field";
  std::array<char, N> bytes{};
  std::copy(text.begin(), text.end(), bytes.begin());
  return bytes;
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

}  // namespace cell2text
