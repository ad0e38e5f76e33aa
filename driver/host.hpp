// The program's side of a run: device, threads, plugins.
#pragma once

#include <ATen/Parallel.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "cell2text/device.hpp"
#include "cell2text/model_builder.hpp"
#include "console.hpp"

namespace cell2text::driver {

/// `threads` 0: as many as the machine has cores (OMP_NUM_THREADS is respected).
inline Host make_host(const Registry& registry, const std::string& device, std::int64_t threads, std::int64_t seed) {
  if (threads == 0 && !std::getenv("OMP_NUM_THREADS")) threads = std::max(1u, std::thread::hardware_concurrency());
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  return {registry, Context{log(), static_cast<std::uint64_t>(seed), at::get_num_threads()},
          choose_device(device, log())};
}

}  // namespace cell2text::driver
