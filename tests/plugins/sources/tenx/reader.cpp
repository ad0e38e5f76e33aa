// What a whole matrix gives: rows in any order from every form, genes, choices of barcodes and genomes.
#include <atomic>
#include <random>
#include <thread>

#include "files.hpp"

namespace cell2text::test {
namespace {

static_assert(DescribesItself<TenxSource::Settings>);

using Floats = std::vector<float>;
using Columns = std::vector<std::int32_t>;
const std::vector<std::string> kept_genes = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000004"};

TEST_CASE("tenx source: rows come in the order asked for, from every form, without what is no gene") {
  const TemporaryFolder folder;
  for (const auto& path : {make_v3(folder), make_folder(folder)}) {
    INFO("file " << path.string());
    Said said;
    TenxSource source(tenx_settings(path), said.context());
    CHECK(said.has("3 genes, by Ensembl ids; left out: 1 Antibody Capture"));
    CHECK(source.size() == 3);
    CHECK(source.genes()->ids == kept_genes);
    CHECK(source.genes()->symbols == std::vector<std::string>{"G1", "G2", "G4"});
    CHECK(source.genes()->kind == GeneTable::Kind::ensembl);
    CHECK(source.columns().empty());
    const std::vector<std::int64_t> rows = {2, 0, 2, 1};
    const CellBatch batch = source.read(rows);
    CHECK(batch.rows == rows);
    CHECK(batch.names == std::vector<std::string>{"AAAT-1", "AAAC-1", "AAAT-1", "AAAG-1"});
    CHECK(batch.row_starts == std::vector<std::int64_t>{0, 2, 4, 6, 7});
    CHECK(batch.columns == Columns{0, 2, 0, 2, 0, 2, 1});
    CHECK(batch.counts == Floats{40, 3, 5, 1, 40, 3, 2});
    CHECK(batch.totals == std::vector<double>{43, 6, 43, 2});
    CHECK(batch.genes == source.genes());
    CHECK(source.read({}).size() == 0);
    check_says(refusal([&] { source.read(std::vector<std::int64_t>{3}); }), {"row 3", "0 to 2"});
    check_says(refusal([&] { source.labels("cell_type"); }), {"no column 'cell_type'", "the key 'labels'"});
    const auto matrices = source.matrices();
    REQUIRE(matrices.size() == 1);
    CHECK((matrices[0].used && matrices[0].genes == 3 && matrices[0].values.kind == ValueKind::counts));
  }
}

TEST_CASE("tenx source: a file of Cell Ranger 2 is that of its genome; of several one must be named") {
  const TemporaryFolder folder;
  TenxSource source(tenx_settings(make_v2(folder, {"GRCh38"})), Context{});
  CHECK(source.genes()->size() == 4);
  CHECK(source.matrices()[0].name == "GRCh38");
  CHECK(source.read(std::vector<std::int64_t>{0}).counts == Floats{5, 7, 1});
  const TemporaryFolder other;
  const auto both = make_v2(other, {"GRCh38", "mm10"});
  check_says(tenx_refusal(both), {"v2.h5", "genomes GRCh38, mm10", "genome = \"GRCh38\""});
  auto settings = tenx_settings(both);
  settings.genome = "mm10";
  CHECK(TenxSource(settings, Context{}).matrices()[0].name == "mm10");
  settings.genome = "hg19";
  check_says(tenx_refusal(settings), {"no matrix for the genome 'hg19'", "GRCh38, mm10"});
}

TEST_CASE("tenx source: of a table with several genomes one may be taken") {
  const TemporaryFolder folder;
  TenxParts parts;
  parts.genomes = {"GRCh38", "mm10", "", "GRCh38"};
  auto settings = tenx_settings(make_v3(folder, parts));
  CHECK(TenxSource(settings, Context{}).genes()->size() == 3);
  settings.genome = "GRCh38";
  Said said;
  TenxSource source(settings, said.context());
  CHECK(source.genes()->ids == std::vector<std::string>{"ENSG00000000001", "ENSG00000000004"});
  CHECK(source.read(std::vector<std::int64_t>{0, 1}).counts == Floats{5, 1});
  CHECK(said.has("1 genes of other genomes"));
  settings.genome = "hg19";
  check_says(tenx_refusal(settings), {"of the genome 'hg19'", "2 GRCh38, 1 mm10"});
  settings.path = make_folder(folder).string();
  check_says(tenx_refusal(settings), {"name no genome", "genome = \"hg19\""});
}

TEST_CASE("tenx source: a file without feature types, and one of probes, is taken for genes") {
  const TemporaryFolder folder;
  const auto bare = make_v3(folder, {}, [](const hdf5::Group& matrix) {
    hdf5::remove(matrix.group("features"), "feature_type"), hdf5::remove(matrix.group("features"), "genome");
  });
  CHECK(TenxSource(tenx_settings(bare), Context{}).genes()->size() == 4);
  const TemporaryFolder other;
  const auto probes = make_v3(other, {}, [](const hdf5::Group& matrix) {
    hdf5::write_strings(matrix.group("features"), "gene_id", {"ENSG9", "ENSG9", "AB", "ENSG8"});
  });
  CHECK(TenxSource(tenx_settings(probes), Context{}).genes()->ids ==
        std::vector<std::string>{"ENSG9", "ENSG9", "ENSG8"});
}

TEST_CASE("tenx source: genes of a reference without Ensembl ids go by their names") {
  const TemporaryFolder folder;
  TenxParts parts;
  parts.ids = {"g1", "g2", "ab", "g4"};
  const auto genes = TenxSource(tenx_settings(make_v3(folder, parts)), Context{}).genes();
  CHECK(genes->kind == GeneTable::Kind::symbol);
  CHECK(genes->ids == std::vector<std::string>{"G1", "G2", "G4"});
}

TEST_CASE("tenx source: a folder is read with genes.tsv and unpacked files too") {
  const TemporaryFolder folder;
  FolderParts parts;
  parts.features = "";
  const auto path = make_folder(folder, parts, false);
  write_file(path / "genes.tsv",
             "ENSG00000000001\tG1\nENSG00000000002\tG2\nENSG00000000003\tG3\nENSG00000000004\tG4\n");
  TenxSource source(tenx_settings(path), Context{});
  CHECK(source.genes()->size() == 4);
  CHECK(source.matrices()[0].name == "matrix.mtx");
  CHECK(source.read(std::vector<std::int64_t>{0}).counts == Floats{5, 7, 1});
}

TEST_CASE("tenx source: barcodes with few counts are left out when that is asked for, and how many is said") {
  const TemporaryFolder folder;
  for (const auto& path : {make_v3(folder), make_folder(folder)}) {
    INFO("file " << path.string());
    auto settings = tenx_settings(path);
    settings.min_counts = 6;  // of genes: the antibody of the first does not count
    Said said;
    TenxSource source(settings, said.context());
    CHECK(said.has("2 of 3 barcodes have 6 counts or more (min_counts)"));
    REQUIRE(source.size() == 2);
    const CellBatch batch = source.read(std::vector<std::int64_t>{1, 0});
    CHECK(batch.rows == std::vector<std::int64_t>{1, 0});
    CHECK(batch.names == std::vector<std::string>{"AAAT-1", "AAAC-1"});
    CHECK(batch.counts == Floats{40, 3, 5, 1});
    settings.min_counts = 44;
    check_says(tenx_refusal(settings), {"none of the 3 barcodes has 44 counts", "is 43"});
  }
}

TEST_CASE("tenx source: a matrix that was never filtered is named, with the way to filter it") {
  const TemporaryFolder folder;
  constexpr int barcodes = 10'000, genes = 1'000;
  TenxParts parts{{}, {}, {}, {}, {}, {genes, barcodes}, {}, {}, {0}};
  for (int i = 0; i < genes; ++i) {
    parts.ids.push_back("ENSG" + std::to_string(10'000 + i)), parts.names.push_back("G" + std::to_string(i));
    parts.types.emplace_back("Gene Expression"), parts.genomes.emplace_back("GRCh38");
  }
  for (int i = 0; i < barcodes; ++i) {
    parts.barcodes.push_back("B" + std::to_string(i));
    for (int gene = 0; gene < (i % 100 == 0 ? 600 : i % 2); ++gene)
      parts.indices.push_back(gene), parts.data.push_back(1 + gene % 3);
    parts.indptr.push_back(std::ssize(parts.indices));
  }
  auto settings = tenx_settings(make_v3(folder, parts));
  Said said;
  CHECK(TenxSource(settings, said.context()).size() == barcodes);
  CHECK(said.has("9,900 of 10,000 barcodes (99%) have counts of under 100 genes: the matrix looks unfiltered"));
  CHECK(said.has("--source min_counts=500"));
  settings.min_counts = 500;
  Said less;
  TenxSource cells(settings, less.context());
  CHECK(cells.size() == 100);
  CHECK_FALSE(less.has("unfiltered"));
  CHECK(cells.read(std::vector<std::int64_t>{3}).names.front() == "B300");
}

TEST_CASE("tenx source: a market file in any order gives the same rows, whatever memory there is") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  constexpr int barcodes = 400, features = 60;
  std::vector<std::string> lines;
  std::vector<float> dense(barcodes * features, 0);
  for (int barcode = 0; barcode < barcodes; ++barcode)
    for (int feature = 0; feature < features; ++feature) {
      if (random() % 4 || barcode % 7 == 0 || barcode > 390) continue;  // rows without entries, the last ones too
      const auto count = 1 + random() % 90;
      dense[barcode * features + feature] = static_cast<float>(count);
      lines.push_back(std::to_string(feature + 1) + " " + std::to_string(barcode + 1) + " " + std::to_string(count));
    }
  FolderParts parts{"", "", ""};
  for (int i = 0; i < barcodes; ++i) parts.barcodes += "B" + std::to_string(i) + "\n";
  for (int i = 0; i < features; ++i) parts.features += "ENSG" + std::to_string(i) + "\tG\tGene Expression\n";
  const TemporaryFolder folder;
  for (const bool shuffled : {false, true})
    for (const std::int64_t memory : {1, 1 << 14, 1 << 26}) {
      INFO("shuffled " << shuffled << ", memory " << memory);
      if (shuffled)
        for (std::size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[random() % i]);
      parts.matrix = "%%MatrixMarket matrix coordinate integer general\n" + std::to_string(features) + " " +
                     std::to_string(barcodes) + " " + std::to_string(lines.size()) + "\n";
      for (const std::string& line : lines) parts.matrix += line + "\n";
      const tenx::MarketFolder market(make_folder(folder, parts), memory);
      std::vector<float> found(dense.size(), 0);
      const RowBlock block = market.read(0, barcodes);
      for (int row = 0; row < barcodes; ++row)
        for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i)
          found[row * features + block.columns[i]] = block.values[i];
      CHECK(found == dense);
    }
}

TEST_CASE("tenx source: barcodes that occur twice are named") {
  const TemporaryFolder folder;
  FolderParts parts;
  parts.barcodes = "AAAC-1\nAAAC-1\nAAAT-1\n";
  Said said;
  TenxSource(tenx_settings(make_folder(folder, parts)), said.context());
  CHECK(said.has("tenx: 2 cells share their name with another, as 'AAAC-1'"));
}

TEST_CASE("tenx source: threads may read at the same time") {
  const TemporaryFolder folder;
  for (const auto& path : {make_v3(folder), make_folder(folder)}) {
    const TenxSource source(tenx_settings(path), Context{});
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        const std::vector<std::int64_t> rows = {i % 3};
        for (int n = 0; n < 50; ++n) right += source.read(rows).names.front() == TenxParts().barcodes[i % 3];
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(right == 200);
  }
}

}  // namespace
}  // namespace cell2text::test
