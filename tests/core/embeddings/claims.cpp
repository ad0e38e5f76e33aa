// Claims on cells that are being computed: one holder at a time, gone with its process; two caches on one folder
// compute each cell once.
#include "cell2text/embeddings/claims.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "cell2text/embedding_cache.hpp"
#include "entries.hpp"

using cell2text::EmbeddingCache;
using cell2text::EmbeddingClaims;
using cell2text::GeneEmbeddings;
using cell2text::GeneTokens;
namespace test = cell2text::test;

namespace {

/// Waits for one letter through a pipe.
char letter_from(int pipe_end) {
  char letter = 0;
  REQUIRE(::read(pipe_end, &letter, 1) == 1);
  return letter;
}

struct Pipe {
  int ends[2];
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() { ::close(ends[0]), ::close(ends[1]); }
};

/// Cells whose tokens all differ.
GeneTokens different_cells(std::int64_t cells) {
  GeneTokens tokens;
  tokens.lengths.assign(static_cast<std::size_t>(cells), 4);
  tokens.known_genes = tokens.lengths;
  tokens.ids_BG = torch::arange(cells * 4, torch::kInt64).view({cells, 4});
  return tokens;
}

/// A cell's embeddings are its ids, twice; so slow that two processes meet.
GeneEmbeddings slow_encoder(const GeneTokens& tokens) {
  ::usleep(static_cast<useconds_t>(tokens.size()) * 2000);
  return {torch::stack({tokens.ids_BG, tokens.ids_BG}, 2).to(torch::kFloat32), tokens.lengths};
}

/// Encodes batches of eight, each beginning at another cell; returns how many cells were computed, or -1 where one came
/// out wrong.
std::int64_t encode_all(const std::filesystem::path& folder, const GeneTokens& all, std::int64_t first) {
  EmbeddingCache cache({folder, 1 << 26, "me", torch::kCPU, {}});
  const std::int64_t n = all.size();
  for (std::int64_t start = 0; start < n; start += 8) {
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 8; ++i) rows.push_back((first + start + i) % n);
    const GeneTokens batch = cell2text::loader_detail::select(all, rows);
    const GeneEmbeddings found = cache.encode(batch, slow_encoder);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (found.lengths[i] != 4 || !torch::equal(found.values_BGE[static_cast<std::int64_t>(i)].select(1, 1),
                                                 batch.ids_BG[static_cast<std::int64_t>(i)].to(torch::kFloat32)))
        return -1;
  }
  return cache.counts().computed;
}

}  // namespace

TEST_CASE("embedding claims: one holder at a time, and none of another key is in the way") {
  std::mt19937_64 random(1);
  const test::TemporaryFolder folder;
  EmbeddingClaims first(folder.path()), second(folder.path());
  const std::string a = test::random_key(random), b = test::random_key(random);
  CHECK(first.take(a));
  CHECK(first.take(a));  // its own
  CHECK_FALSE(second.take(a));
  CHECK(second.take(b));
  CHECK_FALSE(first.take(b));
  first.release(a);
  CHECK(second.take(a));
  CHECK_FALSE(first.take(a));
}

TEST_CASE("embedding claims: where no file can be made, every claim is granted") {
  EmbeddingClaims first("/nonexistent/folder"), second("/nonexistent/folder");
  CHECK(first.take(std::string(64, 'a')));
  CHECK(second.take(std::string(64, 'a')));
  second.wait_for(std::string(64, 'a'));
}

TEST_CASE("embedding claims: those of a process that is killed are free, and who waits for them goes on") {
  const test::TemporaryFolder folder;
  const std::string key(64, 'b');
  const Pipe ready;
  const pid_t child = ::fork();
  if (child == 0) {
    EmbeddingClaims claims(folder.path());
    const char told = claims.take(key) ? 'y' : 'n';
    if (::write(ready.ends[1], &told, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  REQUIRE(letter_from(ready.ends[0]) == 'y');
  EmbeddingClaims claims(folder.path());
  CHECK_FALSE(claims.take(key));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  claims.wait_for(key);
  EmbeddingClaims other(folder.path());
  CHECK_FALSE(other.take(key));
}

TEST_CASE("embedding claims: two processes that go through the same cells at once compute each of them once") {
  at::set_num_threads(1);  // a pool of threads does not survive a fork
  const test::TemporaryFolder folder;
  const GeneTokens all = different_cells(64);
  const Pipe counts;
  const pid_t child = ::fork();
  if (child == 0) {
    const std::int64_t computed = encode_all(folder.path(), all, 3);  // other batches than ours
    ::_exit(::write(counts.ends[1], &computed, sizeof computed) == sizeof computed ? 0 : 1);
  }
  const std::int64_t ours = encode_all(folder.path(), all, 0);
  std::int64_t theirs = 0;
  REQUIRE(::read(counts.ends[0], &theirs, sizeof theirs) == sizeof theirs);
  ::waitpid(child, nullptr, 0);
  CHECK(ours >= 0);
  CHECK(theirs >= 0);
  CHECK(ours + theirs == 64);
  CHECK(encode_all(folder.path(), all, 5) == 0);
}
