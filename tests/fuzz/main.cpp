// One fuzz target as libFuzzer wants it. CMake names the target, whose header has the same name.
#include <cstddef>
#include <cstdint>

#include CELL2TEXT_FUZZ_HEADER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cell2text::fuzz::CELL2TEXT_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
