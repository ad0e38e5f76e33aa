// A matrix of 10x Genomics as text: the market file, and behind a byte of zero a table beside it. However the text is cut
// into pieces, it is read as the same; entries written again are read as the same.
#pragma once

#include <tuple>
#include <vector>

#include "plugins/sources/tenx/market_parser.hpp"
#include "plugins/sources/tenx/tables.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace tenx_target {

/// What a parser gave, or why it refused.
template <class Item>
struct Read {
  std::vector<Item> items;
  std::string refusal;

  bool operator==(const Read&) const = default;
};

template <class Item, class Parser, class Add>
Read<Item> read(std::string_view text, std::size_t step, Parser&& parser, const Add& add) {
  Read<Item> all;
  try {
    const auto use = [&](const auto&... parts) { add(all.items, parts...); };
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) parser.feed(text.substr(0, step), use);
    parser.finish(use);
  } catch (const InputError& error) {
    all.refusal = error.what();
  }
  return all;
}

using Entry = std::tuple<std::int32_t, std::int32_t, float>;

inline Read<Entry> market(std::string_view text, std::size_t step, tenx::MarketHeader& header) {
  tenx::MarketParser parser("x.mtx");
  auto all = read<Entry>(text, step, parser, [&](auto& items, std::int32_t row, std::int32_t column, float value) {
    header = *parser.header();
    require(row >= 0 && row < header.rows && column >= 0 && column < header.columns, "an entry is inside of its matrix");
    require(value >= 0 && value <= std::numeric_limits<float>::max(), "a value is a count");
    items.emplace_back(row, column, value);
  });
  if (parser.header()) header = *parser.header();
  return all;
}

using Fields = std::vector<std::string>;

inline Read<Fields> table(std::string_view text, std::size_t step) {
  return read<Fields>(text, step, tenx::TableParser("x.tsv"), [](auto& items, const auto& fields) {
    items.emplace_back(fields.begin(), fields.end());
    require(!fields.empty() && !fields.front().empty(), "a line has a name");
    tenx::FeatureTable features;
    tenx::add_feature(features, fields);
    require(features.size() == 1 && features.names.size() == 1 && features.types.size() == 1, "a line is a feature");
  });
}

inline std::string written(const tenx::MarketHeader& header, const std::vector<Entry>& entries) {
  std::string text = "%%MatrixMarket matrix coordinate real general\n" + std::to_string(header.rows) + " " +
                     std::to_string(header.columns) + " " + std::to_string(entries.size()) + "\n";
  char line[96];
  for (const auto& [row, column, value] : entries) {
    std::snprintf(line, sizeof line, "%d %d %.9g\n", row + 1, column + 1, static_cast<double>(value));
    text += line;
  }
  return text;
}

}  // namespace tenx_target

inline bool tenx(std::string_view input) {
  using namespace tenx_target;
  const Parts parts(input);
  cell2text::tenx::MarketHeader header;
  const auto whole = market(parts.first, parts.first.size() + 1, header);
  const auto lines = table(parts.second, parts.second.size() + 1);
  for (const std::size_t step : {1, 7}) {
    require(market(parts.first, step, header) == whole, "a market file is the same in pieces");
    require(table(parts.second, step) == lines, "a table is the same in pieces");
  }
  for (const std::string& refusal : {whole.refusal, lines.refusal})
    require(refusal.empty() || refusal.size() > 10, "an error says something");
  if (!whole.refusal.empty() || !lines.refusal.empty()) return false;
  require(header.entries == static_cast<std::int64_t>(whole.items.size()), "as many entries as the header says");
  cell2text::tenx::MarketHeader again;
  require(market(written(header, whole.items), 4096, again) == whole, "entries are written and read back");
  return true;
}

}  // namespace cell2text::fuzz
