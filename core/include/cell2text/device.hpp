// The device of a run. The program links the CPU library alone; the CUDA library of the same wheel is
// opened when a GPU is asked for or found. Host only.
#pragma once

#include <ATen/Context.h>
#include <dlfcn.h>
#include <torch/types.h>

#include <string>

#include "cell2text/context.hpp"
#include "cell2text/error.hpp"
#include "cell2text/libtorch_folder.hpp"

namespace cell2text {

namespace device_detail {

/// Opens libtorch_cuda.so beside the libtorch_cpu.so in use. Returns what went wrong, or "".
inline std::string open_cuda_library() {
  const auto folder = libtorch_folder();
  if (!folder) return "the folder of LibTorch could not be found";
  const auto library = *folder / "libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) return "";
  const char* error = dlerror();
  return error ? error : "it could not be opened";
}

inline bool driver_present() {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver) dlclose(driver);
  return driver != nullptr;
}

}  // namespace device_detail

/// "cpu", "cuda", or "auto": cuda where an NVIDIA driver is installed, else cpu (the log says which).
/// EnvironmentError where cuda is asked for and cannot be had. Call before the first tensor is made.
inline torch::Device choose_device(const std::string& name, const Log& log) {
  if (name == "cpu" || (name == "auto" && !device_detail::driver_present())) return torch::kCPU;
  const std::string hint =
      ". Install LibTorch's GPU packages: .deps/env/bin/pip install torch==2.11.0; or run with --set device=cpu";
  if (!device_detail::driver_present())
    throw EnvironmentError("device = \"cuda\", but this machine has no NVIDIA driver (libcuda.so.1)" + hint);
  if (const std::string problem = device_detail::open_cuda_library(); !problem.empty())
    throw EnvironmentError("libtorch_cuda.so cannot be opened: " + problem + hint);
  if (!torch::globalContext().hasCUDA()) throw EnvironmentError("LibTorch finds no usable GPU" + hint);
  log.info("device: cuda");
  return torch::kCUDA;
}

}  // namespace cell2text
