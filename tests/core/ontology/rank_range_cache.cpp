// The kept range of ranks: read where it is, computed where it is damaged, missing or of another graph.
#include "cell2text/ontology/rank_range_cache.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

struct Warnings {
  std::vector<std::string> texts;
  Log log() {
    return {[](void* self, Log::Level level, const char* text) {
              if (level == Log::Level::warning) static_cast<Warnings*>(self)->texts.push_back(text);
            },
            this};
  }
};

bool same(const RankRange& a, const RankRange& b) {
  return a.lowest == b.lowest && a.highest == b.highest;
}

const std::string abc = term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: A\n");

}  // namespace

TEST_CASE("rank range cache: what was kept is read, and of another graph or damping nothing is") {
  const SomeOntology some(abc), other(abc + term_text("D", "is_a: C\n"));
  const TemporaryFolder folder;
  Warnings warnings;
  const RankRangeCache cache{folder / "a/b", 0, warnings.log()};
  const RankRange range = rank_range(some.graph, {});
  CHECK(same(cached_rank_range(some.graph, {}, cache), range));
  const auto path = rank_range_path(folder / "a/b", some.graph, {});
  REQUIRE(std::filesystem::exists(path));
  rank_range_detail::write(path, rank_range_detail::key_of(some.graph, {}), {0.25, 0.75}, {});
  CHECK(same(cached_rank_range(some.graph, {}, cache), {0.25, 0.75}));
  CHECK(same(cached_rank_range(other.graph, {}, cache), rank_range(other.graph, {})));
  const PageRankOptions half{0.5, PageRankTolerance::exact};
  CHECK(same(cached_rank_range(some.graph, half, cache), rank_range(some.graph, half)));
  CHECK(rank_range_path("x", some.graph, {0.9, PageRankTolerance::networkx}) != rank_range_path("x", some.graph, {}));
  CHECK(warnings.texts.empty());
}

TEST_CASE("rank range cache: any changed byte, a cut and another graph's file are computed anew and replaced") {
  const SomeOntology some(abc);
  const TemporaryFolder folder;
  const RankRangeCache cache{folder.path(), 0, {}};
  const RankRange range = cached_rank_range(some.graph, {}, cache);
  const auto path = rank_range_path(folder.path(), some.graph, {});
  const std::string whole = read_file(path);
  CHECK(whole.size() == 40);
  std::vector<std::string> damaged{"", whole.substr(0, 39), whole + "x", std::string(40, '\0')};
  for (std::size_t i = 0; i < whole.size(); ++i) {
    damaged.push_back(whole);
    damaged.back()[i] ^= 1;
  }
  for (const std::string& bytes : damaged) {
    write_file(path, bytes);
    CHECK(same(cached_rank_range(some.graph, {}, cache), range));
    CHECK(read_file(path) == whole);
  }
  rank_range_detail::write(path, 1, {0.25, 0.75}, {});  // sound, and of another key
  CHECK(same(cached_rank_range(some.graph, {}, cache), range));
}

TEST_CASE("rank range cache: what is found sooner than it is worth is not written; a useless folder is one warning") {
  const SomeOntology some(abc);
  const RankRange range = rank_range(some.graph, {});
  const TemporaryFolder folder;
  CHECK(same(cached_rank_range(some.graph, {}, {folder / "kept", 60, {}}), range));
  CHECK(!std::filesystem::exists(folder / "kept"));
  CHECK(same(cached_rank_range(some.graph, {}, {}), range));
  write_file(folder / "file", "not a folder");
  Warnings warnings;
  CHECK(same(cached_rank_range(some.graph, {}, {folder / "file/below", 0, warnings.log()}), range));
  REQUIRE(warnings.texts.size() == 1);
  CHECK(warnings.texts[0].find("going on without it") != std::string::npos);
  std::filesystem::create_directories(rank_range_path(folder / "odd", some.graph, {}));  // a folder in the file's place
  CHECK(same(cached_rank_range(some.graph, {}, {folder / "odd", 60, warnings.log()}), range));
  CHECK(warnings.texts.size() == 2);
}

TEST_CASE("rank range cache: the usual folder is the user's") {
  const std::string old = getenv("XDG_CACHE_HOME") ? getenv("XDG_CACHE_HOME") : "";
  setenv("XDG_CACHE_HOME", "/some/where", 1);
  CHECK(RankRangeCache::usual({}).folder == "/some/where/cell2text/ontology");
  setenv("XDG_CACHE_HOME", "relative", 1);  // counts as not set
  const char* home = getenv("HOME");
  if (home && *home == '/') CHECK(user_cache_folder() == std::filesystem::path(home) / ".cache/cell2text");
  old.empty() ? unsetenv("XDG_CACHE_HOME") : setenv("XDG_CACHE_HOME", old.c_str(), 1);
}
