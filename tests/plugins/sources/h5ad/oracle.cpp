// Against anndata: random files of every kind read back, and copies compared whole.
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "cell2text/io/h5ad_writer.hpp"
#include "files.hpp"

namespace cell2text::test {
namespace {

using Json = nlohmann::json;

void check_column(H5adSource& source, const std::string& name, const Json& wanted) {
  INFO("column " << name);
  const LabelColumn column = source.labels(name);
  REQUIRE(column.size() == source.size());
  const bool numeric = wanted.contains("numbers");
  const Json& values = wanted.at(numeric ? "numbers" : "values");
  for (std::int64_t row = 0; row < column.size(); ++row) {
    INFO("row " << row);
    const auto found = column.at(row);
    REQUIRE(found.has_value() == !values[row].is_null());
    if (!found) continue;
    if (numeric)
      CHECK(static_cast<float>(std::stod(*found)) == static_cast<float>(values[row].get<double>()));
    else
      CHECK(*found == values[row].get<std::string>());
  }
  if (wanted.contains("categories")) CHECK(column.values == wanted.at("categories").get<std::vector<std::string>>());
  for (const ColumnInfo& info : source.columns())
    if (info.name == name)
      CHECK(wanted.at("type") == (info.type == ColumnInfo::Type::text      ? "text"
                                  : info.type == ColumnInfo::Type::boolean ? "boolean"
                                                                           : "number"));
}

void check_rows(H5adSource& source, const std::vector<std::int64_t>& rows, const Json& wanted) {
  const CellBatch batch = source.read(rows);
  REQUIRE(batch.size() == std::ssize(rows));
  CHECK(batch.rows == rows);
  REQUIRE(batch.row_starts.size() == rows.size() + 1);
  CHECK(batch.names == source.names(rows));
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    const std::int64_t row = rows[cell];
    INFO("row " << row);
    CHECK(batch.names[cell] == wanted.at("names")[row].get<std::string>());
    CHECK(batch.totals[cell] == doctest::Approx(wanted.at("totals")[row].get<double>()));
    std::vector<float> dense(source.genes()->size(), 0);
    const auto columns = batch.columns_of(cell);
    CHECK(std::ranges::is_sorted(columns));
    for (std::size_t i = 0; i < columns.size(); ++i) dense[columns[i]] = batch.counts_of(cell)[i];
    CHECK(dense == wanted.at("counts")[row].get<std::vector<float>>());
  }
}

void check_case(const std::filesystem::path& path, std::mt19937_64& random) {
  auto wanted_path = path;
  const Json wanted = Json::parse(read_file(wanted_path.replace_extension(".json")));
  Said said;
  H5adSource::Settings settings = settings_for(path);
  settings.transpose_memory_mib = 1;
  H5adSource source(settings, said.context());
  CHECK(said.has("counts from " + wanted.at("matrix").get<std::string>()));
  CHECK(source.size() == wanted.at("cells"));
  CHECK(source.genes()->ids == wanted.at("ids").get<std::vector<std::string>>());
  CHECK(source.genes()->symbols == wanted.at("symbols").get<std::vector<std::string>>());
  CHECK((source.genes()->kind == GeneTable::Kind::ensembl) == (wanted.at("kind") == "ensembl"));
  for (const auto& [name, column] : wanted.at("obs").items()) check_column(source, name, column);

  std::vector<std::int64_t> all(source.size()), some;
  std::iota(all.begin(), all.end(), 0);
  check_rows(source, all, wanted);
  for (int i = 0; i < 25; ++i) some.push_back(static_cast<std::int64_t>(random() % source.size()));
  check_rows(source, some, wanted);
  check_rows(source, {}, wanted);
}

ObsColumn random_column(const std::string& name, int kind, std::int64_t cells, std::mt19937_64& random) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < cells; ++i) numbers.push_back(static_cast<double>(random() % 1000) / 8 - 60);
  if (kind == 0) {
    LabelColumn labels{"", {}, {}};
    const int values = random() % 2 ? 5 : 300;
    for (int i = 0; i < values; ++i) labels.values.push_back("välue " + std::to_string(i));
    for (std::int64_t i = 0; i < cells; ++i)
      labels.codes.push_back(static_cast<std::int32_t>(random() % (values + 1)) - 1);
    return {name, labels};
  }
  if (kind == 1) {
    std::vector<std::string> texts;
    for (const double number : numbers) texts.push_back(number < -50 ? "" : "T cell, β " + std::to_string(number));
    return {name, texts};
  }
  if (kind == 2) return {name, std::vector<std::int64_t>(numbers.begin(), numbers.end())};
  if (kind == 3) return {name, std::vector<float>(numbers.begin(), numbers.end())};
  if (kind == 4) {
    std::vector<bool> truths;
    for (const double number : numbers) truths.push_back(number > 0);
    return {name, truths};
  }
  numbers[0] = std::nan("");
  return {name, numbers};
}

/// The additions as JSON, for h5ad_compare.py.
Json as_json(const ObsColumn& column) {
  Json made = {{"name", column.name}};
  if (const auto* labels = std::get_if<LabelColumn>(&column.values)) {
    made["type"] = "category", made["categories"] = labels->values, made["codes"] = labels->codes;
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    made["type"] = "object", made["values"] = *texts;
  } else if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    made["type"] = "int64", made["values"] = *whole;
  } else if (const auto* narrow = std::get_if<std::vector<float>>(&column.values)) {
    made["type"] = "float32", made["values"] = *narrow;
  } else if (const auto* truths = std::get_if<std::vector<bool>>(&column.values)) {
    made["type"] = "bool", made["values"] = *truths;
  } else {
    made["type"] = "float64", made["values"] = std::get<std::vector<double>>(column.values);
  }
  return made;
}

/// The same columns in blocks of so many cells.
ObsBlocks in_blocks(const std::vector<ObsColumn>& columns, std::int64_t cells, std::int64_t block_cells) {
  const auto part = [](const ObsColumn& column, std::int64_t first, std::int64_t count) {
    ObsColumn some = column;
    std::visit(
        [&]<class Values>(Values& values) {
          if constexpr (std::is_same_v<Values, LabelColumn>)
            values.values = {}, values.codes = {values.codes.begin() + first, values.codes.begin() + first + count};
          else
            values = Values(values.begin() + first, values.begin() + first + count);
        },
        some.values);
    return some;
  };
  ObsBlocks blocks;
  for (const ObsColumn& column : columns) {
    blocks.columns.push_back(part(column, 0, 0));
    if (const auto* labels = std::get_if<LabelColumn>(&column.values))
      std::get<LabelColumn>(blocks.columns.back().values).values = labels->values;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values))
      for (const std::string& text : *texts) blocks.text_bytes += text.size();
  }
  blocks.each = [=](const ObsBlocks::Take& take) {
    for (std::int64_t first = 0; first < cells; first += block_cells) {
      std::vector<ObsColumn> block;
      for (const ObsColumn& column : columns)
        block.push_back(part(column, first, std::min(block_cells, cells - first)));
      take(block);
    }
  };
  return blocks;
}

Value text_value(const std::string& text) {
  return {text, {}};
}

void check_copy(const std::filesystem::path& input, const TemporaryFolder& folder, std::mt19937_64& random,
                std::uint64_t seed) {
  const std::int64_t cells = anndata::DataFrame(hdf5::Group::open_file(input), "obs").size();
  H5adAdditions additions;
  Json wanted = {{"columns", Json::array()}};
  for (int kind = 0; kind < 6; ++kind) {
    additions.obs.push_back(random_column("cell2text_" + std::to_string(kind), kind, cells, random));
    wanted["columns"].push_back(as_json(additions.obs.back()));
  }
  const anndata::DataFrame obs(hdf5::Group::open_file(input), "obs");
  if (random() % 2 && !obs.columns().empty()) {  // and one that is already there
    additions.overwrite = true;
    additions.obs.push_back(random_column(obs.columns().front(), static_cast<int>(random() % 6), cells, random));
    wanted["columns"].push_back(as_json(additions.obs.back()));
  }
  if (random() % 2) {
    additions.obs_blocks = in_blocks(additions.obs, cells, 1 + static_cast<std::int64_t>(random() % 50));
    additions.obs.clear();
  }
  std::vector<std::vector<float>> embedded(static_cast<std::size_t>(cells));
  for (auto& row : embedded)
    for (int i = 0; i < 7; ++i) row.push_back(static_cast<float>(random() % 2001) / 8 - 125);
  const auto rows = [&](std::int64_t first, std::span<float> values) {
    for (float& value : values) {
      const std::int64_t place = &value - values.data();
      value = embedded[static_cast<std::size_t>(first + place / 7)][static_cast<std::size_t>(place % 7)];
    }
  };
  additions.obsm.push_back({"X_new", 7, rows});
  wanted["obsm"] = {{"X_new", embedded}};
  Value about;
  about.set("version", text_value("0.1 ü"));
  about.set("cells", {std::int64_t{cells}, {}});
  about.set("share", {0.25, {}});
  about.set("done", {true, {}});
  about.set("names", {Value::Array{text_value("a"), text_value("b")}, {}});
  Value nested;
  nested.set("beams", {std::int64_t{4}, {}});
  about.set("settings", nested);
  additions.uns = {{"cell2text", about}};
  wanted["uns"] = {{"version", "0.1 ü"}, {"cells", cells},      {"share", 0.25},
                   {"done", true},       {"names", {"a", "b"}}, {"settings", {{"beams", 4}}}};

  const auto output = folder / "out.h5ad", again = folder / "again.h5ad";
  write_h5ad_copy(input, output, additions);
  write_h5ad_copy(input, again, additions);
  CHECK(read_file(output) == read_file(again));
  write_file(folder / "wanted.json", wanted.dump());
  oracle("h5ad_compare.py", seed, {input.string(), output.string(), (folder / "wanted.json").string()});
}

TEST_CASE("oracle: h5ad files of every kind are read as anndata wrote them") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder folder = oracle("h5ad.py", number);
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".h5ad") continue;
    INFO("file " << entry.path().string());
    check_case(entry.path(), random);
    ++cases;
  }
  CHECK(cases == 48);
}

TEST_CASE("oracle: a copied h5ad has all that its original has, and the new columns") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const TemporaryFolder inputs = oracle("h5ad.py", number);
  for (const int i : {0, 5, 7, 14, 42, 44, 46}) {
    const auto input = inputs / ("case_" + std::to_string(i) + ".h5ad");
    INFO("file " << input.string());
    const TemporaryFolder folder;
    check_copy(input, folder, random, number);
  }
  const auto real = source_dir() / "data/demo/pbmc.h5ad";
  if (std::filesystem::exists(real))
    check_copy(real, TemporaryFolder(), random, number);
  else
    MESSAGE("data/demo/pbmc.h5ad is absent; its copy is not compared");
}

}  // namespace
}  // namespace cell2text::test
