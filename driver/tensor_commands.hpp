// Where the program and the library of its tensor commands meet: one function, no types of ours.
#pragma once

namespace cell2text::driver {

inline constexpr const char* tensor_commands_library = "libcell2text_tensor_commands.so";
inline constexpr const char* tensor_commands_entry = "cell2text_run_tensor_command";

/// From the whole command line to the exit code. Throws nothing.
using TensorCommandsEntry = int(int argc, char** argv);

}  // namespace cell2text::driver
