// Several sources as one, the filter on labels, statistics: against plain statements of the same, on tables made anew.
#include "cell2text/dataset/sources.hpp"

#include <map>
#include <set>

#include "cell2text/dataset/blocks.hpp"
#include "cell2text/dataset/filter.hpp"
#include "cell2text/dataset/statistics.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
namespace test = cell2text::test;
using dataset::CellTable;
using dataset::DroppedCells;
using dataset::FilterSettings;
using dataset::Sources;

namespace {

/// Cells as a test states them: gene names, symbols, a dense matrix, columns of text ("?" missing).
struct Stated {
  std::vector<std::string> genes, symbols;
  std::vector<std::vector<float>> counts;
  std::map<std::string, std::vector<std::string>> columns;
  GeneTable::Kind kind = GeneTable::Kind::ensembl;
};

const std::vector<Stated>* stated = nullptr;  // of the test that runs

class StatedSource {
 public:
  struct Settings {
    std::int64_t number = 0;
    static void describe(auto& s) { s.field("number", &Settings::number, {.help = "which of the stated sources"}); }
  };
  StatedSource(const Settings& settings, const Context&) : own_((*stated)[settings.number]) {
    auto table = std::make_shared<GeneTable>();
    table->ids = own_.genes, table->symbols = own_.symbols, table->kind = own_.kind;
    genes_ = std::move(table);
  }
  std::int64_t size() const { return std::ssize(own_.counts); }
  std::shared_ptr<const GeneTable> genes() const { return genes_; }
  std::vector<ColumnInfo> columns() const {
    std::vector<ColumnInfo> all;
    for (const auto& [name, values] : own_.columns) all.push_back({name, ColumnInfo::Type::text});
    return all;
  }
  LabelColumn labels(const std::string& name) const {
    LabelColumn column{name, {}, {}};
    for (const std::string& value : own_.columns.at(name)) {
      const auto at = std::ranges::find(column.values, value);
      column.codes.push_back(value == "?" ? -1 : static_cast<std::int32_t>(at - column.values.begin()));
      if (value != "?" && at == column.values.end()) column.values.push_back(value);
    }
    return column;
  }
  CellBatch read(std::span<const std::int64_t> rows) const {
    CellBatch batch{genes_, {rows.begin(), rows.end()}, {}, {0}, {}, {}, {}};
    for (const std::int64_t row : rows) {
      if (own_.counts[row].empty()) throw InputError("row " + std::to_string(row) + " is damaged");
      for (std::size_t gene = 0; gene < own_.genes.size(); ++gene)
        if (own_.counts[row][gene] != 0 || gene % 3 == 0)  // some zeros are stored
          batch.columns.push_back(static_cast<std::int32_t>(gene)), batch.counts.push_back(own_.counts[row][gene]);
      batch.names.push_back("cell-" + std::to_string(row));
      batch.totals.push_back(0);
      batch.row_starts.push_back(std::ssize(batch.columns));
    }
    return batch;
  }

 private:
  const Stated& own_;
  std::shared_ptr<const GeneTable> genes_;
};

/// Opens the stated sources as one.
Sources open(const std::vector<Stated>& all) {
  stated = &all;
  std::vector<dataset::NamedSource> sources;
  const Context context;
  for (std::int64_t i = 0; i < std::ssize(all); ++i) {
    Value table;
    table.set("number", {i, {}});
    sources.push_back(
        {"file-" + std::to_string(i),
         SourceHandle(Held<kinds::source>(nullptr, descriptor_of<kinds::source, StatedSource>("stated", ""), table,
                                          {&context, nullptr, {}}))});
  }
  return Sources(std::move(sources));
}

std::string gene_id(std::uint64_t number) {
  return "ENSG" + std::to_string(10000000000 + number);
}

Stated random_cells(std::mt19937_64& random, std::int64_t cells) {
  Stated all;
  for (std::uint64_t gene = 0; gene < 30; ++gene) {
    if (random() % 3 == 0) continue;
    all.genes.push_back((random() % 6 == 0 ? "GRCh38_" : "") + gene_id(gene) + (random() % 4 == 0 ? ".3" : ""));
    all.symbols.push_back("GENE" + std::to_string(gene));
    if (random() % 8 == 0) all.genes.push_back(gene_id(gene) + ".9"), all.symbols.push_back("");  // the same gene twice
  }
  for (std::size_t i = all.genes.size(); i > 1; --i) {
    const std::size_t j = random() % i;
    if (random() % 2) std::swap(all.genes[i - 1], all.genes[j]), std::swap(all.symbols[i - 1], all.symbols[j]);
  }
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    all.counts.emplace_back();
    for (std::size_t gene = 0; gene < all.genes.size(); ++gene)
      all.counts.back().push_back(random() % 2 ? static_cast<float>(random() % 5) : 0);
  }
  return all;
}

}  // namespace

TEST_CASE(
    "dataset sources: genes come together by id without version, columns of one gene are added up, zeros left out") {
  const auto number = test::seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 20; ++round) {
    INFO("round " << round);
    std::vector<Stated> all;
    std::map<std::pair<std::int64_t, std::string>, float> expected;  // by cell over all, and gene
    std::int64_t cells = 0;
    for (std::uint64_t i = 0; i <= random() % 4; ++i)
      all.push_back(random_cells(random, 1 + static_cast<std::int64_t>(random() % 9)));
    for (const Stated& one : all)
      for (const auto& row : one.counts) {
        for (std::size_t gene = 0; gene < row.size(); ++gene)
          if (row[gene] != 0) expected[{cells, std::string(parse_gene_name(one.genes[gene]).name)}] += row[gene];
        ++cells;
      }
    const Sources sources = open(all);
    REQUIRE(sources.size() == cells);
    std::set<std::string> ids(sources.genes()->ids.begin(), sources.genes()->ids.end());
    CHECK(ids.size() == sources.genes()->ids.size());
    std::map<std::pair<std::int64_t, std::string>, float> found;
    std::vector<std::int64_t> wanted;
    for (std::int64_t cell = 0; cell < cells; ++cell)
      if (random() % 4) wanted.push_back(cell);
    dataset::Pass pass;
    pass.threads = 1 + static_cast<int>(random() % 3), pass.block_cells = 1 + static_cast<std::int64_t>(random() % 5);
    std::int64_t told = 0;
    pass.progress = [&](std::int64_t done) { told = done; };
    std::vector<std::int64_t> order;
    dataset::for_each_block(
        sources, wanted, pass, [](const dataset::CellBlock& block) { return block; },
        [&](const dataset::CellBlock& block) {
          CHECK(block.first == std::ssize(order));
          for (std::int64_t cell = 0; cell < block.cells.size(); ++cell) {
            const auto columns = block.cells.columns_of(cell);
            CHECK(std::ranges::adjacent_find(columns, std::ranges::greater_equal{}) == columns.end());
            for (std::size_t i = 0; i < columns.size(); ++i)
              found[{block.cells.rows[cell], sources.genes()->ids[columns[i]]}] = block.cells.counts_of(cell)[i];
            order.push_back(block.cells.rows[cell]);
          }
        });
    CHECK(order == wanted);
    CHECK(told == std::ssize(wanted));
    std::erase_if(expected, [&](const auto& one) { return !std::ranges::binary_search(wanted, one.first.first); });
    const bool same = found == expected;
    CHECK(same);
  }
}

TEST_CASE("dataset sources: labels of all, missing where a source lacks the column; ids and symbols do not mix") {
  Stated one, two;
  one.genes = two.genes = {gene_id(1)};
  one.counts = {{1}, {2}}, two.counts = {{3}};
  one.columns = {{"cell_type", {"B cell", "?"}}, {"disease", {"influenza || COVID-19", "normal"}}};
  two.columns = {{"cell_type", {"B cell"}}, {"dataset_id", {"own"}}, {"lab", {"x"}}};
  const std::vector<Stated> all{one, two};
  const Sources sources = open(all);
  const LabelColumn types = sources.labels("cell_type");
  CHECK(types.values == std::vector<std::string>{"B cell"});
  CHECK(types.codes == std::vector<std::int32_t>{0, -1, 0});
  CHECK(sources.labels("disease").codes == std::vector<std::int32_t>{0, 1, -1});
  const CellTable table = dataset::read_cell_table(sources, {}, {"lab"});
  CHECK(table.find("disease")->values == std::vector<std::string>{"influenza and COVID-19", "normal"});
  CHECK(table.find("dataset_id")->at(0).value() == "file-0");
  CHECK(table.find("dataset_id")->at(2).value() == "own");
  CHECK(table.find("lab")->codes == std::vector<std::int32_t>{-1, -1, 0});
  CHECK(table.find("assay") == nullptr);
  CHECK_THROWS_WITH_AS(dataset::read_cell_table(sources, {}, {"lap"}), doctest::Contains("did you mean 'lab'?"),
                       InputError);
  dataset::ColumnSettings other;
  other.cell_type = "celltype";
  CHECK_THROWS_WITH_AS(dataset::read_cell_table(sources, other, {}), doctest::Contains("did you mean 'cell_type'?"),
                       InputError);
  std::vector<Stated> mixed{one, two};
  mixed[1].kind = GeneTable::Kind::symbol;
  CHECK_THROWS_WITH_AS(open(mixed), doctest::Contains("file-1 names its genes by symbols, file-0 by Ensembl ids"),
                       InputError);
  CHECK_THROWS_AS(open({}), InputError);
  const std::vector<std::int64_t> across{1, 2};
  CHECK_THROWS_AS(open(all).read(across), BugError);
}

TEST_CASE("dataset pass: a damaged source ends it, or is passed over from there on") {
  std::mt19937_64 random(3);
  std::vector<Stated> all{random_cells(random, 6), random_cells(random, 6), random_cells(random, 6)};
  all[1].counts[2].clear();
  const Sources sources = open(all);
  std::vector<std::int64_t> cells(18), seen;
  std::iota(cells.begin(), cells.end(), 0);
  dataset::Pass pass;
  pass.block_cells = 2;
  const auto work = [](const dataset::CellBlock& block) { return block.cells.rows; };
  const auto use = [&](const std::vector<std::int64_t>& rows) { seen.insert(seen.end(), rows.begin(), rows.end()); };
  CHECK_THROWS_WITH_AS(dataset::for_each_block(sources, cells, pass, work, use), doctest::Contains("row 2 is damaged"),
                       InputError);
  seen.clear();
  std::vector<std::int64_t> damaged;
  pass.damaged = [&](std::int64_t source, const std::exception&) { return damaged.push_back(source), true; };
  dataset::for_each_block(sources, cells, pass, work, use);
  CHECK(damaged == std::vector<std::int64_t>{1});
  CHECK(seen == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17});
}

TEST_CASE("dataset filter: each rule drops what it says, of what the rules before it kept") {
  const auto number = test::seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const std::map<std::string, std::vector<std::string>> choices{
      {"organism", {"Homo sapiens", "Mus musculus", "?"}},
      {"is_primary_data", {"True", "False", "?"}},
      {"tissue_type", {"tissue", "organoid", "unknown", "?"}},
      {"cell_type", {"B cell", "unknown", "na", "", "?"}},
      {"tissue", {"lung", "unknown"}},
      {"disease", {"normal", "?"}},
      {"assay", {"10x 3' v3", "Smart-seq2", "?"}},
      {"dataset_id", {"mine", "1b9d8702-5af8-4142-85ed-020eb06ec4f6", "?"}}};
  for (int round = 0; round < 20; ++round) {
    CellTable table;
    table.cells = 1 + static_cast<std::int64_t>(random() % 200);
    for (const auto& [role, values] : choices) {
      if (role != "cell_type" && random() % 5 == 0) continue;  // the column is missing
      LabelColumn column{role, values, {}};
      std::erase(column.values, "?");
      for (std::int64_t cell = 0; cell < table.cells; ++cell) {
        const std::size_t value = random() % (2 * values.size());
        column.codes.push_back(value >= values.size() ? 0
                               : values[value] == "?" ? -1
                                                      : static_cast<std::int32_t>(value));
      }
      table.labels.emplace(role, std::move(column));
    }
    const FilterSettings settings;
    std::vector<DroppedCells> dropped;
    const auto kept = dataset::filter_by_labels(table, settings, dropped);
    std::int64_t sum = std::ssize(kept);
    for (const DroppedCells& one : dropped) sum += one.cells;
    CHECK(sum == table.cells);
    CHECK(dropped.size() == 8);
    std::vector<std::int64_t> expected;
    for (std::int64_t cell = 0; cell < table.cells; ++cell) {
      const auto value = [&](const char* role) {
        const LabelColumn* column = table.find(role);
        return column ? column->at(cell) : std::nullopt;
      };
      bool stays = true;
      for (const char* role : {"cell_type", "tissue", "disease"}) stays &= known_value(value(role)).has_value();
      stays &= value("organism").value_or("Homo sapiens") == "Homo sapiens";
      stays &= value("is_primary_data").value_or("True") == "True";
      stays &= value("tissue_type").value_or("tissue") != "organoid";
      stays &= value("assay").value_or("") != "Smart-seq2";
      stays &= value("dataset_id").value_or("") != "1b9d8702-5af8-4142-85ed-020eb06ec4f6";
      if (stays) expected.push_back(cell);
    }
    CHECK(kept == expected);
  }
}

TEST_CASE("dataset statistics: parts, donors within their dataset, coverage, histograms") {
  Stated all;
  all.genes = {gene_id(1)};
  all.counts.assign(6, {1});
  all.columns = {{"split", {"train", "train", "validation", "test", "holdout", "?"}},
                 {"cell_type", {"B", "B", "B", "T", "T", "B"}},
                 {"disease", {"normal", "unknown", "normal", "normal", "flu", "normal"}},
                 {"donor_id", {"1", "1", "1", "2", "1", "3"}},
                 {"dataset_id", {"x", "x", "y", "x", "x", "x"}}};
  const std::vector<Stated> sources{all};
  stated = &sources;
  const Context context;
  Value number;
  number.set("number", {std::int64_t{0}, {}});
  const SourceHandle source(Held<kinds::source>(nullptr, descriptor_of<kinds::source, StatedSource>("stated", ""),
                                                number, {&context, nullptr, {}}));
  const dataset::DatasetStatistics found = dataset::dataset_statistics(source);
  REQUIRE(found.parts.size() == 4);
  CHECK(found.parts[0].part == "train");
  CHECK(found.parts[0].cells == 2);
  CHECK(found.parts[0].donors == 1);
  CHECK(found.parts[0].diseases == 1);
  REQUIRE(found.uncovered.size() == 1);
  CHECK(found.uncovered[0].part == "test");
  CHECK(found.uncovered[0].value == "T");
  CHECK(found.uncovered[0].cells == 1);
  CHECK(found.donors_in_two_parts.empty());  // donor 1 of x is in train and holdout, donor 1 of y is another
  CHECK(found.frequencies[0].values[0].first == "B");
  CHECK(found.frequencies[0].values[0].second == 4);
}