// What stands around a gene's name: prefixes, versions, species.
#include "cell2text/cells/gene_names.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("gene names: prefixes of mixed references are left out, whatever joins them") {
  struct Case {
    const char *written, *name, *prefix, *species;
  };
  for (const Case& c : {Case{"GRCh38_TP53", "TP53", "GRCh38_", "human"},
                        {"hg19-HLA-A", "HLA-A", "hg19-", "human"},
                        {"mm10___Gapdh", "Gapdh", "mm10___", "mouse"},
                        {"GRCh38______ENSG00000141510", "ENSG00000141510", "GRCh38______", "human"},
                        {"GRCh38_premrna_TP53", "TP53", "GRCh38_premrna_", "human"},
                        {"grch38_TP53", "TP53", "grch38_", "human"},
                        {"mm10_ENSMUSG00000059552", "ENSMUSG00000059552", "mm10_", "mouse"},
                        {"human_TP53", "TP53", "human_", "human"}}) {
    CAPTURE(c.written);
    const GeneName gene = parse_gene_name(c.written);
    CHECK(gene.name == c.name);
    CHECK(gene.prefix == c.prefix);
    CHECK(std::string_view(gene.species) == c.species);
  }
}

TEST_CASE("gene names: what only looks like a prefix stays") {
  for (const char* name : {"TP53", "HLA-A", "MT-CO1", "GRCh38", "GRCh38_", "hg19", "mouse-like", "HG19A_1", "", "_",
                           "mm10", "AC004556.1", "mt-Nd1"}) {
    CAPTURE(name);
    CHECK(parse_gene_name(name).name == name);
    CHECK(parse_gene_name(name).prefix.empty());
    CHECK(parse_gene_name(name).version.empty());
  }
}

TEST_CASE("gene names: Ensembl ids lose their version and say their species") {
  struct Case {
    const char *written, *name, *version, *species;
  };
  for (const Case& c : {Case{"ENSG00000141510", "ENSG00000141510", "", "human"},
                        {"ENSG00000141510.18", "ENSG00000141510", ".18", "human"},
                        {"ENSMUSG00000059552.14", "ENSMUSG00000059552", ".14", "mouse"},
                        {"ENSDARG00000000001", "ENSDARG00000000001", "", "zebrafish"},
                        {"ENSXYZG00000000001", "ENSXYZG00000000001", "", "an unlisted species"},
                        {"ENST00000269305.9", "ENST00000269305.9", "", ""}}) {
    CAPTURE(c.written);
    const GeneName gene = parse_gene_name(c.written);
    CHECK(gene.name == c.name);
    CHECK(gene.version == c.version);
    CHECK(std::string_view(gene.species) == c.species);
  }
}
