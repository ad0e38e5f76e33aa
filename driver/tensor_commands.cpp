// The library of the commands that compute with LibTorch; main.cpp opens it.
#include "tensor_commands.hpp"

#include "commands.hpp"
#include "process.hpp"

extern "C" [[gnu::visibility("default")]] int cell2text_run_tensor_command(int argc, char** argv) {
  using namespace cell2text::driver;
  prepare_process();
  constexpr OwnCommand own[] = {
      {"run", add_run},           {"grid", add_grid},       {"describe", add_describe}, {"calibrate", add_calibrate},
      {"explain", add_explain},   {"embed", add_embed},     {"generate", add_generate}, {"doctor", add_doctor},
      {"evaluate", add_evaluate}, {"plugins", add_plugins}, {"schema", add_schema},     {"model", add_model},
      {"report", add_report},     {"dataset", add_dataset}};
  return run_command_line(argc, argv, own);
}
