#include <set>

#include "cell2text/host.hpp"
#include "odr/second.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("odr: all headers in two objects link, and both mean the same functions") {
  CHECK(address_of_open_in_second() == reinterpret_cast<const void*>(&read_plugin_file));
  CHECK(kinds_in_second() == std::vector<std::string>{kinds::source::name, kinds::encoder::name, kinds::adapter::name,
                                                      kinds::decoder::name, kinds::finetuning::name,
                                                      kinds::metric::name, kinds::baseline::name});
}

TEST_CASE("odr: every header of the core is in one of the two umbrellas, and opens with what it is for") {
  const auto root = source_dir() / "core/include";
  std::multiset<std::string> included;
  for (const char* umbrella : {"cell2text/cell2text.hpp", "cell2text/host.hpp"}) {
    std::istringstream lines(read_file(root / umbrella));
    for (std::string line; std::getline(lines, line);)
      if (const std::string start = "#include \""; line.starts_with(start))
        included.insert(line.substr(start.size(), line.size() - start.size() - 1));
  }
  int headers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".hpp") continue;
    const std::string name = std::filesystem::relative(entry.path(), root);
    INFO(name);
    CHECK(included.count(name) == (name == "cell2text/host.hpp" ? 0 : 1));
    const std::string text = read_file(entry.path());
    CHECK(text.starts_with("// "));
    CHECK(text.find("#pragma once") != std::string::npos);
    ++headers;
  }
  CHECK(headers == static_cast<int>(included.size()) + 1);
}
