// The estimate of memory: what it grows with, the batch that fits, and what the system says is free.
#include "cell2text/memory_need.hpp"

#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

ModelSizes model() {
  ModelSizes m;
  m.weight_bytes = 4e8, m.trained_bytes = 3e8;
  m.encoder_width = 256, m.widest_encoder = 1024, m.encoder_features = 6 * 5000;
  m.decoder_width = 512, m.widest_decoder = 2048, m.decoder_features = 8 * 12000, m.vocabulary = 128256;
  m.state_bytes_per_token = 8 * 2 * 2 * 64 * 4;
  m.prompt_tokens = 40;
  return m;
}

}  // namespace

TEST_CASE("memory need: more of anything needs no less, and training needs more than describing") {
  const WorkSizes work;
  for (const auto& need_of : {memory_to_describe, memory_to_train}) {
    const double usual = need_of(model(), work).total();
    for (double WorkSizes::*one :
         {&WorkSizes::batch, &WorkSizes::beams, &WorkSizes::text_tokens, &WorkSizes::gene_tokens,
          &WorkSizes::soft_tokens, &WorkSizes::cell_values, &WorkSizes::cells, &WorkSizes::window_batches,
          &WorkSizes::read_cells, &WorkSizes::base_bytes}) {
      WorkSizes more = work;
      more.*one = more.*one * 2 + 1e3;
      CHECK(need_of(model(), more).total() >= usual);
    }
  }
  CHECK(memory_to_train(model(), work).total() > memory_to_describe(model(), work).total());
  ModelSizes frozen = model(), trained = model();
  trained.encoder_trained = true;
  CHECK(memory_to_train(trained, work).total() > memory_to_train(frozen, work).total());
}

TEST_CASE("memory need: the largest batch fits, and one more does not") {
  WorkSizes work;
  work.batch = 64;
  const auto need = [&](std::int64_t batch) {
    work.batch = static_cast<double>(batch);
    return memory_to_describe(model(), work).total();
  };
  for (const std::int64_t wanted : {1, 5, 63}) {
    const double available = need(wanted) + 1;
    work.batch = 64;
    CHECK(largest_batch(memory_to_describe, model(), work, available) == wanted);
  }
  const double none = need(1) - 1, all = need(64);
  work.batch = 64;
  CHECK(largest_batch(memory_to_describe, model(), work, none) == 0);
  CHECK(largest_batch(memory_to_describe, model(), work, all) == 64);
}

TEST_CASE("available memory: the machine's, or what its control group leaves, of either version") {
  const TemporaryFolder root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root / path).parent_path());
    write_file(root / path, text);
  };
  CHECK(available_memory(root.path().string()) == std::numeric_limits<double>::infinity());
  write("proc/meminfo", "MemTotal:       24000000 kB\nMemAvailable:   16000000 kB\n");
  CHECK(available_memory(root.path().string()) == 16000000.0 * 1024);
  write("sys/fs/cgroup/memory.max", "max\n");
  write("sys/fs/cgroup/memory.current", "500\n");
  CHECK(available_memory(root.path().string()) == 16000000.0 * 1024);
  write("sys/fs/cgroup/memory.max", "4000\n");
  CHECK(available_memory(root.path().string()) == 3500);
  write("sys/fs/cgroup/memory.stat", "anon 100\ninactive_file 200\n");
  CHECK(available_memory(root.path().string()) == 3700);  // files in memory make room
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1500\n");
  CHECK(available_memory(root.path().string()) == 500);
  write("sys/fs/cgroup/memory.max", "not a number\n");
  CHECK(available_memory(root.path().string()) == 500);
  CHECK(available_memory() > 0);
  CHECK(process_memory() > 1e6);
  CHECK(process_memory("VmHWM:") >= process_memory());
}
