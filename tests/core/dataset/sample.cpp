// The composite sample: sizes, shares and caps, on tables of labels made anew at each run.
#include "cell2text/dataset/sample.hpp"

#include <functional>
#include <map>

#include "cell2text/dataset/donors.hpp"
#include "core/dataset/random_labels.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using dataset::draw_sample;
using dataset::Sample;
using dataset::SamplePart;
using dataset::SampleReport;
using dataset::SampleSettings;

namespace {

/// Shares at random that add up to 1, some of them 0.
SampleSettings random_sample_settings(std::int64_t cells, std::mt19937_64& random) {
  SampleSettings settings;
  settings.cells.value = cells;
  double weights[5], sum = 0;
  for (double& weight : weights) sum += weight = static_cast<double>(random() % 4);
  if (sum == 0) sum = weights[0] = 1;
  const auto share = [&](int i) { return weights[i] / sum; };
  settings.whole_share = share(0), settings.cell_type_share = share(1), settings.disease_share = share(2);
  settings.donor_share = share(3), settings.rare_tissue_share = share(4);
  const auto number = [&] { return static_cast<double>(random() % 101) / 100; };
  settings.tissue_caps = {{{"brain", number()}, {"organ 3", number()}, {"nowhere", number()}}};
  settings.disease_caps = {{{"normal", number()}, {"COVID-19", number()}}};
  settings.cell_type_cap = number(), settings.disease_cap = number(), settings.donor_cap = number();
  settings.rare_percentile = static_cast<double>(random() % 101);
  if (random() % 2) settings.rare_by = "tissue";
  return settings;
}

/// The rule of a cap, said once more.
std::int64_t at_most(double cap, std::int64_t size) {
  return cap == 0 ? 0 : std::max<std::int64_t>(1, static_cast<std::int64_t>(cap * static_cast<double>(size) + 1e-9));
}

/// The sample of one part alone.
SampleSettings only(SamplePart part, std::int64_t cells) {
  SampleSettings settings;
  settings.cells.value = cells;
  settings.whole_share = part == SamplePart::whole, settings.cell_type_share = part == SamplePart::cell_type;
  settings.disease_share = part == SamplePart::disease, settings.donor_share = part == SamplePart::donor;
  settings.rare_tissue_share = part == SamplePart::rare_tissue;
  return settings;
}

/// Cells of each text of a column; missing and unknown ones under "".
std::map<std::string, std::int64_t> texts_of(const LabelColumn& column, const std::vector<std::int64_t>& cells) {
  std::map<std::string, std::int64_t> counts;
  for (const std::int64_t row : cells) ++counts[known_value(column.at(row)).value_or("")];
  return counts;
}

std::vector<std::int64_t> cells_of(const Sample& sample, SamplePart part) {
  std::vector<std::int64_t> cells;
  for (std::size_t i = 0; i < sample.cells.size(); ++i)
    if (sample.parts[i] == part) cells.push_back(sample.cells[i]);
  return cells;
}

/// Each category of a part drawn alone has what its cap allows, or less where the part was cut to its size.
void check_categories(const Sample& sample, SamplePart part, std::int64_t size,
                      const std::map<std::string, std::int64_t>& available, const LabelColumn& column,
                      const std::function<double(const std::string&)>& cap) {
  auto drawn = texts_of(column, cells_of(sample, part));
  std::int64_t allowed = 0;
  for (const auto& [name, cells] : available)
    if (!name.empty()) allowed += std::min(cells, at_most(cap(name), size));
  CHECK(sample.report.parts[static_cast<std::size_t>(part)].drawn == std::min(size, allowed));
  CHECK(drawn[""] == 0);
  for (const auto& [name, cells] : available) {
    if (name.empty()) continue;
    INFO(name << ": " << cells << " cells, cap " << cap(name) << " of " << size);
    const std::int64_t most = std::min(cells, at_most(cap(name), size));
    if (allowed <= size)
      CHECK(drawn[name] == most);
    else
      CHECK(drawn[name] <= most);
  }
}

}  // namespace

TEST_CASE(
    "sample: any table and settings give exactly the cells asked, each once, with a part and a report that agree") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 80; ++round) {
    INFO("round " << round);
    const test::LabelTable table = test::random_labels(test::random_size(round < 5 ? 20000 : 3000, random), random);
    const auto available = static_cast<std::int64_t>(table.cells.size());
    const SampleSettings settings = random_sample_settings(test::random_size(available + 5, random), random);
    const LabelColumn donors = donors_of(table.view(), {});
    const Sample sample = draw_sample(table.view(), &donors, settings, seed + round);
    const SampleReport& report = sample.report;

    REQUIRE(static_cast<std::int64_t>(sample.cells.size()) == std::min(available, *settings.cells.value));
    REQUIRE(sample.parts.size() == sample.cells.size());
    CHECK(std::ranges::adjacent_find(sample.cells, std::greater_equal{}) == sample.cells.end());
    CHECK(std::ranges::includes(table.cells, sample.cells));
    CHECK(report.taken == static_cast<std::int64_t>(sample.cells.size()));
    CHECK(report.available == available);
    CHECK(report.asked == settings.cells.value);
    const Sample again = draw_sample(table.view(), &donors, settings, seed + round);
    CHECK(again.cells == sample.cells);
    CHECK((again.parts == sample.parts));
    if (report.taken == available) {
      CHECK(std::ranges::count(sample.parts, SamplePart::all) == available);
      CHECK(report.parts.empty());
      continue;
    }
    REQUIRE(report.parts.size() == 5);
    const double shares[] = {settings.whole_share, settings.cell_type_share, settings.disease_share,
                             settings.donor_share, settings.rare_tissue_share};
    std::int64_t asked = 0, kept = 0;
    for (std::size_t p = 0; p < 5; ++p) {
      const SampleReport::Part& part = report.parts[p];
      CHECK(std::abs(static_cast<double>(part.asked) - shares[p] * static_cast<double>(report.taken)) <= 1);
      CHECK(part.kept <= part.drawn);
      CHECK(part.drawn <= part.asked);
      CHECK(part.kept == std::ranges::count(sample.parts, part.part));
      asked += part.asked, kept += part.kept;
    }
    CHECK(asked == report.taken);
    CHECK(report.topped_up == report.taken - kept);
    CHECK(report.topped_up == std::ranges::count(sample.parts, SamplePart::top_up));
    CHECK(std::ranges::count(sample.parts, SamplePart::all) == 0);
    CHECK(report.parts[0].kept == report.parts[0].drawn);  // nothing is drawn before it
    for (const SampleReport::Cap& cap : report.caps) {
      INFO(cap.name);
      CHECK(cap.held_back >= 0);
      CHECK(cap.held_back <= cap.cells);
      if (cap.part == SamplePart::whole) continue;
      CHECK(cap.held_back == std::max<std::int64_t>(0, cap.cells - cap.at_most));
    }
  }
}

TEST_CASE("sample: each part holds its caps exactly") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    const test::LabelTable table = test::random_labels(test::random_size(5000, random), random);
    const auto available = static_cast<std::int64_t>(table.cells.size());
    if (available < 2) continue;
    const std::int64_t size = std::min(available - 1, test::random_size(available, random));
    const LabelColumn donors = donors_of(table.view(), {});
    const auto drawn_alone = [&](SamplePart part) {
      SampleSettings settings = random_sample_settings(size, random);
      const SampleSettings alone = only(part, size);
      settings.whole_share = alone.whole_share, settings.cell_type_share = alone.cell_type_share;
      settings.disease_share = alone.disease_share, settings.donor_share = alone.donor_share;
      settings.rare_tissue_share = alone.rare_tissue_share;
      return std::pair(draw_sample(table.view(), &donors, settings, seed + round), settings);
    };
    {
      const auto [sample, settings] = drawn_alone(SamplePart::cell_type);
      check_categories(sample, SamplePart::cell_type, size, texts_of(table.cell_type, table.cells), table.cell_type,
                       [&](const std::string&) { return settings.cell_type_cap; });
    }
    {
      const auto [sample, settings] = drawn_alone(SamplePart::disease);
      check_categories(sample, SamplePart::disease, size, texts_of(table.disease, table.cells), table.disease,
                       [&](const std::string& name) { return settings.disease_caps.of(name, settings.disease_cap); });
    }
    {
      const auto [sample, settings] = drawn_alone(SamplePart::donor);
      check_categories(sample, SamplePart::donor, size, texts_of(donors, table.cells), donors,
                       [&](const std::string&) { return settings.donor_cap; });
    }
    {
      const auto [sample, settings] = drawn_alone(SamplePart::rare_tissue);
      const LabelColumn& column = settings.rare_by == "tissue" ? table.tissue : table.tissue_general;
      auto tissues = texts_of(column, table.cells);
      tissues.erase("");
      std::int64_t rare = 0, below = 0;
      for (const auto& [name, cells] : tissues) {
        if (static_cast<double>(cells) <= sample.report.rare_cells) rare += cells, ++below;
      }
      if (!tissues.empty()) CHECK(below >= 1);  // of numbers, the smallest is at or below any percentile
      CHECK(sample.report.parts[4].drawn == std::min(size, rare));
      for (const auto& [name, cells] : texts_of(column, cells_of(sample, SamplePart::rare_tissue)))
        CHECK(static_cast<double>(tissues[name]) <= sample.report.rare_cells);
    }
    {
      const auto [sample, settings] = drawn_alone(SamplePart::whole);
      auto found = texts_of(table.tissue_general, cells_of(sample, SamplePart::whole));
      auto tissues = texts_of(table.tissue_general, table.cells);
      std::int64_t capped = 0, others = available;  // cells that the caps let through; cells of tissues without a cap
      for (const auto& [name, cap] : settings.tissue_caps.list) {
        INFO(name << ": " << tissues[name] << " cells, cap " << cap << " of " << size);
        CHECK(found[name] <= std::min(tissues[name], at_most(cap, size)));
        capped += found[name], others -= tissues[name];
      }
      CHECK(sample.report.parts[0].drawn == capped + std::min(others, size - capped));
    }
  }
}

TEST_CASE("sample: tissues keep their proportion, and what a cap holds back goes to the others in proportion") {
  std::vector<std::string> tissues(6000, "brain");
  tissues.insert(tissues.end(), 2000, "blood");
  tissues.insert(tissues.end(), 1500, "lung");
  tissues.insert(tissues.end(), 500, "");
  const LabelColumn column = test::column_of_texts("tissue_general", tissues);
  std::vector<std::int64_t> cells(tissues.size());
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.tissue_general = &column, .cells = cells};
  SampleSettings settings = only(SamplePart::whole, 1000);
  const auto counts_with = [&](NamedNumbers caps) {
    settings.tissue_caps = std::move(caps);
    return texts_of(column, draw_sample(labels, nullptr, settings, 5).cells);
  };
  auto counts = counts_with({{{"brain", 0.2}, {"blood", 0.6}}});  // 800 for 4000 cells: a fifth of each
  CHECK(counts["brain"] == 200);
  CHECK(counts["blood"] == 400);
  CHECK(counts["lung"] + counts[""] == 400);
  counts = counts_with({{{"brain", 0.2}, {"blood", 0.15}}});  // without brain, blood is above its cap too
  CHECK(counts["brain"] == 200);
  CHECK(counts["blood"] == 150);
  CHECK(counts_with({{{"blood", 0.15}, {"brain", 0.2}}}) == counts);
  counts = counts_with({{{"brain", 0.7}, {"blood", 0.3}}});  // neither cap is reached
  CHECK(counts["brain"] == 600);
  CHECK(counts["blood"] == 200);
  counts = counts_with({{{"brain", 0}}});
  CHECK(counts["brain"] == 0);
}

TEST_CASE("sample: what a cap held back is told, also for a name that no cell has") {
  std::vector<std::string> tissues(80, "brain");
  tissues.insert(tissues.end(), 20, "lung");
  std::vector<std::string> diseases(90, "normal");
  diseases.insert(diseases.end(), {"flu", "flu", "flu", "flu", "cold", "", "", "", "", ""});
  const LabelColumn tissue = test::column_of_texts("tissue_general", tissues),
                    disease = test::column_of_texts("disease", diseases);
  std::vector<std::int64_t> cells(100);
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.tissue_general = &tissue, .disease = &disease, .cells = cells};
  SampleSettings settings;
  settings.cells.value = 50;
  settings.whole_share = 0.4, settings.disease_share = 0.6;
  settings.cell_type_share = settings.donor_share = settings.rare_tissue_share = 0;
  const Sample sample = draw_sample(labels, nullptr, settings, 1);
  const auto cap_of = [&](const std::string& name) {
    const auto found = std::ranges::find(sample.report.caps, name, &SampleReport::Cap::name);
    REQUIRE(found != sample.report.caps.end());
    return *found;
  };
  CHECK(cap_of("brain").cells == 80);
  CHECK(cap_of("brain").at_most == 4);     // a fifth of 20
  CHECK(cap_of("brain").held_back == 12);  // 16 of 20 without it
  CHECK(cap_of("blood").cells == 0);
  CHECK(cap_of("blood").held_back == 0);
  CHECK(cap_of("normal").at_most == 21);  // .7 of 30
  CHECK(cap_of("normal").held_back == 69);
  CHECK(cap_of("COVID-19").cells == 0);
  CHECK(cap_of("flu").at_most == 1);  // .03 of 30 is no whole cell
  CHECK(cap_of("flu").held_back == 3);
  CHECK(sample.report.caps.size() == 5);      // the cold is within its cap
  CHECK(sample.report.parts[0].drawn == 20);  // 4 of the brain, 16 of the lung
  CHECK(sample.report.parts[2].drawn == 23);
}

TEST_CASE("sample: where no more cells are in play than asked, all are taken") {
  std::mt19937_64 random(1);
  test::LabelTable table = test::random_labels(200, random);
  const auto n = static_cast<std::int64_t>(table.cells.size());
  for (const std::int64_t asked : {n, n + 1, 10 * n}) {
    SampleSettings settings;
    settings.cells.value = asked;
    const Sample sample = draw_sample(table.view(), nullptr, settings, 3);
    CHECK(sample.cells == table.cells);
    CHECK(sample.report.taken == n);
    CHECK(sample.report.asked == asked);
  }
  CHECK(draw_sample(table.view(), nullptr, {}, 3).cells == table.cells);
  CHECK(!draw_sample(table.view(), nullptr, {}, 3).report.asked);
  table.cells.clear();
  CHECK(draw_sample(table.view(), nullptr, {}, 3).cells.empty());
}

TEST_CASE("sample: a cap that cannot be met leaves its part short, and any cells top the sample up") {
  const LabelColumn column = test::column_of_texts("tissue_general", std::vector<std::string>(1000, "brain"));
  std::vector<std::int64_t> cells(1000);
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.tissue_general = &column, .cells = cells};
  const Sample sample = draw_sample(labels, nullptr, only(SamplePart::whole, 500), 1);
  CHECK(sample.cells.size() == 500);
  CHECK(sample.report.parts[0].drawn == 100);
  CHECK(sample.report.topped_up == 400);
  const Sample rare = draw_sample(labels, nullptr, only(SamplePart::rare_tissue, 500), 1);
  CHECK(rare.report.rare_cells == 1000);  // the only tissue is the rarest one
  CHECK(rare.report.topped_up == 0);
}

TEST_CASE("sample: another seed draws other cells, and a part's draws do not depend on the other parts") {
  std::mt19937_64 random(9);
  const test::LabelTable table = test::random_labels(20000, random);
  const LabelColumn donors = donors_of(table.view(), {});
  SampleSettings settings;
  settings.cells.value = 1000;
  const Sample one = draw_sample(table.view(), &donors, settings, 1),
               other = draw_sample(table.view(), &donors, settings, 2);
  CHECK(one.cells != other.cells);
  settings.cell_type_cap = 0.5;
  const Sample wider = draw_sample(table.view(), &donors, settings, 1);
  CHECK(cells_of(wider, SamplePart::whole) == cells_of(one, SamplePart::whole));
}

TEST_CASE("sample: parts do not draw the same cells because they draw alike") {
  const LabelColumn column = test::column_of_texts("label", std::vector<std::string>(10000, "same"));
  std::vector<std::int64_t> cells(10000);
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.cell_type = &column, .disease = &column, .cells = cells};
  SampleSettings settings = only(SamplePart::cell_type, 2000);
  settings.cell_type_share = settings.disease_share = 0.5;
  settings.cell_type_cap = settings.disease_cap = 1;
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const Sample sample = draw_sample(labels, nullptr, settings, seed);
  CHECK(sample.report.parts[2].drawn == 1000);
  CHECK(std::abs(static_cast<double>(sample.report.parts[2].kept) - 900) < 70);  // a tenth of the cells twice; 8 sigma
}

TEST_CASE("sample: within a group every cell is as likely as the next") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::vector<std::string> types(60, "a");
  types.insert(types.end(), 40, "b");
  const LabelColumn column = test::column_of_texts("cell_type", types);
  std::vector<std::int64_t> cells(100), times(100);
  std::iota(cells.begin(), cells.end(), 0);
  const dataset::LabelView labels{.cell_type = &column, .cells = cells};
  SampleSettings settings = only(SamplePart::cell_type, 40);
  settings.cell_type_cap = 0.75;  // 30 of each are drawn, of these 40 kept
  constexpr int rounds = 20000;
  for (int round = 0; round < rounds; ++round)
    for (const std::int64_t row : draw_sample(labels, nullptr, settings, seed + round).cells) ++times[row];
  for (std::size_t row = 0; row < times.size(); ++row) {
    const double p = row < 60 ? 30. / 60 * 40 / 60 : 30. / 40 * 40 / 60;
    INFO("cell " << row);
    CHECK(std::abs(static_cast<double>(times[row]) - rounds * p) < 6 * std::sqrt(rounds * p * (1 - p)));
  }
}

TEST_CASE("sample: a column that a part needs and the cells lack is told with the key, and not asked for at share 0") {
  const LabelColumn types = test::column_of_texts("cell_type", {"a", "b", "a"});
  const std::vector<std::int64_t> cells{0, 1, 2};
  const dataset::LabelView labels{.cell_type = &types, .cells = cells};
  const auto fault = [&](SamplePart part, bool caps = true) {
    SampleSettings settings = only(part, 2);
    if (!caps) settings.tissue_caps = {};
    return test::message_of<InputError>([&] { draw_sample(labels, nullptr, settings, 1); });
  };
  CHECK(test::has(fault(SamplePart::whole), "say sample.tissue_caps = {}"));
  CHECK(test::has(fault(SamplePart::disease),
                  "sample.disease_share is above 0, but the cells have no column of the "
                  "disease; name it, or set that share to 0"));
  CHECK(test::has(fault(SamplePart::donor), "no column of the donor"));
  CHECK(test::has(fault(SamplePart::rare_tissue), "no column of the tissue_general"));
  SampleSettings settings = only(SamplePart::whole, 2);
  settings.tissue_caps = {};
  CHECK(draw_sample(labels, nullptr, settings, 1).cells.size() == 2);
  CHECK(draw_sample(labels, nullptr, only(SamplePart::cell_type, 2), 1).cells.size() == 2);
  const dataset::LabelView untyped{.tissue = &types, .cells = cells};
  CHECK(
      test::has(test::message_of<InputError>([&] { draw_sample(untyped, nullptr, only(SamplePart::cell_type, 2), 1); }),
                "no column of the cell_type"));
}
