// The doctest main of every test executable.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  // Leaks are looked for in this process, which has read its options. In commands that tests start by the hundred the
  // leak sanitizer itself dies now and then, of LibTorch's threads as they end.
  if (const char* options = std::getenv("ASAN_OPTIONS"))
    setenv("ASAN_OPTIONS", (std::string(options) + ":detect_leaks=0").c_str(), 1);
  return doctest::Context(argc, argv).run();
}
