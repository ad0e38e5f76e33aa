// A decoder of real size alone: how long opening it takes, and how fast it writes one text, greedily. Prints one JSON
// object.
//   bench_decoder PLUGIN FOLDER PROMPT_TOKENS NEW_TOKENS
// Beside it, in the same process, what a plain sum over memory reaches. BENCH_THREADS is the number of threads (2),
// BENCH_PROFILE a file for the trace of the generation.
#include <ATen/Parallel.h>

#include <cstdio>

#include "cell2text/generate/generate.hpp"
#include "cell2text/model_builder.hpp"
#include "process.hpp"
#include "profile.hpp"

namespace {

using namespace cell2text;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Bytes that each token's products read: all weights once, the embedding where it is the output layer as well.
std::int64_t bytes_per_token(const Parameters& parameters) {
  std::int64_t bytes = 0, embedding = 0;
  bool tied = true;
  for (const Parameter& parameter : parameters.list()) {
    const auto size = static_cast<std::int64_t>(parameter.value.nbytes());
    bytes += size;
    if (parameter.name == "model.embed_tokens.weight") embedding = size;
    if (parameter.name == "lm_head.weight") tied = false;
  }
  return tied ? bytes : bytes - embedding;
}

// Bytes per second of the best of several sums over an array that no cache holds.
double plain_sum_bandwidth() {
  const Tensor array = torch::ones({256 << 20}, torch::kFloat32);
  double best = 0;
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    if (array.sum().item<float>() < 0) return 0;
    best = std::max(best, static_cast<double>(array.nbytes()) / seconds_since(start));
  }
  return best;
}

Json run(const std::string& plugin, const std::string& folder, std::int64_t prompt, std::int64_t new_tokens) {
  const auto start = Clock::now();
  const Registry registry;
  PluginChoice choice{"decoder", plugin, {}, {}};
  choice.settings.set("checkpoint", {folder, {"command line", 0, 0}});
  SettingsFaults faults;
  registry.load("decoder", plugin).descriptor->check(choice.settings, "decoder.", faults, choice.resolved).raise();
  faults.raise();
  const Host host{registry, {{}, 0, at::get_num_threads()}, torch::kCPU};
  torch::NoGradGuard no_grad;
  Parameters parameters(host.device, torch::kFloat32, 0);
  const DecoderHandle decoder(model_builder_detail::build_part<kinds::decoder>(host, choice, parameters));
  decoder.set_training(false);
  Json result{{"open_s", seconds_since(start)}};

  const Tensor ids = at::arange(prompt, torch::kInt64) * 7919 % decoder.vocabulary_size();
  const Tensor embedded_1TD = decoder.embed(ids).unsqueeze(0);
  GenerationSettings settings;
  settings.beams = 1, settings.max_new_tokens.value = new_tokens;
  std::vector<double> times;
  GenerationExtras extras;
  extras.on_token = [&](std::int64_t, std::int64_t) { times.push_back(seconds_since(start)); };
  {
    const char* file = std::getenv("BENCH_PROFILE");
    const driver::Profile profile(file ? std::optional<std::string>(file) : std::nullopt);
    generate(decoder, embedded_1TD, {prompt}, settings, extras);
  }
  result["first_token_s"] = times.at(0);
  std::vector<double> steps;
  for (std::size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (!steps.empty()) {
    std::ranges::sort(steps);
    const double median = steps[steps.size() / 2];
    const auto bytes = static_cast<double>(bytes_per_token(parameters));
    const double plain = plain_sum_bandwidth();
    result["tokens"] = times.size();
    result["tokens_per_s"] = 1 / median;
    result["bytes_per_token"] = bytes;
    result["weight_bytes_per_s"] = bytes / median;
    result["plain_sum_bytes_per_s"] = plain;
    result["share_of_plain_sum"] = bytes / median / plain;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  cell2text::driver::prepare_process();
  if (argc != 5) return std::fprintf(stderr, "bench_decoder: see the head of bench_decoder.cpp\n"), 2;
  try {
    const char* threads = std::getenv("BENCH_THREADS");
    at::set_num_threads(threads ? std::atoi(threads) : 2);
    std::printf("%s\n", run(argv[1], argv[2], std::atoll(argv[3]), std::atoll(argv[4])).dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_decoder: %s\n", error.what()), 1;
  }
}
