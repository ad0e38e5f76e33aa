// Descriptions: labels in lines, and behind a byte of zero a text that a model wrote. Nothing may throw.
#pragma once

#include "cell2text/text/description.hpp"
#include "cell2text/text/label_reader.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool labels(std::string_view input) {
  const Parts parts(input);
  std::vector<std::string> lines;
  for (std::string_view rest = parts.first; !rest.empty() && lines.size() < 20;) {
    const auto end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const KnownLabelReader reader(lines, lines, lines);
  const auto known = [&](const std::optional<std::string>& label) {
    return !label || label == template_text::normal || std::ranges::find(lines, *label) != lines.end();
  };
  for (const std::string_view text : {parts.first, parts.second}) {
    const ReadLabels read = reader.read(text);
    require(known(read.cell_type) && known(read.tissue) && known(read.disease), "a label that is read is a known one");
    require(!read.stage || std::ranges::find(age_buckets, *read.stage) != age_buckets.end(), "a stage is a bucket");
    read_labels_paper(text);
    age_bucket(text);
  }
  lines.resize(8);
  CellFacts facts;
  facts.cell_type = lines[0], facts.cell_type_definition = lines[1], facts.tissue = lines[2];
  facts.tissue_general = lines[3], facts.disease = lines[4], facts.sex = lines[5], facts.development_stage = lines[6];
  facts.pathway_descriptions = {lines[7], std::string(parts.second)};
  for (const auto preset : {DescriptionStyle::Preset::paper, DescriptionStyle::Preset::authors}) {
    const auto text = describe(facts, {preset});
    require(text.has_value() == known_value(facts.cell_type).has_value(), "a cell with a type has a description");
    if (text) reader.read(*text), read_labels_paper(*text);
  }
  return true;
}

}  // namespace cell2text::fuzz
