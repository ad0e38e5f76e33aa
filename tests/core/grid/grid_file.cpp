// Grid files: axes, ranges, zipped axes, exclusions and seeds, what they expand to, and bases.
#include "files.hpp"

using cell2text::GridFile;
using cell2text::GridPoint;
using cell2text::InputError;
using cell2text::read_grid_file;
using cell2text::Value;
namespace test = cell2text::test;
using test::has;
using test::Texts;

namespace {

const Value& setting_of(const GridPoint& point, const std::string& path) {
  const Value* value = &point.settings;
  for (std::size_t start = 0; start <= path.size();) {
    const auto end = std::min(path.find('.', start), path.size());
    value = value->find(path.substr(start, end - start));
    if (!value) FAIL("the point does not set " << path);
    start = end + 1;
  }
  return *value;
}

Texts points_of(const GridFile& grid) {
  Texts texts;
  for (const GridPoint& point : expand(grid)) texts.push_back(point.text());
  return texts;
}

}  // namespace

TEST_CASE("grid file: lists, ranges by step, by factor and in the logarithm become values") {
  const test::GridFiles files;
  const GridFile grid = files.read(R"(
[axes]
"training.batch_size" = { from = 4, to = 12, step = 4 }
"training.learning_rate" = { from = 1e-5, to = 1e-3, points = 3 }
"finetuning.rank" = { from = 16, to = 128, factor = 2 }
"training.weight_decay" = { from = 0.1, to = 0.35, step = 0.1 }
"generation.beams" = { from = 5, to = 1, step = -2 }
"adapter.plugin" = ["linear", "mlp"]
)");
  REQUIRE(grid.dimensions.size() == 6);
  const auto values = [&](std::size_t d) { return test::texts_of(grid.dimensions[d].axes.front()); };
  CHECK((values(0) == Texts{"4", "8", "12"}));
  CHECK((values(1) == Texts{"1e-05", "1e-04", "0.001"}));
  CHECK((values(2) == Texts{"16", "32", "64", "128"}));
  CHECK((values(3) == Texts{"0.1", "0.2", "0.3"}));
  CHECK((values(4) == Texts{"5", "3", "1"}));
  CHECK((values(5) == Texts{"linear", "mlp"}));
  CHECK(grid.name == "grid");
  CHECK(combinations(grid) == 3 * 3 * 4 * 3 * 3 * 2);
}

TEST_CASE("grid file: the first axis varies slowest and seeds fastest, and each point has its settings") {
  const test::GridFiles files;
  const GridFile grid = files.read(R"(
name = "mine"
seeds = [3, 7]
[set]
training.epochs = 2
"prompt.user" = "Gene: "
[axes]
encoder.layer = [0, -1]
"adapter.output_scale" = [1, 2.5]
)",
                                   {"generation.beams=1"});
  CHECK(grid.name == "mine");
  CHECK((points_of(grid) == Texts{"encoder.layer = 0, adapter.output_scale = 1, seed = 3",
                                  "encoder.layer = 0, adapter.output_scale = 1, seed = 7",
                                  "encoder.layer = 0, adapter.output_scale = 2.5, seed = 3",
                                  "encoder.layer = 0, adapter.output_scale = 2.5, seed = 7",
                                  "encoder.layer = -1, adapter.output_scale = 1, seed = 3",
                                  "encoder.layer = -1, adapter.output_scale = 1, seed = 7",
                                  "encoder.layer = -1, adapter.output_scale = 2.5, seed = 3",
                                  "encoder.layer = -1, adapter.output_scale = 2.5, seed = 7"}));
  const auto points = expand(grid);
  CHECK(*setting_of(points[5], "encoder.layer").get_if<std::int64_t>() == -1);
  CHECK(*setting_of(points[5], "seed").get_if<std::int64_t>() == 7);
  CHECK(*setting_of(points[5], "training.epochs").get_if<std::int64_t>() == 2);
  CHECK(*setting_of(points[5], "prompt.user").get_if<std::string>() == "Gene: ");
  CHECK(*setting_of(points[5], "generation.beams").get_if<std::int64_t>() == 1);
  CHECK(*setting_of(points[5], "encoder.architecture.layers").get_if<std::int64_t>() == 2);
}

TEST_CASE("grid file: zipped axes go together, and what is excluded is no run") {
  const test::GridFiles files;
  const std::string text = R"(
[axes]
"adapter.plugin" = ["linear", "mlp", "perceiver"]
[[zip]]
"finetuning.rank" = [8, 16]
"finetuning.alpha" = [16, 32]
)";
  CHECK(points_of(files.read(text)).size() == 6);
  CHECK(points_of(files.read(text))[3] == "adapter.plugin = mlp, finetuning.rank = 16, finetuning.alpha = 32");
  CHECK((points_of(files.read(text + "[[exclude]]\nadapter.plugin = \"mlp\"\n\"finetuning.rank\" = 8\n"
                                     "[[exclude]]\n\"adapter.plugin\" = [\"linear\", \"perceiver\"]\n")) ==
         Texts{"adapter.plugin = mlp, finetuning.rank = 16, finetuning.alpha = 32"}));
  CHECK(points_of(files.read("seeds = [0, 1]\n" + text + "[[exclude]]\nseed = 1\nfinetuning.rank = 16\n")).size() == 9);
  CHECK(
      has(test::message_of<InputError>([&] { expand(files.read(text + "[[exclude]]\nfinetuning.rank = [8, 16]\n")); }),
          "has no run: every combination is excluded"));
}

TEST_CASE("grid file: values of several settings have a name, and may take settings away") {
  const test::GridFiles files;
  const GridFile grid = files.read(R"(
[[axes.size]]
name = "small"
"decoder.architecture.layers" = 1
encoder.architecture.width = 8
[[axes.size]]
name = "no scale"
unset = ["adapter.output_scale"]
)");
  const auto points = expand(grid);
  REQUIRE(points.size() == 2);
  CHECK(points[0].text() == "size = small");
  CHECK(*setting_of(points[0], "encoder.architecture.width").get_if<std::int64_t>() == 8);
  CHECK(*setting_of(points[0], "encoder.architecture.heads").get_if<std::int64_t>() == 2);
  CHECK(setting_of(points[0], "adapter").find("output_scale"));
  CHECK(points[1].text() == "size = no scale");
  CHECK_FALSE(setting_of(points[1], "adapter").find("output_scale"));
  CHECK(has(test::message_of<InputError>(
                [&] { expand(files.read("[[axes.x]]\nname = \"a\"\nunset = [\"adapter.gone\"]\n")); }),
            "grid.toml:4:1: 'unset' names 'adapter.gone', which the base does not set"));
}

TEST_CASE("grid file: naming another plugin drops the settings of the former one, and keeps those of the role") {
  const test::GridFiles files;
  const auto points =
      expand(files.read("[axes]\n\"adapter.plugin\" = [\"mlp\", \"linear\"]\n"
                        "[[axes.encoder]]\nname = \"scgpt\"\nencoder.max_tokens = 20\n"
                        "encoder.plugin = \"scgpt\"\n"));
  REQUIRE(points.size() == 2);
  CHECK(setting_of(points[0], "adapter").find("output_scale"));
  CHECK_FALSE(setting_of(points[1], "adapter").find("output_scale"));
  CHECK(setting_of(points[0], "encoder").find("frozen"));
  CHECK_FALSE(setting_of(points[0], "encoder").find("architecture"));
  CHECK(*setting_of(points[0], "encoder.max_tokens").get_if<std::int64_t>() ==
        20);  // set after the plugin, wherever it stands
}

TEST_CASE("grid file: bases are laid over each other, relative to their own folders") {
  const test::GridFiles files;
  std::filesystem::create_directory(files.folder / "more");
  files.write("base = \"../base.toml\"\nseed = 9\n[adapter]\nplugin = \"linear\"\n[training]\nepochs = 7\n",
              "more/second.toml");
  const GridFile grid = read_grid_file(files.write("base = \"more/second.toml\"\n[axes]\n\"training.epochs\" = [1]\n"));
  const GridPoint point = expand(grid).front();
  CHECK(*setting_of(point, "seed").get_if<std::int64_t>() == 9);
  CHECK(*setting_of(point, "training.epochs").get_if<std::int64_t>() == 1);
  CHECK(*setting_of(point, "encoder.plugin").get_if<std::string>() == "geneformer");
  CHECK_FALSE(setting_of(point, "adapter").find("output_scale"));
  CHECK_FALSE(point.settings.find("base"));

  // As written into the grid's folder it is the same grid, without the files around it.
  const GridFile again = read_grid_file(files.write(write_toml(grid.written), "more/again.toml"));
  CHECK(write_toml(again.base) == write_toml(grid.base));
  CHECK(again.name == "grid");
  CHECK(points_of(again) == points_of(grid));
}

TEST_CASE("grid file: bases that go in a circle, or cannot be read, are named") {
  const test::GridFiles files;
  files.write("base = \"b.toml\"\n", "a.toml");
  files.write("name = \"b\"\nbase = \"a.toml\"\n", "b.toml");
  const auto refused = [&](const std::string& text) {
    return test::message_of<InputError>([&] { read_grid_file(files.write(text)); });
  };
  const std::string circle = refused("base = \"a.toml\"\n");
  CHECK(has(circle, "b.toml:2:1: 'base' goes in a circle: "));
  CHECK(has(circle, "a.toml -> "));
  CHECK(has(refused("base = \"grid.toml\"\n"), "'base' goes in a circle"));
  CHECK(has(refused("base = \"gone.toml\"\n"), "grid.toml:1:1: the 'base' cannot be read: "));
  CHECK(has(refused("seeds = [1]\n"), "'base' is missing"));
  CHECK(
      has(refused("base = 3\n"), "grid.toml:1:1: 'base' is a whole number; it must be the name of an experiment file"));
  files.write("base = 3\n", "three.toml");
  CHECK(has(refused("base = \"three.toml\"\n"), "three.toml:1:1: 'base' is a whole number"));
}

TEST_CASE("grid file: what is wrong with axes is told with its place, all at once") {
  const test::GridFiles files;
  const std::string faults = test::message_of<InputError>([&] {
    files.read(R"(sedes = [1]
seeds = [4, 4]
[axes]
"a.x" = 3
"a.y" = []
"a.z" = [1, 1]
"b.x" = [{ plugin = "linear" }]
"b.y" = { from = 1, to = 5 }
"b.z" = { from = 1, to = 5, step = -1 }
"c.x" = { from = 0, to = 5, factor = 2 }
"c.y" = { from = 1, to = 5, factor = 0.5 }
"c.z" = { from = 1, to = 500000, step = 1 }
seed = [1, 2]
"d.x" = [1]
[[axes.e]]
name = "one"
d.x = 2
[[zip]]
"f.x" = [1, 2]
"f.y" = [1, 2, 3]
[[exclude]]
"d.y" = 1
[[exclude]]
"d.x" = 2
[[exclude]]
[[zip]]
)");
  });
  for (const char* part :
       {"grid.toml:2:1: unknown key 'sedes'; did you mean 'seeds'?", "'seeds' has 4 twice",
        "grid.toml:5:1: 'a.x' is a whole number; it must be a list of values, or a range",
        "the axis 'a.y' has no value", "the axis 'a.z' has the value 1 twice",
        "a value of the axis 'b.x' is a table without a text 'name'",
        "a range needs one of 'step', 'factor' and 'points', and has 0", "a range with this 'step' never comes",
        "a range by 'factor' or 'points' must be above 0", "a range with this 'factor' never comes",
        "a range of over 10000 values", "'seed' is no axis; seeds stand at the top",
        "the axes 'd.x' and 'e' both set 'd.x'", "'f.y' has 3, 'f.x' 2", "[[exclude]] names 'd.y', which is no axis",
        "[[exclude]] names the value 2 of 'd.x', which that axis does not have",
        "an empty [[exclude]] would leave no run", "zip[1] holds no axis"})
    CHECK(has(faults, part));
  CHECK(has(test::message_of<InputError>([&] { files.read("axes = 3\nset = 1\n"); }),
            "'axes' is a whole number; it must be a table of lists"));
  CHECK(has(test::message_of<InputError>([&] { files.read("axes = 3\nset = 1\n"); }),
            "'set' is a whole number; it must be a table of settings"));
  CHECK(has(test::message_of<InputError>([&] { files.read("[axes]\n\"a.x\" = [1]\n[[zip]]\n\"a.x\" = [2]\n"); }),
            "two axes are called 'a.x'"));
}

TEST_CASE("grid file: too many combinations are refused before they are made") {
  const test::GridFiles files;
  const GridFile grid = files.read(
      "[axes]\n\"a.x\" = { from = 1, to = 500, step = 1 }\n"
      "\"a.y\" = { from = 1, to = 500, step = 1 }\n");
  CHECK(has(test::message_of<InputError>([&] { expand(grid); }), "has 250000 combinations; at most 10,000 are run"));
}
