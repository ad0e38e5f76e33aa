// The copy of an .h5ad with more columns: what it refuses, and that it leaves nothing half done.
#include "cell2text/io/h5ad_writer.hpp"
#include "files.hpp"

namespace cell2text::test {
namespace {

std::filesystem::path make_input(const TemporaryFolder& folder) {
  const auto path = folder / "in.h5ad";
  const hdf5::Group root = new_file(path);
  const hdf5::Group obs = new_frame(root, "obs", cell_names, {"kind"});
  hdf5::write_strings(obs, "kind", {"x", "y", "x"});
  new_frame(root, "var", gene_names);
  write_sparse(root, "X", {});
  hdf5::flush(root);
  return path;
}

H5adAdditions one_column(const std::string& name) {
  return {.obs = {{name, std::vector<std::int64_t>{1, 2, 3}}}, .obsm = {}, .uns = {}};
}

std::vector<std::string> files_of(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

TEST_CASE("h5ad copy: new columns are read back, and the old ones are still there") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  const std::string before = read_file(input);
  H5adAdditions additions;
  additions.obs = {{"label", LabelColumn{"", {"p", "q"}, {1, -1, 0}}}, {"text", std::vector<std::string>{"α", "", "c"}},
                   {"whole", std::vector<std::int64_t>{1, -2, 3}},     {"narrow", std::vector<float>{0.5f, 1, 2}},
                   {"wide", std::vector<double>{0.25, 1, 2}},          {"truth", std::vector<bool>{true, false, true}}};
  write_h5ad_copy(input, output, additions);
  CHECK(read_file(input) == before);
  const anndata::DataFrame obs(hdf5::Group::open_file(output), "obs");
  CHECK(obs.columns() == std::vector<std::string>{"kind", "label", "text", "whole", "narrow", "wide", "truth"});
  CHECK((obs.labels("truth").at(0) == "True" && obs.labels("truth").at(1) == "False"));
  const LabelColumn label = obs.labels("label");
  CHECK((label.at(0) == "q" && !label.at(1) && label.at(2) == "p"));
  CHECK(obs.labels("text").at(0) == "α");
  CHECK(obs.numbers("whole") == std::vector<double>{1, -2, 3});
  CHECK(obs.numbers("narrow") == std::vector<double>{0.5, 1, 2});
  CHECK(obs.numbers("wide") == std::vector<double>{0.25, 1, 2});
  CHECK(obs.labels("kind").at(1) == "y");
  CHECK(files_of(folder) == std::vector<std::string>{"in.h5ad", "out.h5ad"});
}

TEST_CASE("h5ad copy: a matrix for obsm is asked for in blocks, and one that is there is kept unless overwriting") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  std::vector<std::int64_t> asked;
  constexpr std::int64_t width = 1 << 19;  // two rows are a block
  const auto rows = [&](std::int64_t first, std::span<float> values) {
    asked.push_back(first);
    asked.push_back(static_cast<std::int64_t>(values.size()) / width);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(first) + static_cast<float>(i / width);
  };
  const H5adAdditions additions{.obs = {}, .obsm = {{"X_a", width, rows}}, .uns = {}};
  write_h5ad_copy(input, output, additions);
  CHECK(asked == std::vector<std::int64_t>{0, 2, 2, 1});
  check_says(refusal([&] { write_h5ad_copy(output, folder / "again.h5ad", additions); }), {"obsm matrix 'X_a'"});
  check_says(refusal([&] { expect_new_in_h5ad(output, {{}, {"X_a"}, {}}); }), {"obsm matrix 'X_a'", "--overwrite"});
  write_h5ad_copy(output, output, {.obs = {}, .obsm = {{"X_a", 2, rows}}, .uns = {}, .overwrite = true});
  CHECK(asked == std::vector<std::int64_t>{0, 2, 2, 1, 0, 0});
  check_says(refusal([&] {
               write_h5ad_copy(input, output, {.obs = {}, .obsm = {{"a/b", 1, rows}}, .uns = {}});
             }),
             {"obsm matrix 'a/b'"});
}

TEST_CASE("h5ad copy: what is there is kept unless overwriting, then it keeps its place") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  H5adAdditions additions = one_column("kind");
  Value about;
  about.set("version", {std::string("1"), {}});
  additions.uns = {{"cell2text", about}};
  write_h5ad_copy(input, input, {.obs = {}, .obsm = {}, .uns = {{"cell2text", about}}});
  check_says(refusal([&] { write_h5ad_copy(input, output, additions); }),
             {"in.h5ad", "obs column 'kind'", "uns entry 'cell2text'", "--overwrite"});
  check_says(refusal([&] { expect_new_in_h5ad(input, {{"fresh", "kind"}, {}, {}}); }), {"obs column 'kind'"});
  expect_new_in_h5ad(input, {{"fresh"}, {"fresh"}, {"fresh"}});
  CHECK(files_of(folder) == std::vector<std::string>{"in.h5ad"});
  additions.overwrite = true;
  additions.obs.push_back({"fresh", std::vector<double>{1, 2, 3}});
  write_h5ad_copy(input, output, additions);
  const anndata::DataFrame obs(hdf5::Group::open_file(output), "obs");
  CHECK(obs.columns() == std::vector<std::string>{"kind", "fresh"});
  CHECK(obs.numbers("kind") == std::vector<double>{1, 2, 3});
}

TEST_CASE("h5ad copy: unfit columns are refused before anything is written") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  const auto refused = [&](const ObsColumn& column) {
    return refusal([&] { write_h5ad_copy(input, output, {.obs = {column}, .obsm = {}, .uns = {}}); });
  };
  check_says(refused({"new", std::vector<double>{1}}), {"'new'", "1 values", "3 cells"});
  check_says(refused({"a/b", std::vector<double>{1, 2, 3}}), {"'a/b'", "'/'"});
  check_says(refused({"", std::vector<double>{1, 2, 3}}), {"not empty"});
  check_says(refused({"_index", std::vector<double>{1, 2, 3}}), {"index"});
  check_says(refused({"new", std::vector<std::string>{"a", "\xff", "c"}}), {"row 1", "UTF-8"});
  check_says(refused({"new", std::vector<std::string>{"a", std::string("b\0c", 3), "c"}}), {"byte of 0"});
  check_says(refused({"new", LabelColumn{"", {"a", "a"}, {0, 0, 0}}}), {"'a' occurs twice"});
  check_says(refused({"new", LabelColumn{"", {"a"}, {0, 1, 0}}}), {"code 1 has no category"});
  H5adAdditions twice = one_column("new");
  twice.obs.push_back(twice.obs.front());
  check_says(refusal([&] { write_h5ad_copy(input, output, twice); }), {"'new' is given twice"});
  check_says(refusal([&] { write_h5ad_copy(input, folder / "none/out.h5ad", one_column("new")); }), {"none"});
  CHECK(files_of(folder) == std::vector<std::string>{"in.h5ad"});
}

TEST_CASE("h5ad copy: columns that come in blocks are checked as the others are, and must come for all cells") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  const LabelColumn categories{"", {"p", "q"}, {}};
  using Block = std::vector<ObsColumn>;
  const auto write = [&](const Block& columns, const std::vector<Block>& blocks) {
    H5adAdditions additions{.obs = {{"first", std::vector<double>{1, 2, 3}}}, .obsm = {}, .uns = {}};
    additions.obs_blocks = {columns, 0, [&](const ObsBlocks::Take& take) { std::ranges::for_each(blocks, take); }};
    write_h5ad_copy(input, output, additions);
  };
  const auto labels = [](const std::vector<std::int32_t>& codes) { return LabelColumn{"", {}, codes}; };
  const Block columns{{"label", categories}, {"text", std::vector<std::string>()}};
  write(columns, {{{"label", labels({1, -1})}, {"text", std::vector<std::string>{"α", ""}}},
                  {{"label", labels({0})}, {"text", std::vector<std::string>{"c"}}}});
  const anndata::DataFrame obs(hdf5::Group::open_file(output), "obs");
  CHECK(obs.columns() == std::vector<std::string>{"kind", "first", "label", "text"});
  CHECK((obs.labels("label").at(0) == "q" && !obs.labels("label").at(1) && obs.labels("label").at(2) == "p"));
  CHECK((obs.labels("text").at(0) == "α" && obs.labels("text").at(1) == "" && obs.labels("text").at(2) == "c"));

  std::filesystem::remove(output);
  const Block one{{"new", categories}};
  check_says(refusal([&] { write(one, {{{"new", labels({0, 2, 0})}}}); }), {"'new'", "code 2 has no category"});
  check_says(refusal([&] {
               write({{"new", std::vector<std::string>()}}, {{{"new", std::vector<std::string>{"\xff"}}}});
             }),
             {"'new', row 0", "UTF-8"});
  check_says(refusal([&] { write({{"kind", categories}}, {}); }), {"obs column 'kind'", "--overwrite"});
  check_says(refusal([&] { write({{"first", categories}}, {}); }), {"'first' is given twice"});
  CHECK_THROWS_AS(write(one, {{{"new", labels({0, 1})}}}), BugError);
  CHECK_THROWS_AS(write(one, {{{"new", labels({0, 1, 0, 0})}}}), BugError);
  CHECK_THROWS_AS(write(one, {{{"new", std::vector<double>{1, 2, 3}}}}), BugError);
  CHECK_THROWS_AS(write(one, {{}}), BugError);
  CHECK(files_of(folder) == std::vector<std::string>{"in.h5ad"});
}

TEST_CASE("h5ad copy: unfit uns entries are refused") {
  const TemporaryFolder folder;
  const auto input = make_input(folder), output = folder / "out.h5ad";
  const auto refused = [&](const std::vector<Entry>& uns) {
    return refusal([&] { write_h5ad_copy(input, output, {.obs = {}, .obsm = {}, .uns = uns}); });
  };
  const Value one{std::int64_t{1}, {}}, text{std::string("a"), {}};
  check_says(refused({{"a/b", one}}), {"'a/b'"});
  check_says(refused({{"a", one}, {"a", one}}), {"'a' occurs twice"});
  check_says(refused({{"a", {Value::Array{one, text}, {}}}}), {"one plain type"});
  check_says(refused({{"a", {Value::Array{{Value::Array{}, {}}}, {}}}}), {"one plain type"});
  check_says(refused({{"a", {std::string("\xff"), {}}}}), {"UTF-8"});
}

TEST_CASE("h5ad copy: an input that is no .h5ad is refused; a disk that refuses is an error of the environment") {
  const TemporaryFolder folder;
  const auto input = make_input(folder);
  write_file(folder / "text", "no HDF5");
  check_says(refusal([&] { write_h5ad_copy(folder / "text", folder / "out", one_column("new")); }), {"text"});
  CHECK_THROWS_AS(h5ad_writer_detail::copy_bytes(input, "/dev/full", 0, folder / "out"), EnvironmentError);
  CHECK_THROWS_AS(h5ad_writer_detail::copy_bytes(input, folder / "none/out", 0, folder / "none/out"), EnvironmentError);
  const hdf5::Group closed = hdf5::Group::open_file(input);  // for reading only
  CHECK_THROWS_AS(hdf5::write_strings(closed, "new", {"a"}), EnvironmentError);
  CHECK_THROWS_AS(hdf5::write_group(closed, "new"), EnvironmentError);
  CHECK_THROWS_AS(hdf5::set_attribute(closed, "new", std::string("a")), EnvironmentError);
  CHECK_THROWS_AS(hdf5::remove(closed, "obs"), EnvironmentError);
}

}  // namespace
}  // namespace cell2text::test
