// What is checked of a baseline, fitted on made-up cells of two kinds.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cell2text/conformance/common_checks.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::baseline> {
  using Kind = kinds::baseline;
  using Object = Built<Kind>;

  /// Labelled cells; those of one type have embeddings and genes in common. `labelled` leaves out what is not told to
  /// predict.
  static BaselineCells input(std::int64_t size, std::uint64_t number, bool labelled) {
    BaselineCells all{.size = size, .embeddings_NE = normal({size, 16}, number), .counts = {}};
    std::vector<int> expressed;
    for (std::int64_t i = 0; i < size; ++i) expressed.push_back(i % 2 ? 20 : 6);
    all.counts = cells(expressed, number);
    LabelColumn type{"cell_type", {"B cell", "platelet"}, {}}, tissue{"tissue", {"blood"}, {}};
    for (std::int64_t i = 0; i < size; ++i) {
      all.embeddings_NE[i][0] = i % 2 ? 3.0 : -3.0;
      type.codes.push_back(static_cast<std::int32_t>(i % 2));
      tissue.codes.push_back(0);
    }
    if (labelled) all.labels = {std::move(type), std::move(tissue)};
    return all;
  }

  /// Fitted.
  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    Object made = build<Kind>(subject, settings, seed);
    made->fit(input(60, 1, true), input(12, 2, true), [] { return false; });
    return made;
  }

  static Tensors outputs(const BaselineAnswers& answers) {
    Tensors all{torch::tensor(answers.copied, at::TensorOptions(torch::kInt64))};
    for (const auto* columns : {&answers.labels, &answers.pathways})
      for (const LabelColumn& column : *columns)
        all.push_back(torch::tensor(column.codes, at::TensorOptions(torch::kInt32)));
    std::vector<std::int64_t> texts;
    for (const std::string& text : answers.texts)
      texts.push_back(static_cast<std::int64_t>(std::hash<std::string>()(text)));
    all.push_back(torch::tensor(texts, at::TensorOptions(torch::kInt64)));
    return all;
  }
  /// Answers for cells that it was not fitted on; one that looks at another baseline's labels gets the truth.
  static Tensors outputs(Object& baseline, std::uint64_t number) {
    return outputs(baseline->predict(input(10, 10 + number, baseline->needs().another_labels)));
  }

  static std::vector<Check> checks() {
    return {{"answers", "what is predicted cannot be scored, or is scored as the answer to another question", &answers},
            {"saving", "a resumed run compares with another baseline than the one that was fitted", &saving}};
  }

 private:
  static void answers(Subject& subject) {
    const Object baseline = make(subject, subject.settings, 1);
    const BaselineAnswers found = baseline->predict(input(10, 11, baseline->needs().another_labels));
    expect(!found.labels.empty() || !found.texts.empty() || !found.copied.empty() || !found.pathways.empty(),
           "it says nothing of the cells: neither labels, pathways, texts nor cells to copy from");
    for (const auto* columns : {&found.labels, &found.pathways})
      for (const LabelColumn& column : *columns)
        for (const std::int32_t code : column.codes)
          expect(code >= -1 && code < std::ssize(column.values), "a code of '" + column.name + "' is " +
                                                                     std::to_string(code) + " of " +
                                                                     std::to_string(column.values.size()) + " values");
    for (const std::int64_t copied : found.copied)
      expect(copied >= 0 && copied < 60,
             "it copies the description of training cell " + std::to_string(copied) + " of 60");
  }

  static void saving(Subject& subject) {
    const TemporaryFolder folder;
    Object fitted = make(subject, subject.settings, 1), opened = build<Kind>(subject, 2);
    std::filesystem::create_directory(folder / "saved");
    fitted->save(folder / "saved");
    std::filesystem::rename(folder / "saved", folder / "moved");
    opened->load(folder / "moved");
    expect_same(outputs(opened, 1), outputs(fitted, 1), 0, "saved and loaded, and before");
  }
};

}  // namespace cell2text::conformance
