// How much memory a command will need at its peak, from the sizes of model and data; nothing is computed with the
// model. And how much there is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace cell2text {

/// The sizes of a model that memory depends on. Bytes are those of float32 unless said otherwise.
struct ModelSizes {
  double weight_bytes = 0;                        ///< all parameters, as they lie in memory
  double trained_bytes = 0;                       ///< those that are trained
  double widest_encoder = 0, widest_decoder = 0;  ///< the widest layer's output, features
  double encoder_width = 0, decoder_width = 0, vocabulary = 0;
  double encoder_features = 0, decoder_features = 0;  ///< in + out of all matrices: what training keeps of a token
  double state_bytes_per_token = 0;                   ///< keys and values of a row's token; 0 where unknown
  double prompt_tokens = 0;                           ///< chat pieces
  bool encoder_trained = false;
};

/// The work that is asked for.
struct WorkSizes {
  double batch = 16, beams = 4, text_tokens = 100;
  double gene_tokens = 2048;   ///< of the longest cell
  double soft_tokens = 2048;   ///< of them, those that reach the decoder
  double cell_values = 2000;   ///< stored values of a cell
  double cells = 0;            ///< whose results are held until the end
  double window_batches = 16;  ///< that the loader sorts by length together
  double read_cells = 0;       ///< that the loader reads at once, where these are more
  double base_bytes = 0;       ///< of the process before there is a model
};

/// Peak memory by what it is for.
struct MemoryNeed {
  double base = 0, weights = 0, training = 0, activations = 0, state = 0, loading = 0, texts = 0;
  double total() const { return base + weights + training + activations + state + loading + texts; }
};

namespace memory_need_detail {

inline MemoryNeed common(const ModelSizes& m, const WorkSizes& w) {
  MemoryNeed need;
  constexpr double touched_later = 80 << 20;  // code and tables of the libraries, stacks and pools of their threads
  need.base = w.base_bytes + touched_later;
  need.weights = m.weight_bytes;
  // Rows from the file and as a batch, tokens as 64-bit numbers; one window in use and one ahead.
  need.loading = 2 * w.batch * w.window_batches * (w.cell_values * 24 + w.gene_tokens * 8);
  // What is read at once waits as counts and columns: once in use, and up to three times on its way from the file.
  need.loading += w.read_cells * w.cell_values * 8 * 4;
  need.texts = w.cells * 1200;
  return need;
}

// A block's input, its sums and the wide middle of its feed-forward part, before and after the activation.
inline double block_bytes(double width, double widest) {
  return 4 * (4 * width + 3 * std::max(widest, width));
}

}  // namespace memory_need_detail

/// Memory of describing cells.
inline MemoryNeed memory_to_describe(const ModelSizes& m, const WorkSizes& w) {
  using namespace memory_need_detail;
  MemoryNeed need = common(m, w);
  const double prompt = m.prompt_tokens + w.soft_tokens, rows = w.batch * w.beams;
  const double encoding = w.batch * w.gene_tokens * block_bytes(m.encoder_width, m.widest_encoder);
  const double reading = w.batch * prompt * block_bytes(m.decoder_width, m.widest_decoder);
  const double choosing = rows * m.vocabulary * 4 * 3;  // logits, their logarithms, the candidates
  need.activations = std::max({encoding, reading, choosing});
  // Prompts are shared by the beams; tails grow by half when full, and lie twice in memory as they move.
  need.state = m.state_bytes_per_token * (w.batch * prompt + rows * w.text_tokens * 2.5);
  return need;
}

/// Memory of training, of which Adam's two moments, the gradients and what the backward pass needs are the most.
inline MemoryNeed memory_to_train(const ModelSizes& m, const WorkSizes& w) {
  using namespace memory_need_detail;
  MemoryNeed need = common(m, w);
  need.training = 3 * m.trained_bytes;
  const double tokens = m.prompt_tokens + w.soft_tokens + w.text_tokens;
  constexpr double kept_beside_matrices = 1.6;  // norms, rotations, activations, attention
  const double encoder = w.gene_tokens * (m.encoder_trained ? 4 * kept_beside_matrices * m.encoder_features
                                                            : block_bytes(m.encoder_width, m.widest_encoder));
  need.activations = w.batch * (encoder + tokens * 4 * kept_beside_matrices * m.decoder_features) + 3 * 4.0 * (1 << 23);
  return need;
}

/// The largest batch, at most that of `work`, with which `need_of(model, work)` is within `available`; 0 where none is.
template <class Need>
std::int64_t largest_batch(const Need& need_of, const ModelSizes& model, WorkSizes work, double available) {
  const auto fits = [&](std::int64_t batch) {
    work.batch = static_cast<double>(batch);
    return need_of(model, work).total() <= available;
  };
  auto low = std::int64_t{0}, high = static_cast<std::int64_t>(work.batch) + 1;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

namespace memory_need_detail {

/// The number after `key` in a file of "key value" lines, or alone in the file; infinity where there is none.
inline double number_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  constexpr double none = std::numeric_limits<double>::infinity();
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    double number = 0;
    if (!key.empty() && !(words >> word && word == key)) continue;
    return words >> number ? number : none;
  }
  return none;
}

}  // namespace memory_need_detail

/// Bytes that this process may still take: free memory of the machine, within the limit of its control group. `root`
/// stands for "/". Infinity where the system does not say.
inline double available_memory(const std::string& root = "") {
  using memory_need_detail::number_in;
  const double free = number_in(root + "/proc/meminfo", "MemAvailable:") * 1024;
  const auto left = [](double limit, double used, double reclaimable) {
    return limit - used + (reclaimable < used ? reclaimable : 0);
  };
  const std::string group = root + "/sys/fs/cgroup/";
  const double second = left(number_in(group + "memory.max", ""), number_in(group + "memory.current", ""),
                             number_in(group + "memory.stat", "inactive_file"));
  const std::string old = group + "memory/memory.";
  const double first = left(number_in(old + "limit_in_bytes", ""), number_in(old + "usage_in_bytes", ""),
                            number_in(old + "stat", "total_inactive_file"));
  double all = free;
  for (const double limit : {second, first})
    if (limit >= 0 && limit < all) all = limit;  // false for NaN, which is infinity less infinity
  return all;
}

/// Resident memory of this process in bytes; `key` "VmRSS:" now, "VmHWM:" at its peak so far.
inline double process_memory(const std::string& key = "VmRSS:") {
  return memory_need_detail::number_in("/proc/self/status", key) * 1024;
}

}  // namespace cell2text
