// Findings on values, genes, cells and columns, from facts made by hand.
#include <doctest/doctest.h>

#include "cell2text/cells/check_cells.hpp"
#include "cell2text/cells/check_columns.hpp"
#include "cell2text/cells/check_genes.hpp"
#include "cell2text/cells/check_values.hpp"
#include "core/io/message.hpp"

using namespace cell2text;
using test::has;

namespace {

const Finding* find(const Findings& all, const std::string& check) {
  for (const Finding& finding : all)
    if (finding.check == check) return &finding;
  return nullptr;
}

CellSummary cells_of(std::int64_t n, double total, std::int64_t genes = 1000) {
  CellSummary cells;
  cells.file_cells = n;
  cells.totals.assign(n, total);
  cells.genes.assign(n, genes);
  for (std::int64_t i = 0; i < n; ++i) cells.names.push_back("AAACCTGAGAAGGC-" + std::to_string(i));
  return cells;
}

GeneTable table(const std::string& prefix, std::int64_t n, GeneTable::Kind kind = GeneTable::Kind::ensembl) {
  GeneTable genes;
  genes.kind = kind;
  for (std::int64_t i = 0; i < n; ++i) genes.ids.push_back(prefix + std::to_string(10000000000 + i));
  return genes;
}
GeneTable symbols(std::vector<std::string> names) {
  return {std::move(names), {}, GeneTable::Kind::symbol};
}

Findings genes_findings(const GeneTable& genes, std::optional<std::vector<bool>> known = {}) {
  CellSummary cells = cells_of(10, 3000);
  cells.counts_of_gene.assign(genes.ids.size(), 5);
  const std::vector<MatrixInfo> none;
  return check_genes({genes, cells, none, std::move(known), {}, ""});
}

}  // namespace

TEST_CASE("check values: counts are fine, corrected counts are said, the rest is an error that names the way out") {
  const auto one = [](ValueKind kind, bool needs = true, const std::string& other = "") {
    std::vector<MatrixInfo> all = {{"X", 100, {kind, kind == ValueKind::counts ? "" : "is as it is"}, true}};
    if (!other.empty()) all.push_back({other, 100, {ValueKind::counts, ""}, false});
    return check_values(all, needs).front();
  };
  CHECK(one(ValueKind::counts).severity == Severity::ok);
  CHECK(one(ValueKind::corrected_counts).severity == Severity::note);
  CHECK(one(ValueKind::unclear).severity == Severity::warning);
  for (const ValueKind kind : {ValueKind::logged, ValueKind::normalised}) {
    CHECK(one(kind).severity == Severity::error);
    CHECK(one(kind).can_be_forced);
    CHECK(one(kind, false).severity == Severity::warning);  // an encoder that takes such values
    CHECK(has(one(kind).fix, "--force"));
    CHECK(has(one(kind, true, "layers/umi").fix, "--source counts=layers/umi"));
  }
  for (const ValueKind kind : {ValueKind::scaled, ValueKind::empty, ValueKind::not_finite}) {
    CHECK(one(kind, false).severity == Severity::error);
    CHECK(!one(kind).can_be_forced);
  }
  CHECK(check_values({}, true).empty());
}

TEST_CASE("check genes: few genes are a cut file, with a matrix of all genes named where there is one") {
  CHECK(find(genes_findings(table("ENSG", 20000)), "genes.number")->severity == Severity::ok);
  CHECK(find(genes_findings(table("ENSG", 9000)), "genes.number")->severity == Severity::note);
  const Findings cut = genes_findings(table("ENSG", 2000));
  CHECK(find(cut, "genes.number")->severity == Severity::warning);
  CHECK(has(find(cut, "genes.number")->found, "only 2,000 genes"));
  const GeneTable genes = table("ENSG", 2000);
  const CellSummary cells = cells_of(5, 900);
  const std::vector<MatrixInfo> matrices = {{"X", 2000, {ValueKind::counts, ""}, true},
                                            {"raw/X", 30000, {ValueKind::counts, ""}, false}};
  const Findings raw = check_genes({genes, cells, matrices, {}, {}, "n_counts"});
  CHECK(has(find(raw, "genes.number")->fix, "--source counts=raw/X"));
  CHECK(has(find(raw, "genes.number")->expected, "'n_counts'"));
}

TEST_CASE("check genes: species by id, by prefix, by the case of symbols") {
  CHECK(find(genes_findings(table("ENSG", 50)), "genes.species")->severity == Severity::ok);
  CHECK(find(genes_findings(table("ENSMUSG", 50)), "genes.species")->severity == Severity::warning);
  CHECK(find(genes_findings(table("ENSMUSG", 50), std::vector<bool>(50, false)), "genes.species")->severity ==
        Severity::error);
  CHECK(has(find(genes_findings(table("ENSDARG", 50)), "genes.species")->found, "zebrafish"));
  GeneTable mixed = table("GRCh38_ENSG", 50);
  for (const std::string& id : table("mm10___ENSMUSG", 50).ids) mixed.ids.push_back(id);
  const Findings both = genes_findings(mixed);
  CHECK(find(both, "genes.species")->severity == Severity::error);
  CHECK(has(find(both, "genes.species")->found, "50% of the counts"));
  CHECK(has(find(both, "genes.names")->found, "prefix"));
  CHECK(find(genes_findings(symbols({"GAPDH", "HLA-A", "CD3E", "C1orf112"})), "genes.species")->severity ==
        Severity::ok);
  CHECK(find(genes_findings(symbols({"Gapdh", "mt-Nd1", "Cd3e", "H2-Ab1"})), "genes.species")->severity ==
        Severity::warning);
  CHECK(find(genes_findings(symbols({"geneX", "b", "c"})), "genes.species") == nullptr);
}

TEST_CASE("check genes: what the encoder knows, in genes and in counts") {
  const GeneTable genes = table("ENSG", 100);
  std::vector<bool> known(100, true);
  CHECK(find(genes_findings(genes, known), "genes.known")->severity == Severity::ok);
  CHECK(has(find(genes_findings(genes, known), "genes.known")->found, "all of the counts"));
  std::fill(known.begin() + 30, known.end(), false);
  CHECK(find(genes_findings(genes, known), "genes.known")->severity == Severity::warning);
  CHECK(has(find(genes_findings(genes, known), "genes.known")->found, "30%"));
  known.assign(100, false);
  CHECK(find(genes_findings(genes, known), "genes.known")->severity == Severity::error);
  CHECK(find(genes_findings(genes), "genes.known") == nullptr);
}

TEST_CASE("check genes: a matrix on its side is told by ids, by barcodes, and by what the encoder knows") {
  CellSummary cells = cells_of(3, 10);
  const std::vector<MatrixInfo> none;
  const GeneTable barcodes = symbols({"AAACCTGAGAAGGCCT-1", "AAACCTGAGAAGGCCA-1", "AAACCTGAGAAGGCCC-1"});
  CHECK(find(check_genes({barcodes, cells, none, {}, {}, ""}), "orientation")->severity == Severity::error);
  cells.names = {"ENSG00000141510", "ENSG00000141511.2", "x"};
  const GeneTable plain = symbols({"cell1", "cell2", "cell3"});
  CHECK(has(find(check_genes({plain, cells, none, {}, {}, ""}), "orientation")->fix, ".T.write_h5ad"));
  cells.names = {"TP53", "GAPDH", "CD3E"};
  CHECK(find(check_genes({plain, cells, none, {}, {}, ""}), "orientation") == nullptr);
  const std::vector<bool> yes(3, true), no(3, false);
  CHECK(find(check_genes({plain, cells, none, no, yes, ""}), "orientation") != nullptr);
}

TEST_CASE("check genes: repeated ids are counted after their versions are left out") {
  const Findings all = genes_findings({{"ENSG00000000001.1", "ENSG00000000001.2", "ENSG00000000002"}, {}, {}});
  CHECK(has(find(all, "genes.duplicates")->found, "1 column repeats the gene of another (such as 'ENSG00000000001')"));
  CHECK(has(find(all, "genes.names")->found, "versions"));
}

TEST_CASE("check cells: shallow, empty and unfiltered; a sample is scaled to the file") {
  CHECK(check_cells(cells_of(100, 3000), false, false).size() == 1);  // the depth, as it is
  CellSummary cells = cells_of(100, 3000);
  for (int i = 0; i < 20; ++i) cells.totals[i] = 300;
  CHECK(find(check_cells(cells, false, false), "cells.shallow")->severity == Severity::warning);
  CHECK(find(check_cells(cells, true, true), "cells.shallow")->severity == Severity::note);
  cells.totals[0] = 0;
  cells.file_cells = 10000;
  CHECK(has(find(check_cells(cells, false, false), "cells.empty")->found, "about 100 cells (1%)"));
  CHECK(find(check_cells(cells_of(10, 3000, 50), false, false), "cells.shallow") != nullptr);
  CHECK(find(check_cells(cells_of(10, 3000, 50), true, false), "cells.shallow") == nullptr);  // cut to few genes
  CHECK(find(check_cells(cells_of(10, 0), false, false), "cells.empty")->severity == Severity::error);
  CHECK(find(check_cells(cells_of(10, 12), false, false), "cells.unfiltered")->severity == Severity::warning);
  CHECK(check_cells({}, false, false).empty());
}

TEST_CASE("check columns: required ones are errors for the command at hand only") {
  const std::vector<WantedColumn> wanted = {{"cell_type", "texts", true}, {"sex", "texts", false}};
  CHECK(find(check_columns({}, wanted, "run", true), "columns.cell_type")->severity == Severity::error);
  CHECK(find(check_columns({}, wanted, "run", false), "columns.cell_type")->severity == Severity::note);
  CHECK(has(find(check_columns({"cell_type"}, wanted, "run", true), "columns.optional")->found, "sex"));
  CHECK(find(check_columns({"cell_type", "sex"}, wanted, "run", true), "columns")->severity == Severity::ok);
}

TEST_CASE("sampled rows: ascending, distinct, within the file, spread over it, the same for a seed") {
  for (const std::int64_t size : {0, 1, 100, 2048, 2049, 3001, 100000}) {
    const auto rows = sampled_rows(size, 2048, 7);
    CAPTURE(size);
    CHECK(std::ranges::is_sorted(rows));
    CHECK(std::ranges::adjacent_find(rows) == rows.end());
    CHECK(std::ssize(rows) == std::min<std::int64_t>(size, 2048));
    if (size > 0) CHECK((rows.front() >= 0 && rows.back() < size));
    CHECK(rows == sampled_rows(size, 2048, 7));
    if (size == 100000) CHECK((rows != sampled_rows(size, 2048, 8) && rows.front() < 2000 && rows.back() > 98000));
  }
}

TEST_CASE("findings: numbers and shares as people write them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(with_commas(-1234) == "-1,234");
  CHECK(with_commas(-123) == "-123");
  CHECK(percent(0) == "none");
  CHECK(percent(1) == "all");
  CHECK(percent(0.0001) == "0.1%");
  CHECK(percent(0.37) == "37%");
  CHECK(percent(0.99999) == "99.9%");
  CHECK(bytes_text(310.0 * (1 << 20)) == "310 MiB");
  CHECK(bytes_text(1.5 * (1 << 30)) == "1.5 GiB");
}
