// Where the LibTorch in use lies: what else came with its Python environment is found from there.
#pragma once

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <filesystem>
#include <optional>

namespace cell2text {

/// The folder of libtorch_cpu.so (…/site-packages/torch/lib); nothing where the loader does not say.
inline std::optional<std::filesystem::path> libtorch_folder() {
  Dl_info where{};
  if (!dladdr(reinterpret_cast<const void*>(static_cast<int (*)()>(&at::get_num_threads)), &where) || !where.dli_fname)
    return std::nullopt;
  return std::filesystem::path(where.dli_fname).parent_path();
}

}  // namespace cell2text
