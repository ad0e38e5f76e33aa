#include "odr/second.hpp"

#include "cell2text/host.hpp"

namespace cell2text::test {

const void* address_of_open_in_second() {
  return reinterpret_cast<const void*>(&read_plugin_file);
}

std::vector<std::string> kinds_in_second() {
  return {kinds::source::name,     kinds::encoder::name, kinds::adapter::name, kinds::decoder::name,
          kinds::finetuning::name, kinds::metric::name,  kinds::baseline::name};
}

}  // namespace cell2text::test
