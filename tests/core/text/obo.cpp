#include "cell2text/text/obo.hpp"

#include <random>

#include "core/io/message.hpp"
#include "core/text/shared_data.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

const char* const small_obo = R"obo(format-version: 1.2
data-version: releases/2031-01-02
ontology: tiny
! a comment

[Term]
id: T:1
name: cell
def: "A \"unit\" of life,\nin two lines \\ with a tab\there." [] {source="x"} ! said so

[Term]
id: T:2 {is_inferred="true"}
name: T cell {comment="a, b! c}"} ! a name with modifiers
synonym: "T-lymphocyte" EXACT []
synonym: "thymocyte\, sort of" RELATED LAYPERSON [X:1 "why"]
synonym: "white cell" BROAD []
synonym: "naive one" NARROW []
synonym: "no scope" []
alt_id: T:22
is_a: T:1 {source="a ! b"} ! cell
relationship: part_of U:1 ! blood
relationship: develops_from T:1 ! cell
relationship: is_a_or_part_of U:2

[Typedef]
id: part_of
name: part of
this line is nobody's business

[Term]
id: T:3
name: obsolete old cell
synonym: "T-lymphocyte" EXACT []
is_obsolete: true
replaced_by: T:2
consider: T:1

[Term]
id: T:4
name:

[Term]
id: T:5
name: M cell
synonym: "both" EXACT []

[Term]
id: T:6
name: m cell
synonym: "Both" EXACT []

[Term]
id: T:7
name: T cell
is_obsolete: true

[Term]
id: T:8
name: {i}cell {not modifiers} of a\! b!
)obo";

Ontology parse(const std::string& text) {
  return Ontology::parse(text, "test.obo");
}

std::string refusal(const std::string& text) {
  return message_of<InputError>([&] { parse(text); });
}

}  // namespace

TEST_CASE("obo: header, names, definitions, synonyms and parents are read") {
  const Ontology tiny = parse(small_obo);
  CHECK(tiny.release() == "releases/2031-01-02");
  CHECK(tiny.name() == "tiny");
  REQUIRE(tiny.terms().size() == 8);
  CHECK(tiny.terms()[0].definition == "A \"unit\" of life,\nin two lines \\ with a tab\there.");

  const Term& t_cell = tiny.terms()[1];
  CHECK(t_cell.id == "T:2");
  CHECK(t_cell.name == "T cell");
  CHECK(t_cell.is_a == std::vector<std::string>{"T:1"});
  CHECK(t_cell.part_of == std::vector<std::string>{"U:1", "U:2"});
  REQUIRE(t_cell.synonyms.size() == 5);
  using Scope = Synonym::Scope;
  const Scope scopes[] = {Scope::exact, Scope::related, Scope::broad, Scope::narrow, Scope::related};
  for (int i = 0; i < 5; ++i) CHECK(t_cell.synonyms[i].scope == scopes[i]);
  CHECK(t_cell.synonyms[1].text == "thymocyte, sort of");

  const Term& old = tiny.terms()[2];
  CHECK(old.obsolete);
  CHECK(old.replaced_by == std::vector<std::string>{"T:2"});
  CHECK(old.consider == std::vector<std::string>{"T:1"});
  CHECK(tiny.terms()[3].name.empty());
  CHECK(tiny.terms()[7].name == "{i}cell {not modifiers} of a! b!");
}

TEST_CASE("obo: terms are found by id, name and exact synonym, and obsolete ones never by text") {
  const Ontology tiny = parse(small_obo);
  const auto id = [](const Term* term) { return term ? term->id : "none"; };
  CHECK(id(tiny.by_id("T:2")) == "T:2");
  CHECK(id(tiny.by_id("T:22")) == "T:2");
  CHECK(id(tiny.by_id("T:3")) == "T:3");
  CHECK(id(tiny.by_id("T:99")) == "none");
  CHECK(id(tiny.by_name("T cell")) == "T:2");
  CHECK(id(tiny.by_name("t CELL")) == "T:2");
  CHECK(id(tiny.by_name("obsolete old cell")) == "none");
  CHECK(id(tiny.by_name("")) == "none");
  CHECK(id(tiny.by_exact_synonym("t-lymphocyte")) == "T:2");
  CHECK(id(tiny.by_exact_synonym("white cell")) == "none");
  CHECK(id(tiny.by_label("T-Lymphocyte")) == "T:2");
  CHECK(id(tiny.by_label("cell")) == "T:1");

  INFO("a text that names two terms names none");
  CHECK(id(tiny.by_name("M cell")) == "T:5");
  CHECK(id(tiny.by_name("m cell")) == "T:6");
  CHECK(id(tiny.by_name("M CELL")) == "none");
  CHECK(id(tiny.by_exact_synonym("both")) == "none");
}

TEST_CASE("obo: an obsolete id leads to its replacement, and a circle of replacements to nothing") {
  const Ontology tiny = parse(small_obo);
  REQUIRE(tiny.current("T:3"));
  CHECK(tiny.current("T:3")->id == "T:2");
  CHECK(tiny.current("T:1")->id == "T:1");
  CHECK(tiny.current("T:7") == nullptr);
  const std::string circle =
      "[Term]\nid: A:1\nis_obsolete: true\nreplaced_by: A:2\n\n[Term]\nid: A:2\nis_obsolete: true\nreplaced_by: A:1\n";
  CHECK(parse(circle).current("A:1") == nullptr);
}

TEST_CASE("obo: Windows line ends, a byte order mark and a missing last line end change nothing") {
  std::string windows = "\xEF\xBB\xBF";
  for (const char* c = small_obo; *c; ++c) windows += *c == '\n' ? std::string("\r\n") : std::string(1, *c);
  while (windows.back() == '\n' || windows.back() == '\r') windows.pop_back();
  const Ontology from_unix = parse(small_obo), from_windows = parse(windows);
  REQUIRE(from_windows.terms().size() == from_unix.terms().size());
  for (std::size_t i = 0; i < from_unix.terms().size(); ++i) {
    CHECK(from_windows.terms()[i].name == from_unix.terms()[i].name);
    CHECK(from_windows.terms()[i].definition == from_unix.terms()[i].definition);
  }
  CHECK(from_windows.release() == from_unix.release());
}

TEST_CASE("obo: damaged files are refused with their line") {
  CHECK(has(refusal("[Term]\nid: A:1\nname cell\n"), "test.obo:3: found \"name cell\""));
  CHECK(has(refusal("[Term]\nid: A:1\n: cell\n"), "test.obo:3"));
  CHECK(has(refusal("[Term]\nid: A:1\ndef: \"A cell that\n"), "test.obo:3: the quoted text of \"def\" does not end"));
  CHECK(has(refusal("[Term]\nid: A:1\nsynonym: \"ends in \\\"\n"), "does not end"));
  CHECK(has(refusal("[Term]\nid: A:1\ndef: A cell\n"), "must stand in double quotes"));
  CHECK(has(refusal("[Term]\nid: A:1\nis_a:\n"), "test.obo:3: \"is_a\" has no value"));
  CHECK(has(refusal("[Term]\nid: A:1\nis_a: ! cell\n"), "has no value"));
  CHECK(has(refusal("[Term]\nid: A:1\nrelationship: part_of\n"), "has no value"));
  CHECK(has(refusal("[Term]\nid: A:1\nid: A:2\n"), "test.obo:3: a second id"));
  CHECK(has(refusal("[Term]\nname: cell\n\n[Term]\nid: A:1\n"), "test.obo:1: a [Term] without an id"));
  CHECK(has(refusal("[Term]\nid: A:1\n\n[Term]\nid: A:1\n"), "test.obo:4: A:1 is defined twice, first in line 1"));
  CHECK(has(refusal("[Term]\nid: A:1\nname: c\xFF\n"), "test.obo:3: bytes that are no UTF-8"));
  CHECK(has(refusal(std::string("[Term]\nid: A:1\nname: a\0b\n", 24)), "test.obo:3"));
  CHECK(has(refusal(""), "holds no [Term]"));
  CHECK(has(refusal("format-version: 1.2\n"), "holds no [Term]"));
  CHECK(has(refusal("\x1f\x8b\x08"), "gunzip"));
}

TEST_CASE("obo: a missing file, a folder and a Git LFS pointer are refused by name") {
  TemporaryFolder folder;
  const auto read = [](const std::filesystem::path& path) {
    return message_of<InputError>([&] { Ontology::read(path); });
  };
  CHECK(has(read(folder / "none.obo"), "none.obo does not exist"));
  CHECK(has(read(folder.path()), "is a folder"));
  write_file(folder / "pointer.obo", "version https://git-lfs.github.com/spec/v1\n");
  CHECK(has(read(folder / "pointer.obo"), "Git LFS pointer"));
  write_file(folder / "small_obo.obo", small_obo);
  CHECK(Ontology::read(folder / "small_obo.obo").terms().size() == 8);
}

TEST_CASE("obo: cut-off, damaged and random files end in InputError or in terms, never worse") {
  const std::uint64_t seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::string whole = small_obo;
  std::size_t refused = 0, read = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      const std::size_t terms = parse(text).terms().size();  // outside CHECK, which would catch the exception
      CHECK(terms > 0);
      ++read;
    } catch (const InputError&) {
      ++refused;
    }
  };
  for (std::size_t length = 0; length < whole.size(); ++length) attempt(whole.substr(0, length));
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = whole;
    for (int hits = 0; hits < 3; ++hits) damaged[random() % damaged.size()] = static_cast<char>(random());
    attempt(damaged);
    std::string noise(random() % 200, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    attempt("[Term]\nid: A:1\n" + noise);
    attempt(noise);
  }
  CHECK(refused > 0);
  CHECK(read > 0);
}

TEST_CASE("obo: the Cell Ontology's releases have the known numbers of terms and edges") {
  const struct {
    const char* file;
    const char* release;
    std::size_t terms, obsolete, edges;
  } releases[] = {{"cl-v2025-07-30.obo", "releases/2025-07-30", 3399, 270, 4350},
                  {"cl-basic-v2022-12-15.obo", "cl/releases/2022-12-15/cl-basic.owl", 2804, 160, 3705}};
  for (const auto& expected : releases) {
    CAPTURE(expected.file);
    const auto path = shared_data(std::string("ontology/") + expected.file);
    if (!path) return;
    const Ontology ontology = Ontology::read(*path);
    std::size_t obsolete = 0, edges = 0;
    for (const Term& term : ontology.terms()) {
      obsolete += term.obsolete;
      edges += term.is_a.size();
      for (const std::string& parent : term.is_a) CHECK(ontology.by_id(parent) != nullptr);
      if (!term.obsolete) CHECK(ontology.by_name(term.name) == &term);
    }
    CHECK(ontology.terms().size() == expected.terms);
    CHECK(obsolete == expected.obsolete);
    CHECK(edges == expected.edges);
    CHECK(ontology.release() == expected.release);
    REQUIRE(ontology.by_label("T lymphocyte"));
    CHECK(ontology.by_label("T lymphocyte")->name == "T cell");
  }
}

TEST_CASE("obo: HsapDv keeps its part_of parents, and its current terms win over obsolete namesakes") {
  const auto path = shared_data("ontology/hsapdv-v2025-01-23.obo");
  if (!path) return;
  const Ontology stages = Ontology::read(*path);
  std::size_t parts = 0;
  for (const Term& term : stages.terms()) parts += term.part_of.size();
  CHECK(parts == 237);
  REQUIRE(stages.by_name("adult stage"));
  CHECK_FALSE(stages.by_name("adult stage")->obsolete);
}
