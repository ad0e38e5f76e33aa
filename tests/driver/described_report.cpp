// `cell2text describe --report`: what the page holds is what the cells are. How it looks and works is seen in a
// browser.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "driver/template_model.hpp"

using namespace cell2text;
using namespace cell2text::test;
using nlohmann::json;

namespace {

struct ReportedCells {
  std::vector<json> lines;  // of the cells, as describe writes them
  json page;                // the data in the page
};

/// The template model's cells on a made-up plane, in clusters and samples.
std::filesystem::path cells_on_a_plane(const std::filesystem::path& path, std::uint64_t seed) {
  const std::int64_t cells = anndata::DataFrame(hdf5::Group::open_file(template_cells()), "obs").size();
  std::mt19937_64 random(seed);
  std::vector<float> plane;
  for (std::int64_t i = 0; i < 2 * cells; ++i) plane.push_back(static_cast<float>(random() % 20'001) / 1000 - 10);
  plane[6] = std::nanf("");  // the fourth cell was left out of it
  LabelColumn cluster{"my_clusters", {"0", "1", "2"}, {}}, sample{"sample", {"one", "two"}, {}};
  for (std::int64_t i = 0; i < cells; ++i)
    cluster.codes.push_back(static_cast<std::int32_t>(random() % 3)),
        sample.codes.push_back(static_cast<std::int32_t>(random() % 3) - 1);
  H5adAdditions additions;
  additions.obs = {{"my_clusters", cluster}, {"sample", sample}};
  additions.obsm = {{"X_umap", 2, [&plane](std::int64_t first, std::span<float> values) {
                       std::ranges::copy(std::span(plane).subspan(2 * first, values.size()), values.begin());
                     }}};
  write_h5ad_copy(template_cells(), path, additions);
  return path;
}

ReportedCells reported(const std::filesystem::path& cells, const std::string& more) {
  const TemporaryFolder folder;
  const Outcome outcome =
      command("describe " + quoted(cells) + " --model " + quoted(template_model()) + " -o " +
              quoted(folder / "out.jsonl") + " --report " + quoted(folder / "page.html") + " --threads 1 " + more);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  ReportedCells all;
  std::istringstream lines(read_file(folder / "out.jsonl"));
  for (std::string line; std::getline(lines, line);) all.lines.push_back(json::parse(line));
  const std::string text = read_file(folder / "page.html"), mark = "id=\"data\">";
  const auto begin = text.find(mark) + mark.size();
  all.page = json::parse(text.substr(begin, text.find("</script>", begin) - begin));
  return all;
}

std::string type_of(const json& line) {
  return line.value("cell_type", "");
}

std::int64_t sum_of(const json& numbers) {
  std::int64_t sum = 0;
  for (const json& one : numbers) sum += one.get<std::int64_t>();
  return sum;
}

}  // namespace

TEST_CASE("described report: types, confidences, composition and plane are those of the cells") {
  const TemporaryFolder folder;
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto cells = cells_on_a_plane(folder / "cells.h5ad", number);
  const ReportedCells all = reported(cells, "--top 3");
  const auto& [lines, page] = all;
  const auto n = static_cast<std::int64_t>(lines.size());
  CHECK(page["cells"] == n);

  std::map<std::string, std::int64_t> types, statuses;
  std::map<std::string, std::map<std::string, std::int64_t>> by_sample;
  const LabelColumn sample = anndata::DataFrame(hdf5::Group::open_file(cells), "obs").labels("sample");
  for (std::int64_t i = 0; i < n; ++i) {
    ++types[type_of(lines[i])], ++statuses[lines[i]["status"]];
    ++by_sample[sample.at(i).value_or("")][type_of(lines[i])];
  }
  std::map<std::string, std::int64_t> told;
  std::int64_t before = n;
  std::vector<std::string> order;
  for (const json& one : page["types"]) {
    told[one[0]] = one[1], order.push_back(one[0]);
    CHECK(one[1].get<std::int64_t>() <= before);
    before = one[1];
  }
  CHECK((told == types));
  CHECK(page["statuses"] == json(statuses));

  REQUIRE(page["composition"].size() == 2);  // by sample, and by the usual cluster column of the demo
  CHECK(page["composition"][1]["column"] == "louvain");
  const json composition = page["composition"][0];
  CHECK(composition["column"] == "sample");
  for (const json& group : composition["groups"]) {
    const std::string name = group["name"].is_null() ? "" : group["name"].get<std::string>();
    CHECK(group["types"] == json(by_sample.at(name)));
    CHECK(group["cells"] == sum_of(group["types"]));
  }

  REQUIRE(page["confidences"].size() == 5);
  for (const json& one : page["confidences"]) {
    const std::string label = one["label"], key = label + "_confidence";
    std::vector<std::int64_t> bins(20);
    for (const json& line : lines)
      if (line.contains(key) && line.contains(label))
        ++bins[std::min<std::size_t>(static_cast<std::size_t>(line[key].get<double>() * 20), 19)];
    CHECK(one["cells"] == json(bins));
  }

  std::vector<double> confidences;
  for (const json& line : lines)
    if (line.contains("cell_type_confidence")) confidences.push_back(line["cell_type_confidence"]);
  std::ranges::sort(confidences);
  REQUIRE(page["least"].size() == 10);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(page["least"][i]["confidence"].get<double>() == doctest::Approx(confidences[i]).epsilon(1e-3));
  CHECK(!page["least"][0]["best"].get<std::string>().empty());

  const json umap = page["umap"];
  REQUIRE(umap["x"].size() == lines.size() - 1);  // without the cell that has no place
  const auto plane = hdf5::Group::open_file(cells).dataset("obsm/X_umap").read_all<float>();
  for (std::size_t i = 0, at = 0; i < lines.size(); ++i) {
    if (i == 3) continue;
    CHECK(umap["x"][at].get<double>() == doctest::Approx(plane[2 * i]).epsilon(1e-3));
    CHECK(umap["y"][at].get<double>() == doctest::Approx(plane[2 * i + 1]).epsilon(1e-3));
    CHECK(order[umap["type"][at].get<std::size_t>()] == type_of(lines[i]));
    ++at;
  }
}

TEST_CASE("described report: of some cells, by a cluster column, without confidences or a plane") {
  const TemporaryFolder folder;
  const auto cells = cells_on_a_plane(folder / "cells.h5ad", 1);
  const ReportedCells some = reported(cells, "--cells 50 --no-confidence");
  CHECK(some.lines.size() == 50);
  CHECK(some.page["cells"] == 50);
  CHECK(some.page["confidences"].empty());
  CHECK(some.page["least"].empty());
  CHECK(some.page["umap"]["x"].size() >= 49);

  const ReportedCells flat = reported(template_cells(), "--cells 50");
  CHECK(flat.page["umap"].is_null());

  const ReportedCells clusters = reported(cells, "--cluster my_clusters --cluster-cells 5");
  CHECK(clusters.page["cells"] == 15);
  CHECK(clusters.page["composition"][1]["column"] == "my_clusters");
  CHECK(clusters.page["composition"][1]["groups"].size() == 3);
}

TEST_CASE("described report: the least certain cells are explained, as explain does it") {
  const ReportedCells all = reported(template_cells(), "--cells 40 --explain 2");
  const json least = all.page["least"];
  REQUIRE(least.size() == 10);
  CHECK_FALSE(least[2].contains("explanation"));
  for (std::size_t i = 0; i < 2; ++i) {
    const json shown = least[i]["explanation"];
    CHECK(shown["cell"] == least[i]["cell"]);
    CHECK(shown["text"] == least[i]["text"]);
    const Outcome outcome = command("explain " + quoted(template_cells()) + " --model " + quoted(template_model()) +
                                    " --threads 1 --json --row " + std::to_string(shown["row"].get<std::int64_t>()) +
                                    " --text " + quoted(std::filesystem::path(least[i]["text"].get<std::string>())));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const json whole = json::parse(outcome.out);
    CHECK(whole["cell"] == shown["cell"]);
    REQUIRE(whole["labels"].size() == shown["labels"].size());
    CHECK_FALSE(whole["labels"].empty());  // a type that is not written as the template has it is left out
    for (std::size_t l = 0; l < whole["labels"].size(); ++l) {
      const json &expected = whole["labels"][l], &label = shown["labels"][l];
      CHECK(label["label"] == expected["label"]);
      CHECK(label["value"] == expected["value"]);
      CHECK(label["log_probability"].get<double>() == doctest::Approx(expected["log_probability"].get<double>()));
      REQUIRE(label["genes"].size() == 10);
      double rest = 0;
      for (std::size_t g = 0; g < expected["genes"].size(); ++g) {
        const double share = expected["genes"][g]["attribution"];
        if (g >= 10)
          rest += share;
        else
          CHECK(label["genes"][g]["gene"] == expected["genes"][g]["gene"]);
        if (g < 10) CHECK(label["genes"][g]["attribution"].get<double>() == doctest::Approx(share));
      }
      CHECK(label["rest"].get<double>() == doctest::Approx(rest));
    }
  }
}

TEST_CASE("described report: explanations that cannot be are refused before the work") {
  const TemporaryFolder runs, folder;
  const auto refused = [&](const std::string& more, const std::filesystem::path& model = template_model()) {
    const Outcome outcome = command("describe " + quoted(template_cells()) + " --model " + quoted(model) + " -o " +
                                    quoted(folder / "out.csv") + " " + more);
    CHECK(outcome.status == 2);
    CHECK(std::filesystem::is_empty(folder.path()));
    return outcome.err;
  };
  CHECK(contains(refused("--explain 2"), "--report"));
  const std::string page = "--report " + quoted(folder / "page.html");
  CHECK(contains(refused(page + " --explain 2 --no-confidence"), "--no-confidence"));
  CHECK(contains(refused(page + " --explain 11"), "11"));

  const Outcome one_vector = command("run examples/grids/tiny/base.toml --set encoder.level=mean --out " +
                                     quoted(runs / "run"));  // a cell is one vector: no gene has one
  INFO(one_vector.err);
  REQUIRE(one_vector.status == 0);
  CHECK(contains(refused(page + " --explain 1", runs / "run/model"), "an encoder with level = \"gene\" is needed"));
}

TEST_CASE("described report: a page that cannot be written is refused before the work") {
  const TemporaryFolder folder;
  const Outcome outcome = command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) +
                                  " -o " + quoted(folder / "out.csv") + " --report " + quoted(folder / "none/p.html"));
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, (folder / "none").string()));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("oracle: described report: a browser shows it, without errors and without the network") {
  const TemporaryFolder folder;
  const auto cells = cells_on_a_plane(folder / "cells.h5ad", seed());
  const Outcome outcome = command("describe " + quoted(cells) + " --model " + quoted(template_model()) + " -o " +
                                  quoted(folder / "out.csv") + " --report " + quoted(folder / "page.html") +
                                  " --cluster my_clusters --cluster-cells 100 --explain 1");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  oracle("described_page.py", seed(), {(folder / "page.html").string()});
}
