// The cache between tokens and encoder: found is the same bits as computed, whatever befalls the files.
#include "cell2text/embedding_cache.hpp"

#include <malloc.h>
#include <sys/wait.h>

#include <cmath>

#include "entries.hpp"

using cell2text::EmbeddingCache;
using cell2text::EmbeddingCacheOptions;
using cell2text::GeneEmbeddings;
using cell2text::GeneTokens;
using cell2text::Tensor;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

/// Files of the cache but for the empty one that claims are made on.
std::vector<std::string> entries_below(const fs::path& folder) {
  std::vector<std::string> files = test::files_below(folder);
  std::erase_if(files, [](const std::string& file) { return fs::path(file).filename() == "claims"; });
  return files;
}

/// Cells of random tokens, with values where asked.
GeneTokens random_tokens(std::mt19937_64& random, std::int64_t cells, bool values, std::int64_t most = 12) {
  GeneTokens tokens;
  for (std::int64_t b = 0; b < cells; ++b)
    tokens.lengths.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1)));
  tokens.known_genes = tokens.lengths;
  const std::int64_t longest = cells > 0 ? std::ranges::max(tokens.lengths) : 0;
  const auto drawn = at::make_generator<at::CPUGeneratorImpl>(random());
  tokens.ids_BG = torch::randint(0, 1000, {cells, longest}, drawn, torch::kInt64);
  if (values) tokens.values_BG = torch::rand({cells, longest}, drawn);
  return tokens;
}

/// An encoder by a formula: a cell's rows depend on its tokens alone; padding is NaN; one token less than it gets.
struct Formula {
  std::int64_t width = 5;
  torch::ScalarType dtype = torch::kFloat32;
  std::int64_t cells = 0, calls = 0;
  std::vector<std::int64_t> wanted;

  GeneEmbeddings operator()(const GeneTokens& tokens) {
    cells += tokens.size(), ++calls;
    wanted.push_back(tokens.wanted_genes);
    GeneEmbeddings out;
    for (const auto length : tokens.lengths)
      out.lengths.push_back(std::min(std::max<std::int64_t>(length - 1, 0), tokens.wanted_genes));
    const std::int64_t G = std::max<std::int64_t>(std::ranges::max(out.lengths), 0);
    out.values_BGE = torch::full({tokens.size(), G, width}, std::nan(""), torch::kFloat64);
    for (std::int64_t b = 0; b < tokens.size(); ++b)
      for (std::int64_t g = 0; g < out.lengths[b]; ++g)
        for (std::int64_t e = 0; e < width; ++e) {
          double value = std::sin(tokens.ids_BG[b][g].item<double>() + 0.1 * static_cast<double>(e));
          if (tokens.values_BG.defined()) value += tokens.values_BG[b][g].item<double>();
          out.values_BGE[b][g][e] = value;
        }
    out.values_BGE = out.values_BGE.to(dtype);
    return out;
  }
};

std::vector<std::string> warnings;
const cell2text::Log log_to_warnings{[](void*, cell2text::Log::Level level, const char* text) {
                                       if (level == cell2text::Log::Level::warning) warnings.emplace_back(text);
                                     },
                                     nullptr};

EmbeddingCache open(const fs::path& folder, const std::string& identity = "me", std::int64_t limit = 1 << 24) {
  warnings.clear();
  at::set_num_threads(1);  // tests fork, which a pool of threads does not survive
  return EmbeddingCache({folder, limit, identity, torch::kCPU, log_to_warnings});
}

/// The same lengths, type and bits below them.
bool same(const GeneEmbeddings& a, const GeneEmbeddings& b) {
  if (a.lengths != b.lengths || a.values_BGE.scalar_type() != b.values_BGE.scalar_type()) return false;
  for (std::size_t i = 0; i < a.lengths.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    if (!torch::equal(a.values_BGE[row].narrow(0, 0, a.lengths[i]), b.values_BGE[row].narrow(0, 0, a.lengths[i])))
      return false;
  }
  return true;
}

bool zero_beyond_lengths(const GeneEmbeddings& genes) {
  for (std::size_t i = 0; i < genes.lengths.size(); ++i) {
    const Tensor row_GE = genes.values_BGE[static_cast<std::int64_t>(i)];
    const Tensor rest = row_GE.narrow(0, genes.lengths[i], row_GE.size(0) - genes.lengths[i]);
    if (rest.numel() > 0 && !(rest == 0).all().item<bool>()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("embedding cache: found embeddings are those computed, to the bit, in any type and any batch") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 8; ++round) {
    const test::TemporaryFolder folder;
    Formula formula, plain;
    formula.dtype = plain.dtype = std::vector{torch::kFloat32, torch::kHalf, torch::kBFloat16}[random() % 3];
    const auto cells = static_cast<std::int64_t>(1 + random() % 9);
    GeneTokens all = random_tokens(random, cells, random() % 2 == 0);
    all.wanted_genes = static_cast<std::int64_t>(1 + random() % 14);
    EmbeddingCache cache = open(folder.path());
    CHECK(same(cache.encode(all, std::ref(formula)), plain(all)));
    CHECK(formula.cells == cells);
    for (int batch = 0; batch < 10; ++batch) {
      std::vector<std::int64_t> chosen(1 + random() % 6);
      for (auto& cell : chosen) cell = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(cells));
      const GeneTokens some = cell2text::loader_detail::select(all, chosen);
      const GeneEmbeddings found = cache.encode(some, std::ref(formula));
      CHECK(same(found, plain(some)));
      CHECK(zero_beyond_lengths(found));
      CHECK(found.values_BGE.size(1) == std::ranges::max(found.lengths));
    }
    CHECK(formula.calls == 1);
    CHECK(cache.counts().computed == cells);
    CHECK(cache.counts().stored == cells);
    CHECK(cache.counts().damaged == 0);
    EmbeddingCache later = open(folder.path());  // another run
    CHECK(same(later.encode(all, std::ref(formula)), plain(all)));
    CHECK(formula.calls == 1);
    CHECK(later.counts().found == cells);
    CHECK(later.counts().computed == 0);
    CHECK(later.counts().bytes_read == cache.counts().bytes_written);
    CHECK(later.counts().seconds_found == doctest::Approx(cache.counts().seconds_computing));
    CHECK(warnings.empty());
  }
}

TEST_CASE("embedding cache: of a batch only what is missing is computed, whatever is longer") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    const test::TemporaryFolder folder;
    EmbeddingCache cache = open(folder.path());
    Formula formula, plain;
    GeneTokens all = random_tokens(random, 7, random() % 2 == 0);
    all.wanted_genes = 9;
    all.ids_BG = torch::cat({all.ids_BG, torch::zeros({7, 1}, torch::kInt64)}, 1);
    if (all.values_BG.defined()) all.values_BG = torch::cat({all.values_BG, torch::zeros({7, 1})}, 1);
    for (auto& length : all.lengths) ++length;
    all.ids_BG += 1000 * torch::arange(7, torch::kInt64).unsqueeze(1);  // no two cells alike
    std::vector<std::int64_t> first;
    for (std::int64_t b = 0; b < 7; ++b)
      if (random() % 2) first.push_back(b);
    if (first.empty() || first.size() == 7) continue;
    const GeneTokens some = cell2text::loader_detail::select(all, first);
    cache.encode(some, std::ref(formula));
    const GeneEmbeddings mixed = cache.encode(all, std::ref(formula));
    CHECK(same(mixed, plain(all)));
    CHECK(zero_beyond_lengths(mixed));
    CHECK(formula.cells == 7);
    CHECK(formula.wanted == std::vector<std::int64_t>{9, 9});
    CHECK(cache.counts().found == static_cast<std::int64_t>(first.size()));
  }
}

TEST_CASE("embedding cache: other tokens, values, wanted genes or another encoder are other entries") {
  const test::TemporaryFolder folder;
  const EmbeddingCache cache = open(folder.path()), other = open(folder.path(), "you");
  std::set<std::string> keys;
  const auto key_of = [](const EmbeddingCache& from, const GeneTokens& tokens) { return from.keys_of(tokens).at(0); };
  GeneTokens tokens{torch::tensor({{3, 4, 5, 9}}, torch::kInt64), {}, {3}, {3}};
  const std::string key = key_of(cache, tokens);
  CHECK(key.size() == 64);
  keys.insert(key);
  GeneTokens same_cell = tokens;
  same_cell.ids_BG = torch::tensor({{3, 4, 5, 1, 1, 1}}, torch::kInt64);  // what is beyond the length is padding
  CHECK(key_of(cache, same_cell) == key);
  same_cell.ids_BG = torch::tensor({{3, 9}, {4, 9}, {5, 9}}, torch::kInt64).t().narrow(0, 0, 1);
  CHECK(key_of(cache, same_cell) == key);
  tokens.wanted_genes = 3;  // all that there are
  CHECK(key_of(cache, tokens) == key);
  tokens.wanted_genes = 2;
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.wanted_genes = 1000;
  CHECK(keys.insert(key_of(other, tokens)).second);
  tokens.lengths = {4};
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.lengths = {2};
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.lengths = {3};
  for (std::int64_t at = 0; at < 3; ++at) {
    GeneTokens changed = tokens;
    changed.ids_BG = tokens.ids_BG.clone();
    changed.ids_BG[0][at] += 1;
    CHECK(keys.insert(key_of(cache, changed)).second);
  }
  tokens.ids_BG = torch::tensor({{4, 3, 5}}, torch::kInt64);
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.values_BG = torch::zeros({1, 3});
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.values_BG = torch::tensor({{0.0F, 0.0F, 1e-30F}});
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.first_gene = 1;
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.special_tokens = 2;
  CHECK(keys.insert(key_of(cache, tokens)).second);
  tokens.lengths = {0};
  CHECK(keys.insert(key_of(cache, tokens)).second);
}

TEST_CASE("embedding cache: damaged entries are computed again and replaced") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 15; ++round) {
    const test::TemporaryFolder folder;
    EmbeddingCache cache = open(folder.path());
    Formula formula, plain;
    GeneTokens tokens = random_tokens(random, 6, false);
    for (std::size_t b = 0; b < 6; ++b)
      tokens.ids_BG[static_cast<std::int64_t>(b)] += 1000 * static_cast<std::int64_t>(b);
    tokens.lengths[5] = 0, tokens.lengths[4] = 0;  // two cells without tokens are one entry
    cache.encode(tokens, std::ref(formula));
    const auto keys = cache.keys_of(tokens);
    std::set<std::string> hurt;
    for (const std::string& key : std::set(keys.begin(), keys.end())) {
      if (random() % 2) continue;
      hurt.insert(key);
      const auto path = cache.folder().path_of(key);
      std::string bytes = test::read_file(path);
      switch (random() % 5) {
        case 0:
          bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
          break;
        case 1:
          bytes.resize(random() % bytes.size());
          break;
        case 2:
          bytes += static_cast<char>(random());
          break;
        case 3:
          for (char& letter : bytes) letter = static_cast<char>(random());
          break;
        default:
          bytes = test::read_file(cache.folder().path_of(keys[random() % keys.size()])) + "x";
      }
      test::write_file(path, bytes);
    }
    const GeneEmbeddings again = cache.encode(tokens, std::ref(formula));
    CHECK(same(again, plain(tokens)));
    std::int64_t expected = 0;
    for (const std::string& key : keys) expected += hurt.contains(key);
    CHECK(cache.counts().damaged == expected);
    CHECK(formula.cells == 6 + expected);
    CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    CHECK(formula.cells == 6 + expected);
    CHECK(warnings.empty());
  }
}

TEST_CASE("embedding cache: entries of two widths or types in one batch are not mixed") {
  const test::TemporaryFolder folder;
  std::mt19937_64 random(test::seed());
  GeneTokens tokens = random_tokens(random, 3, false);
  tokens.lengths = {4, 5, 6};
  tokens.ids_BG = torch::arange(18, torch::kInt64).view({3, 6});
  EmbeddingCache cache = open(folder.path());
  Formula formula, plain, wide, half;
  wide.width = 8, half.dtype = torch::kHalf;
  cache.encode(cell2text::loader_detail::select(tokens, {0}), std::ref(formula));
  cache.encode(cell2text::loader_detail::select(tokens, {1}), std::ref(wide));
  cache.encode(cell2text::loader_detail::select(tokens, {2}), std::ref(half));
  CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
  CHECK(cache.counts().damaged == 2);
}

TEST_CASE("embedding cache: a folder that fills up, or that is gone, costs one warning and no cell") {
  std::mt19937_64 random(test::seed());
  test::TemporaryFolder folder;
  const GeneTokens tokens = random_tokens(random, 5, false), more = random_tokens(random, 5, true);
  Formula formula, plain;
  EmbeddingCache cache = open(folder.path());
  SUBCASE("full") {
    const test::SmallDisk small(60);
    CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    CHECK(same(cache.encode(more, std::ref(formula)), plain(more)));
  }
  SUBCASE("gone") {
    fs::remove_all(folder.path());
    CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    CHECK(same(cache.encode(more, std::ref(formula)), plain(more)));
    fs::create_directory(folder.path());
  }
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("the run goes on and stores nothing more") != std::string::npos);
  CHECK(entries_below(folder.path()).empty());
  CHECK(cache.counts().stored == 0);
  CHECK(cache.counts().computed == 10);
}

TEST_CASE("embedding cache: what cannot be kept or read is computed each time, with a warning") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  GeneTokens tokens = random_tokens(random, 2, false);
  tokens.ids_BG = torch::arange(8, torch::kInt64).view({2, 4}), tokens.lengths = {4, 3};
  Formula formula, plain;
  SUBCASE("a type that no entry has") {
    formula.dtype = plain.dtype = torch::kFloat64;
    EmbeddingCache cache = open(folder.path());
    for (int i = 0; i < 2; ++i) CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    CHECK(formula.cells == 4);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("embeddings of type Double are not stored") != std::string::npos);
  }
  SUBCASE("a cell beyond the limit") {
    EmbeddingCache cache = open(folder.path(), "me", 4095);
    for (int i = 0; i < 2; ++i) CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    CHECK(formula.cells == 4);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("more than encoder.cache_limit") != std::string::npos);
    CHECK(cache.counts().stored == 0);
  }
  SUBCASE("a file that the system does not give") {
    EmbeddingCache cache = open(folder.path());
    const auto path = cache.folder().path_of(cache.keys_of(tokens)[0]);
    fs::create_directories(path);
    for (int i = 0; i < 2; ++i) CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("cannot read " + path.string()) != std::string::npos);
    CHECK(fs::is_directory(path));
    CHECK(cache.counts().damaged == 0);
  }
}

TEST_CASE("embedding cache: an encoder that fails is an error, and the next batch is as if nothing had been") {
  std::mt19937_64 random(test::seed());
  const test::TemporaryFolder folder;
  EmbeddingCache cache = open(folder.path());
  const GeneTokens tokens = random_tokens(random, 3, false);
  CHECK_THROWS_AS(cache.encode(tokens, [](const GeneTokens&) -> GeneEmbeddings { throw cell2text::InputError("no"); }),
                  cell2text::InputError);
  CHECK(entries_below(folder.path()).empty());
  Formula formula, plain;
  CHECK(same(cache.encode(tokens, std::ref(formula)), plain(tokens)));
}

TEST_CASE("embedding cache: processes that share a folder under a tight limit all get right embeddings") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const test::TemporaryFolder folder;
  std::vector<GeneTokens> batches;
  for (int i = 0; i < 12; ++i) batches.push_back(random_tokens(random, 4, false, 6));
  at::set_num_threads(1);
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      bool right = true;
      try {
        std::mt19937_64 own(seed + static_cast<std::uint64_t>(child) + 1);
        EmbeddingCache cache = open(folder.path(), "me", 20 * 4096);
        Formula formula, plain;
        for (int i = 0; i < 40; ++i) {
          const GeneTokens& batch = batches[own() % batches.size()];
          right = right && same(cache.encode(batch, std::ref(formula)), plain(batch));
        }
        right = right && cache.counts().found > 0 && warnings.empty() && cache.counts().damaged == 0;
      } catch (...) {
        right = false;
      }
      ::_exit(right ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  for (const std::string& file : entries_below(folder.path())) CHECK(file.ends_with(".embedding"));
  CHECK(entries_below(folder.path()).size() <= 30);
}

TEST_CASE("embedding cache: memory does not grow with the number of entries") {
  const test::TemporaryFolder folder;
  EmbeddingCache cache = open(folder.path(), "me", std::int64_t{1} << 40);
  const auto constant = [](const GeneTokens& tokens) {
    return GeneEmbeddings{torch::ones({tokens.size(), 1, 2}), std::vector<std::int64_t>(tokens.lengths.size(), 1)};
  };
  std::int64_t next = 0;
  const auto store = [&](int batches) {
    for (int i = 0; i < batches; ++i, next += 64) {
      const GeneTokens tokens{torch::arange(next, next + 64, torch::kInt64).view({64, 1}),
                              {},
                              std::vector<std::int64_t>(64, 1),
                              std::vector<std::int64_t>(64, 1)};
      cache.encode(tokens, constant);
    }
  };
  const auto in_use = [] { return static_cast<std::int64_t>(::mallinfo2().uordblks + ::mallinfo2().hblkhd); };
  store(4);
  const std::int64_t before = in_use();
  store(12);
  CHECK(in_use() - before < 12 * 64 * 32);  // of each entry less than its key
  CHECK(cache.counts().stored == 16 * 64);
  CHECK(cache.folder().bytes() == 16 * 64 * 4096);
}
