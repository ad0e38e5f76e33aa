// The stage `describe` on disk: the text of each cell, one behind the other.
#pragma once

#include <set>
#include <unordered_set>

#include "cell2text/dataset/build_context.hpp"
#include "cell2text/dataset/pathway_labels.hpp"
#include "cell2text/dataset/texts.hpp"

namespace cell2text::dataset {

/// Texts as the stage leaves them: text i lies between offset i and i+1. An empty one is none.
class StoredTexts {
 public:
  explicit StoredTexts(const Stage& stage)
      : file_(stage.file("texts.safetensors")),
        offsets_(file_.of<std::int64_t>("offsets")),
        bytes_(file_.of<std::uint8_t>("utf8")) {}
  std::int64_t size() const { return std::ssize(offsets_) - 1; }
  std::string_view at(std::int64_t i) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + offsets_[i],
            static_cast<std::size_t>(offsets_[i + 1] - offsets_[i])};
  }

 private:
  ArrayFile file_;
  std::span<const std::int64_t> offsets_;
  std::span<const std::uint8_t> bytes_;
};

namespace text_stage_detail {

/// What is told of all texts, for a person.
struct Summary {
  std::int64_t cells = 0, described = 0, characters = 0, longest = 0, with_pathways[3] = {0, 0, 0};
  std::unordered_set<std::size_t> distinct;  // hashes
  std::string example;

  void add(const std::string& text, std::size_t pathways) {
    ++cells;
    if (text.empty()) return;
    if (described++ == 0) example = text;
    characters += std::ssize(text);
    longest = std::max<std::int64_t>(longest, std::ssize(text));
    ++with_pathways[std::min<std::size_t>(pathways, 2)];
    distinct.insert(std::hash<std::string>{}(text));
  }
  Table table() const {
    return {{"what", "value"},
            {{"cells", std::to_string(cells)},
             {"described", std::to_string(described)},
             {"different texts", std::to_string(distinct.size())},
             {"without a pathway", std::to_string(with_pathways[0])},
             {"with one pathway", std::to_string(with_pathways[1])},
             {"with two pathways", std::to_string(with_pathways[2])},
             {"mean length in bytes", std::to_string(described ? characters / described : 0)},
             {"longest in bytes", std::to_string(longest)},
             {"the first", example}}};
  }
};

}  // namespace text_stage_detail

/// Leaves texts.safetensors (`offsets` [cells+1], `utf8`). `cells` are the dataset's; `pathways` knows those of each.
inline Stage text_stage(const BuildContext& context, const std::string& inputs, std::span<const std::int64_t> cells,
                        const PathwayLabels& pathways) {
  const TextSettings& settings = context.file.descriptions;
  const StageKey key = StageKey("describe", 2)
                           .on(inputs)
                           .on(pathways.key())
                           .on(context.content(context.file.pathways.descriptions))
                           .on(context.content(settings.ontology))
                           .on(settings.preset)
                           .on(settings.tissue_sentence.value_or(""))
                           .on(settings.tissue_sentence ? context.content(settings.tissue_ontology) : "")
                           .on(settings.disease_sentence.value_or(""))
                           .on(context.content(settings.disease_ontology));
  return context.stage("describe", key, [&](const std::filesystem::path& folder) {
    CellTexts texts(context.table, settings);
    text_stage_detail::Summary summary;
    std::vector<std::int64_t> offsets{0};
    const auto text_of = [&](std::int64_t i) {
      return texts.text(cells[i], pathways.sentences(i)).value_or(std::string());
    };
    const std::int64_t count = std::ssize(cells);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string text = text_of(i);
      summary.add(text, pathways.names(i).size());
      offsets.push_back(offsets.back() + std::ssize(text));
      if (i % 4096 == 0) context.observer.progress("describe", i / 2, count);
    }
    SafetensorsWriter writer(folder / "texts.safetensors", {{"offsets", SafetensorsDtype::I64, {count + 1}},
                                                            {"utf8", SafetensorsDtype::U8, {offsets.back()}}});
    writer.write(std::as_bytes(std::span(offsets)));
    std::string block;
    for (std::int64_t i = 0; i < count; ++i) {
      block += text_of(i);
      if (block.size() < (std::size_t{1} << 20) && i + 1 < count) continue;
      writer.write_part(std::as_bytes(std::span(block)));
      block.clear();
      context.observer.progress("describe", (count + i) / 2 + 1, count);
    }
    writer.commit();
    write_table(folder, summary.table());
    return nlohmann::json{{"described", summary.described},
                          {"texts", summary.distinct.size()},
                          {"ontology_release", texts.ontology() ? texts.ontology()->release() : ""}};
  });
}

}  // namespace cell2text::dataset
