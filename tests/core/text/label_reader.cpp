#include "cell2text/text/label_reader.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cell2text/text/obo.hpp"
#include "core/text/shared_data.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

using Labels = std::vector<std::string>;

/// cell type | tissue | disease | sex | stage, with "-" for what was not read.
std::string shown(const ReadLabels& labels) {
  std::string text;
  for (const auto* label : {&labels.cell_type, &labels.tissue, &labels.disease, &labels.sex, &labels.stage})
    text += (text.empty() ? "" : " | ") + label->value_or("-");
  return text;
}

const KnownLabelReader& reader() {
  static const KnownLabelReader known(
      {"T cell", "B cell", "B cell, CD19-positive", "CD8-positive, alpha-beta T cell", "cell of lung", "cell", "A cell",
       "M cell", "m cell", "sp. X cell"},
      {"blood", "lung", "upper lobe of left lung", "eye with lens, left", "skin of body", "Skin"},
      {"COVID-19", "diabetes mellitus, type 2", "asthma", "asthma with fever", "st. Louis encephalitis",
       "stroke during pregnancy", "density."});
  return known;
}

std::string known(std::string_view text) {
  return shown(reader().read(text));
}
std::string paper(std::string_view text) {
  return shown(read_labels_paper(text));
}

/// Texts that a reader must live through.
std::vector<std::string> hostile_texts() {
  std::vector<std::string> texts = {"",
                                    " ",
                                    ".",
                                    "consists of",
                                    "consists of ",
                                    "consists of a",
                                    "consists of an",
                                    "consists of a .",
                                    "This sample consists of a ",
                                    "This sample consists of a T cell",
                                    "It originates from ",
                                    "It originates from the ",
                                    "It originates from a",
                                    "It originates from an ",
                                    ". It originates from the blood",
                                    ". It originates from the blood of",
                                    ". It originates from the blood of a",
                                    ". It originates from the blood of a ",
                                    ". It originates from the blood of a normal",
                                    ". It originates from the x of a normal ",
                                    ". It originates from the blood of a male with ",
                                    ". It originates from the blood of a male during ",
                                    ". It originates from the . This cell is associated with ",
                                    ". This cell is associated with . It originates from ",
                                    std::string("consists of a T cell\0, x", 24),
                                    "consists of a \xff\xfe\x80. It originates from the \xc3 of a \xf0\x9f with \xe2"};
  for (const char* piece : {"a", " ", "consists of a ", ". It originates from the ", "originates from the ", " of a",
                            " with ", " during ", "."}) {
    std::string huge;
    while (huge.size() < 1'000'000) huge += piece;
    texts.push_back(huge);
    texts.push_back("This sample consists of a T cell. It originates from the blood of a male" + huge);
  }
  return texts;
}

}  // namespace

TEST_CASE("reader: the sex is read where a sentence follows it, and not within a word") {
  CHECK(known("This sample consists of a T cell. It originates from the blood of a male. It was seen.") ==
        "T cell | blood | - | male | -");
  CHECK(known("This sample consists of a T cell. It originates from the blood of a normal female. It was seen.") ==
        "T cell | blood | normal | female | -");
  CHECK(known("This sample consists of a T cell. It originates from the blood of a male.x") ==
        "T cell | blood | - | - | -");
}

TEST_CASE("known reading: names with commas, of and with stay whole") {
  CHECK(
      known("This sample consists of a CD8-positive, alpha-beta T cell, T cell of a kind. It originates from the upper "
            "lobe of left lung of a female with diabetes mellitus, type 2 during middle age. This cell is associated "
            "with Genes with a during. Additionally, it involves x.") ==
      "CD8-positive, alpha-beta T cell | upper lobe of left lung | diabetes mellitus, type 2 | female | middle age");
  CHECK(known("This sample consists of a B cell, CD19-positive. It originates from the eye with lens, left of an "
              "individual with asthma with fever.") ==
        "B cell, CD19-positive | eye with lens, left | asthma with fever | - | -");
  CHECK(known("This sample consists of a B cell, CD19-positive thing.") == "B cell | - | - | - | -");
}

TEST_CASE("known reading: a name counts only where the template goes on behind it") {
  CHECK(known("This sample consists of a T cell of x.") == "- | - | - | - | -");
  CHECK(known("This sample consists of a T cells.") == "- | - | - | - | -");
  CHECK(known("This sample consists of a T cell.5, x") == "- | - | - | - | -");
  CHECK(known("This sample consists of a cell of lung, x") == "cell of lung | - | - | - | -");
  CHECK(known("This sample consists of a T cell") == "T cell | - | - | - | -");
  CHECK(known("This sample consists of a sp. X cell.") == "sp. X cell | - | - | - | -");
  CHECK(known("This sample consists of a T cell. It originates from the lungs of a normal male.") ==
        "T cell | - | normal | male | -");
  CHECK(known("x. It originates from the blood of a male with asthmatic fits.") == "- | blood | - | male | -");
}

TEST_CASE("known reading: case, white space and articles do not matter; the list's spelling comes back") {
  CHECK(known("THIS SAMPLE CONSISTS OF AN t  CELL.\nIT ORIGINATES FROM THE\tSKIN OF A NORMAL Male DURING Childhood") ==
        "T cell | Skin | normal | Male | childhood");
  CHECK(known("consists of T cell, x") == "T cell | - | - | - | -");
  CHECK(known("consists of a A cell, x") == "A cell | - | - | - | -");
  CHECK(known("consists of A cell, x") == "cell | - | - | - | -");  // read as an article
  CHECK(known("consists of a m cell, x") == "m cell | - | - | - | -");
  CHECK(known("consists of a M cell, x") == "M cell | - | - | - | -");
}

TEST_CASE("known reading: diseases, donors and stages") {
  const std::string start = "This sample consists of a T cell. It originates from the blood of ";
  CHECK(known(start + "a normal individual.") == "T cell | blood | normal | - | -");
  CHECK(known(start + "an individual.") == "T cell | blood | - | - | -");
  CHECK(known(start + "a with COVID-19 during adulthood.") == "T cell | blood | COVID-19 | - | adulthood");
  CHECK(known(start + "a male with st. louis encephalitis.") == "T cell | blood | st. Louis encephalitis | male | -");
  CHECK(known(start + "a male with stroke during pregnancy during young adulthood.") ==
        "T cell | blood | stroke during pregnancy | male | young adulthood");
  CHECK(known(start + "a male with density..") == "T cell | blood | density. | male | -");
  CHECK(known(start + "a male with plague during old age.") == "T cell | blood | - | male | -");
  CHECK(known("This sample consists of a T cell. It originates from a normal female during infancy.") ==
        "T cell | - | normal | female | infancy");
  CHECK(known("It originates from an individual with asthma.") == "- | - | asthma | - | -");
  CHECK(known(". It originates from the nose of a friend of an individual with asthma.") == "- | - | asthma | - | -");
  const KnownLabelReader shouting({}, {}, {"NORMAL"});
  CHECK(shown(shouting.read(start + "a normal male.")) == "- | - | NORMAL | male | -");
}

TEST_CASE("known reading: a definition that speaks like the template is no origin") {
  CHECK(
      known("This sample consists of a T cell, cell that consists of a B cell. It originates from the skin of body of "
            "an animal. It originates from the lung of a male with asthma.") == "T cell | lung | asthma | male | -");
  CHECK(known("This sample consists of a T cell, cell that originates from the lung.") == "T cell | - | - | - | -");
}

TEST_CASE("paper reading: the expressions, lower case, and no trailing cell") {
  CHECK(paper("This sample consists of a CD8-positive, alpha-beta T cell, x y. It originates from the Blood of a Male "
              "with COVID-19 during middle age.") == "cd8-positive | blood | covid-19 | male | middle age");
  CHECK(paper("This sample consists of an Endothelial cell. It originates from the upper lobe of left lung of a normal "
              "female.") == "endothelial | upper lobe | normal | female | -");
  CHECK(paper("consists of a T cells, x") == "t | - | normal | - | -");
  CHECK(paper("consists of a cell, x") == "cell | - | normal | - | -");
  CHECK(paper("consists of abc. It consists of an x.") == "x | - | normal | - | -");
  CHECK(paper("consists of a T cell, cell that originates from the neural crest. It originates from the skin of a with "
              "asthma.") == "t | skin | asthma | - | -");
  CHECK(paper("originates from the a, b of a male with x.") == "- | - | normal | - | -");
  CHECK(paper("originates from the lung of a male with x, y during adulthood") == "- | lung | x | male | -");
  CHECK(paper("nothing of the kind") == "- | - | normal | - | -");
  CHECK(paper_form(" CD8-positive  T Cells", true) == "cd8-positive t");
  CHECK(paper_form("Skin of cell") == "skin of cell");
}

TEST_CASE("both readings: malformed, huge and binary texts are lived through, and quickly") {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& text : hostile_texts()) {
    CAPTURE(text.substr(0, 100));
    CHECK_FALSE(known(text).empty());
    CHECK_FALSE(paper(text).empty());
    CHECK_FALSE(shown(KnownLabelReader({}, {}, {}).read(text)).empty());
    CHECK_FALSE(shown(KnownLabelReader({""}, {" "}, {text}).read(text)).empty());
  }
  // Quadratic time would need minutes.
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 20);
}

namespace {

Labels current_names(const Ontology& ontology) {
  Labels names;
  for (const Term& term : ontology.terms())
    if (!term.obsolete && !term.name.empty()) names.push_back(term.name);
  return names;
}

/// Diseases and tissues with all that names can hold; the ontologies of both are compressed.
const Labels hard_tissues = {"blood",
                             "lung",
                             "upper lobe of left lung",
                             "simple eye with multiple lenses",
                             "skin of body",
                             "Brodmann (1909) area 4",
                             "bone of a foot",
                             "cortex, left",
                             "the other lobe",
                             "st. Ex node"};
const Labels hard_diseases = {"normal",
                              "COVID-19",
                              "diabetes mellitus, type 2",
                              "lung disease with asthma",
                              "asthma",
                              "malignancy diagnosed during pregnancy",
                              "st. Louis encephalitis",
                              "chronic disease of a kidney",
                              "normal pressure hydrocephalus",
                              "low density."};
const Labels hard_stages = {"unknown", "42-year-old stage", "newborn stage (0-28 days)", "Carnegie stage 20"};

}  // namespace

TEST_CASE("known reading: every Cell Ontology name comes back from its description, whatever stands around it") {
  const auto path = shared_data("ontology/cl-v2025-07-30.obo");
  if (!path) return;
  const std::uint64_t seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const Ontology ontology = Ontology::read(*path);
  const Labels cell_types = current_names(ontology);
  const KnownLabelReader known(cell_types, hard_tissues, hard_diseases);
  const auto any = [&](const Labels& from) { return from[random() % from.size()]; };
  const auto maybe = [&](std::optional<std::string> value) { return random() % 4 ? value : std::nullopt; };

  std::map<std::string, std::size_t> read_as;  // how many names the paper's reading turns into this one
  std::size_t cut = 0, wrong = 0;
  for (const std::string& name : cell_types) {
    CellFacts facts{.cell_type = name,
                    .cell_type_definition = maybe(ontology.by_name(name)->definition),
                    .tissue = maybe(any(hard_tissues)),
                    .disease = maybe(any(hard_diseases)),
                    .sex = maybe(random() % 2 ? "male" : "female"),
                    .development_stage = any(hard_stages)};
    if (random() % 2) facts.pathway_descriptions = {"Genes with a role of a kind during repair.", "Genes of it."};
    const std::string text = *describe(facts);
    const ReadLabels read = known.read(text);
    const auto bucket = age_bucket(*facts.development_stage);
    const bool whole = read.cell_type == name && read.tissue == facts.tissue && read.disease == facts.disease &&
                       read.sex == facts.sex && read.stage == bucket;
    CHECK_MESSAGE(whole, shown(read) << "\n from: " << text);
    wrong += !whole;

    const std::string in_paper = read_labels_paper(text).cell_type.value_or("");
    cut += in_paper != paper_form(name, true);
    ++read_as[in_paper];
  }
  std::size_t merged = 0;
  for (const auto& [label, names] : read_as) merged += names > 1 ? names : 0;
  MESSAGE("of " << cell_types.size() << " names the known reading loses " << wrong << ", the paper's cuts " << cut
                << " and gives " << merged << " a form that another name has as well");
  CHECK(cut > 100);
  CHECK(merged > 100);
}

TEST_CASE("known reading: 20,000 descriptions against 3,000 names take a moment") {
  Labels names;
  for (int i = 0; i < 3000; ++i) names.push_back("CD" + std::to_string(i) + "-positive, alpha-beta T cell of sort");
  const KnownLabelReader known(names, hard_tissues, hard_diseases);
  const std::string definition(400, 'x');
  std::size_t right = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20'000; ++i) {
    const std::string& name = names[i % names.size()];
    const std::string text = *describe({.cell_type = name, .cell_type_definition = definition, .tissue = "lung"});
    right += known.read(text).cell_type == name;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  MESSAGE("20,000 descriptions written and read in " << seconds << " s");
  CHECK(right == 20'000);
  CHECK(seconds < 10);
}
