// Our side of the row `tokenizer` of bench/run.py: encodes a text on one thread, whole and line by line. Prints one
// JSON object.  bench_tokenizer TOKENIZER TEXT REPEATS
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/io/mapped_file.hpp"
#include "cell2text/text/tokenizer_folder.hpp"

namespace {

using namespace cell2text;
using Json = nlohmann::ordered_json;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/// The numbers of ids and their sum weighted by place, after one round that is not timed.
template <class Encode>
Json timed(int repeats, Encode&& encode) {
  Json result{{"repeats", Json::array()}};
  for (int i = -1; i < repeats; ++i) {
    const auto started = std::chrono::steady_clock::now();
    const double cpu_started = cpu_seconds();
    const std::vector<std::int64_t> ids = encode();
    const double cpu = cpu_seconds() - cpu_started;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
    if (i >= 0) result["repeats"].push_back({{"wall_s", wall.count()}, {"cpu_s", cpu}});
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < ids.size(); ++k) sum += static_cast<std::uint64_t>(ids[k]) * (k + 1);
    result["tokens"] = ids.size(), result["sum"] = sum;
  }
  return result;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 4) throw InputError("usage: bench_tokenizer TOKENIZER TEXT REPEATS");
  const auto tokenizer = TokenizerFolder::open(arguments[1]).tokenizer();
  const auto file = MappedFile::open(arguments[2]);
  const int repeats = std::stoi(arguments[3]);
  const std::string_view text = file->text();
  Json result;
  result["whole"] = timed(repeats, [&] { return tokenizer.encode(text); });
  result["lines"] = timed(repeats, [&] {
    std::vector<std::int64_t> all;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      const auto ids = tokenizer.encode(text.substr(at, end - at));
      all.insert(all.end(), ids.begin(), ids.end());
      at = end + 1;
    }
    return all;
  });
  std::puts(result.dump().c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_tokenizer: %s\n", error.what());
  return 1;
}
