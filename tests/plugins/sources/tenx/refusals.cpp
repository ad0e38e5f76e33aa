// What is no 10x matrix, and matrices that contradict themselves: each is refused with file, place and reason.
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <random>

#include "files.hpp"

namespace cell2text::test {
namespace {

std::string v3_refusal(const TenxParts& parts, const std::function<void(const hdf5::Group&)>& change = {}) {
  const TemporaryFolder folder;
  return tenx_refusal(make_v3(folder, parts, change));
}
std::string folder_refusal(const FolderParts& parts) {
  const TemporaryFolder folder;
  return tenx_refusal(make_folder(folder, parts));
}

TEST_CASE("tenx source: what is no matrix of 10x Genomics is refused with what is expected") {
  const TemporaryFolder folder;
  check_says(tenx_refusal("/nowhere/cells.h5"), {"/nowhere/cells.h5 does not exist"});
  write_file(folder / "a.h5", "cell,gene\n");
  check_says(tenx_refusal(folder / "a.h5"), {"a.h5: is no HDF5 file", "a folder with matrix.mtx"});
  write_file(folder / "a.h5", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
  check_says(tenx_refusal(folder / "a.h5"), {"Git LFS"});
  write_file(folder / "b.mtx.gz", packed("%%MatrixMarket\n"));
  check_says(tenx_refusal(folder / "b.mtx.gz"), {"is a Matrix Market file; give the folder"});
  write_file(folder / "b", "%%MatrixMarket\n");
  check_says(tenx_refusal(folder / "b"), {"is a Matrix Market file; give the folder"});
  const auto with = [&](const std::string& group) {
    const hdf5::Group root = new_file(folder / "other.h5");
    hdf5::write_group(root, group);
    hdf5::flush(root);
    return tenx_refusal(folder / "other.h5");
  };
  check_says(with("obs"), {"other.h5: is an AnnData file", "source h5ad"});
  check_says(with("something"), {"other.h5: holds no matrix of 10x Genomics"});
}

TEST_CASE("tenx source: an .h5 whose parts do not fit together is refused with its object") {
  check_says(v3_refusal({.shape = {5, 3}}), {"matrix/shape", "5 x 3", "4 features and 3 barcodes"});
  check_says(v3_refusal({.barcodes = {"a", "b"}}), {"matrix/shape", "4 features and 2 barcodes"});
  check_says(v3_refusal({.shape = {4, 3, 1}}), {"matrix/shape", "3 values; expected 2"});
  check_says(v3_refusal({.names = {"G1"}}), {"matrix", "1 names", "4"});
  check_says(v3_refusal({.types = {"Gene Expression"}}), {"1 feature types"});
  check_says(v3_refusal({.genomes = {"x"}}), {"1 genomes"});
  check_says(v3_refusal({.indptr = {0, 3, 2, 6}}), {"matrix/indptr", "falls from 3 to 2"});
  check_says(v3_refusal({.indptr = {0, 3, 4, 9}}), {"matrix/indptr", "ends with 9"});
  check_says(v3_refusal({.indptr = {0, 3, 6}}), {"matrix/indptr", "3 values; expected 4"});
  check_says(v3_refusal({.indices = {0, 2, 4, 1, 0, 3}}), {"matrix/indices", "row 0 holds the index 4", "0 to 3"});
  check_says(v3_refusal({.indices = {0, 2, 3, 1, 3, 3}}), {"matrix", "row 2 holds column 3 twice", "damaged"});
  check_says(v3_refusal({.indices = {0, 2, 3}}), {"matrix/data", "6 values", "'indices' has 3"});
  check_says(v3_refusal({}, [](const hdf5::Group& matrix) { hdf5::remove(matrix, "shape"); }), {"no dataset 'shape'"});
  check_says(v3_refusal({}, [](const hdf5::Group& matrix) { hdf5::remove(matrix, "features"); }),
             {"no dataset 'genes'"});
  check_says(v3_refusal({},
                        [](const hdf5::Group& matrix) {
                          hdf5::remove(matrix, "barcodes");
                          hdf5::write_numbers(matrix, "barcodes", std::vector<double>{1, 2, 3});
                        }),
             {"matrix/barcodes", "holds no text"});
  check_says(v3_refusal({.types = {"A", "A", "B", "A"}}), {"holds no genes", "3 A, 1 B"});
  TenxParts empty{{}, {}, {}, {}, {}, {0, 0}, {}, {}, {0}};
  check_says(v3_refusal(empty), {"holds no barcodes"});
  empty.barcodes = {"a"}, empty.shape = {0, 1}, empty.indptr = {0, 0};
  check_says(v3_refusal(empty), {"holds no genes", "none at all"});
}

TEST_CASE("tenx source: counts that are negative or not finite are refused with cell and gene") {
  for (const auto& [value, text] : {std::pair{-2., "is -2"}, {std::nan(""), "is nan"}, {1e300, "is inf"}}) {
    const TemporaryFolder folder;
    auto settings = tenx_settings(make_v3(folder, {.data = {5, 7, 1, value, 40, 3}}));
    check_says(tenx_refusal(settings), {"no matrix of raw counts", value < 0 ? "negative" : "NaN or infinite"});
    settings.any_values = true;
    check_says(tenx_refusal(settings), {"row 1 (cell 'AAAG-1'), column 1 (gene 'ENSG00000000002') ", text});
    settings.min_counts = 1;
    check_says(tenx_refusal(settings), {"row 1 (cell 'AAAG-1')"});
  }
  check_says(v3_refusal({.data = {0, 0, 0, 0, 0, 0}}), {"matrix holds only zeros"});
}

TEST_CASE("tenx source: normalised values are refused, and taken by force with a warning") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  TenxParts parts{{}, {}, {}, {}, {}, {30, 40}, {}, {}, {0}};
  for (int i = 0; i < 30; ++i) {
    parts.ids.push_back("ENSG" + std::to_string(10'000 + i)), parts.names.push_back("G" + std::to_string(i));
    parts.types.emplace_back("Gene Expression"), parts.genomes.emplace_back("GRCh38");
  }
  for (int cell = 0; cell < 40; ++cell) {
    parts.barcodes.push_back("B" + std::to_string(cell));
    std::vector<double> counts;
    double sum = 0;
    for (int gene = 0; gene < 30; ++gene)
      counts.push_back(static_cast<double>(1 + random() % 60)), sum += counts.back();
    for (int gene = 0; gene < 30; ++gene)
      parts.indices.push_back(gene), parts.data.push_back(std::log1p(counts[gene] / sum * 1e4));
    parts.indptr.push_back(std::ssize(parts.indices));
  }
  const TemporaryFolder folder;
  auto settings = tenx_settings(make_v3(folder, parts));
  check_says(tenx_refusal(settings), {"v3.h5", "matrix looks log-normalised", "any_values = true"});
  settings.any_values = true;
  Said said;
  TenxSource source(settings, said.context());
  CHECK(said.has("matrix looks log-normalised"));
  CHECK(said.has("taken as counts because any_values"));
  CHECK(source.matrices()[0].values.kind == ValueKind::logged);
}

TEST_CASE("tenx source: corrected counts and unclear values are taken and named") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const auto told = [&](const auto& value) {
    std::string matrix = "%%MatrixMarket matrix coordinate real general\n30 40 1200\n", barcodes, features;
    for (int cell = 0; cell < 40; ++cell) {
      barcodes += "B" + std::to_string(cell) + "\n";
      for (int gene = 0; gene < 30; ++gene)
        matrix += std::to_string(gene + 1) + " " + std::to_string(cell + 1) + " " + std::to_string(value(cell)) + "\n";
    }
    for (int gene = 0; gene < 30; ++gene) features += "ENSG" + std::to_string(gene) + "\n";
    const TemporaryFolder folder;
    Said said;
    TenxSource(tenx_settings(make_folder(folder, {matrix, barcodes, features})), said.context());
    return said;
  };
  const auto corrected = told([&](int cell) { return static_cast<double>(random() % 6000) / 97 * (0.5 + cell / 20.); });
  CHECK(corrected.has("matrix.mtx.gz holds corrected or estimated counts"));
  const auto unclear = told([&](int) { return 0.3 + static_cast<double>(random() % 1000) / 370; });
  CHECK(unclear.has("matrix.mtx.gz holds small fractions"));
  CHECK(unclear.has("please check"));
}

TEST_CASE("tenx source: a folder whose files are missing, twice there or of another matrix is refused") {
  check_says(folder_refusal({.barcodes = ""}), {"matrix: holds no barcodes.tsv or barcodes.tsv.gz"});
  check_says(folder_refusal({.features = ""}), {"holds no features.tsv or features.tsv.gz (nor genes.tsv"});
  check_says(folder_refusal({.barcodes = "a\nb\n"}), {"barcodes.tsv.gz: has 2 lines", "3 columns"});
  check_says(folder_refusal({.barcodes = "a\nb\nc\nd\n"}), {"barcodes.tsv.gz: has 4 lines", "3 columns"});
  check_says(folder_refusal({.features = "a\tb\n"}), {"features.tsv.gz: has 1 lines", "4 rows"});
  check_says(folder_refusal({.matrix = "%%MatrixMarket matrix array real general\n"}), {"matrix.mtx.gz:1:"});
  check_says(folder_refusal({.matrix = FolderParts().matrix + "1 1 1\n"}), {"matrix.mtx.gz:10: more entries"});
  const TemporaryFolder folder;
  const auto path = make_folder(folder);
  write_file(path / "matrix.mtx", FolderParts().matrix);
  check_says(tenx_refusal(path), {"both matrix.mtx and matrix.mtx.gz"});
  std::filesystem::remove(path / "matrix.mtx");
  write_file(path / "genes.tsv", FolderParts().features);
  check_says(tenx_refusal(path), {"both features.tsv and genes.tsv"});
}

TEST_CASE("tenx source: a folder without a matrix is told where one is") {
  const TemporaryFolder folder;
  check_says(tenx_refusal(folder.path()), {folder.path().string() + ": holds no matrix.mtx or matrix.mtx.gz"});
  write_file(folder / "GSM1_matrix.mtx.gz", "");
  check_says(tenx_refusal(folder.path()), {"'GSM1_matrix.mtx.gz' has another name", "features.tsv.gz"});
  std::filesystem::remove(folder / "GSM1_matrix.mtx.gz");
  const auto path = make_folder(folder);
  check_says(tenx_refusal(folder.path()), {"There is one in " + path.string()});
}

TEST_CASE("tenx source: a full disk is an error of the environment that names the way out") {
  const TemporaryFolder folder;
  const auto path = make_folder(folder);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{16, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    tenx::MarketFolder{path};
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  check_says(message, {"File too large", "TMPDIR chooses another folder"});
}

}  // namespace
}  // namespace cell2text::test
