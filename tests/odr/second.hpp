// What second.cpp sees of the same inline things as first.cpp.
#pragma once

#include <string>
#include <vector>

namespace cell2text::test {

const void* address_of_open_in_second();
std::vector<std::string> kinds_in_second();

}  // namespace cell2text::test
