// The folder of a grid: what is in it before a run, and what it says of runs.
#include "cell2text/grid/grid_folder.hpp"

#include "files.hpp"

using cell2text::GridFile;
using cell2text::GridFolder;
using cell2text::GridRun;
using cell2text::InputError;
using cell2text::Lease;
using cell2text::RunFolder;
using cell2text::RunStatus;
namespace test = cell2text::test;
using test::has;

namespace {

struct MadeGrid {
  test::GridFiles files;
  GridFile grid;
  std::vector<GridRun> runs;
  GridFolder folder{files.folder / "out"};

  explicit MadeGrid(const std::string& text = "seeds = [0, 1]\n[axes]\n\"adapter.output_scale\" = [1, 2]\n")
      : grid(files.read(text)), runs(resolve_grid(grid, files.registry)) {}
};

}  // namespace

TEST_CASE("grid folder: before a run, its point, its settings and the shared cache of embeddings are there") {
  const MadeGrid made;
  made.folder.create(made.grid);
  CHECK(test::read_file(made.files.folder / "out/grid.toml") == write_toml(made.grid.written));
  const GridRun& run = made.runs[2];
  {
    const Lease lease = made.folder.lease(run);
    made.folder.prepare(run);
  }
  const auto folder = made.files.folder / "out/runs" / run.folder();
  CHECK(nlohmann::ordered_json::parse(test::read_file(folder / "grid_point.json")) == run.json());
  const auto again = read_experiment(cell2text::read_toml(folder / "grid_point.toml"), made.files.registry);
  CHECK(again.encoder_role.cache == "auto");
  CHECK(*again.encoder_role.cache_folder == (made.files.folder / "out/embeddings").string());
  cell2text::PathContents contents;
  CHECK(point_hash(again, made.files.registry, contents) == run.hash);
  // A run opens such a folder as an empty one.
  CHECK(RunFolder::open(folder, true).path() == folder);
  test::write_file(folder / "letter.txt", "");
  CHECK(has(test::message_of<InputError>([&] { RunFolder::open(folder, true); }), "there is 'letter.txt'"));
}

TEST_CASE("grid folder: an own cache, or an encoder that is trained, is left as the experiment has it") {
  const MadeGrid own("[set]\nencoder.cache = \"disk\"\nencoder.cache_folder = \"mine\"\n");
  CHECK_FALSE(GridFolder::shares_embeddings(own.runs[0].experiment));
  const MadeGrid trained("[set]\nencoder.frozen = false\n");
  CHECK_FALSE(GridFolder::shares_embeddings(trained.runs[0].experiment));
  const MadeGrid frozen;
  CHECK(GridFolder::shares_embeddings(frozen.runs[0].experiment));
}

TEST_CASE("grid folder: runs are waiting, running, broken off, failed and done, and the table says so") {
  const MadeGrid made;
  const auto& runs = made.runs;
  CHECK((made.folder.status(runs[0]) == RunStatus::waiting));  // nothing is there yet
  made.folder.create(made.grid);
  for (const std::size_t i : {0, 1, 2}) {
    const Lease lease = made.folder.lease(runs[i]);
    made.folder.prepare(runs[i]);
    CHECK((made.folder.status(runs[i]) == RunStatus::running));
    CHECK((made.folder.lease(runs[i]).state() == Lease::State::held));
  }
  CHECK((made.folder.status(runs[0]) == RunStatus::broken));
  made.folder.failed(runs[1], "out of luck");
  CHECK((made.folder.status(runs[1]) == RunStatus::failed));
  CHECK(made.folder.failure(runs[1]) == "out of luck");
  const RunFolder done(made.folder.folder(runs[2]));
  test::write_file(done.experiment(), write_toml(runs[2].experiment.resolved()));
  test::write_file(done.metrics(),
                   R"({"overlap": {"exact": {"value": 0.25}}, "labels": {"cell_type.accuracy": {"value": 0.5}}})");
  CHECK((made.folder.status(runs[2]) == RunStatus::broken));
  test::write_file(done.report(), "x");
  CHECK((made.folder.status(runs[2]) == RunStatus::done));

  made.folder.write_csv(runs);
  const std::string csv = "run,adapter.output_scale,seed,status,labels.cell_type.accuracy,overlap.exact\n" +
                          runs[0].folder() + ",1,0,broken off,,\n" + runs[1].folder() + ",1,1,failed,,\n" +
                          runs[2].folder() + ",2,0,done,0.5,0.25\n" + runs[3].folder() + ",2,1,waiting,,\n";
  CHECK(test::read_file(made.folder.table()) == csv);
  made.folder.prepare(runs[1]);  // tried again
  CHECK((made.folder.status(runs[1]) == RunStatus::broken));
}

TEST_CASE("grid folder: one of something else is refused, that of another version of the grid is gone on with") {
  const MadeGrid made;
  std::filesystem::create_directory(made.files.folder / "out");
  test::write_file(made.files.folder / "out/letter.txt", "");
  CHECK(has(test::message_of<InputError>([&] { made.folder.create(made.grid); }), "is not empty and holds no grid"));
  std::filesystem::remove(made.files.folder / "out/letter.txt");
  made.folder.create(made.grid);
  const GridFile other = made.files.read("[axes]\n\"adapter.output_scale\" = [1, 2, 3]\n");
  made.folder.create(other);
  CHECK(test::read_file(made.files.folder / "out/grid.toml") == write_toml(other.written));
}

TEST_CASE("grid folder: a folder of another run whose hash begins alike is refused") {
  const MadeGrid made;
  made.folder.create(made.grid);
  GridRun run = made.runs[0];
  { const Lease lease = made.folder.lease(run); }
  made.folder.prepare(run);
  run.hash.back() = run.hash.back() == '0' ? '1' : '0';
  CHECK(has(test::message_of<InputError>([&] { made.folder.lease(run); }), "which begins alike"));
}

TEST_CASE("grid folder: a place where no folder can be made is the machine's fault") {
  const MadeGrid made;
  test::write_file(made.files.folder / "file", "");
  const GridFolder folder(made.files.folder / "file/out");
  CHECK_THROWS_AS(folder.create(made.grid), cell2text::EnvironmentError);
}
