// How a process that computes is set up, before its first tensor and its first pool thread.
#pragma once

#include <ATen/Context.h>
#include <malloc.h>

namespace cell2text::driver {

/// Call first in main.
inline void prepare_process() {
  // Threads inherit the setting, and those made earlier would miss it. Without it, training slows down fivefold as
  // moments of gradients shrink into denormal numbers.
  at::globalContext().setFlushDenormal(true);
  // Activations of a step are freed and needed again at the next: memory that went back to the system in between would
  // come again page by page, each filled with zeros. Arrays of 32 MiB and more (weights, logits) do go back.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

}  // namespace cell2text::driver
