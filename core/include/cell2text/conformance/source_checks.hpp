// What is checked of a source, on the file that its settings name.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "cell2text/conformance/common_checks.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::source> {
  using Kind = kinds::source;
  using Object = Built<Kind>;
  using Rows = std::vector<std::int64_t>;

  /// Opening may wait until the first question.
  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    Object made = build<Kind>(subject, settings, seed);
    made->size();
    return made;
  }

  static Tensors outputs(const CellBatch& cells) {
    return {torch::tensor(cells.rows, at::TensorOptions(torch::kInt64)),
            torch::tensor(cells.row_starts, at::TensorOptions(torch::kInt64)),
            torch::tensor(cells.columns, at::TensorOptions(torch::kInt32)),
            torch::tensor(cells.counts, at::TensorOptions(torch::kFloat32)),
            torch::tensor(cells.totals, at::TensorOptions(torch::kFloat64))};
  }
  /// A few rows, neither in order nor side by side.
  static Rows rows(std::int64_t size, std::uint64_t number) {
    Rows all;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(size, 5); ++i)
      all.push_back((static_cast<std::int64_t>(number) + 7 * (5 - i)) % size);
    return all;
  }
  static Tensors outputs(Object& source, std::uint64_t number) {
    return outputs(source->read(rows(source->size(), number)));
  }

  static std::vector<Check> checks() {
    return {
        {"shapes", why_shapes(), &shapes},
        {"rows", "cells are described from the counts of other cells", &by_row},
        {"labels", "a model is trained on the labels of other cells", &labels},
        {"refusals", "a mistyped column, or a row that is not there, ends in a crash or in made-up cells", &refusals}};
  }

 private:
  static const char* why_shapes() { return "encoders read counts of the wrong genes, or beyond the end of an array"; }

  static void shapes(Subject& subject) {
    auto source = make(subject, subject.settings, 1);
    const std::int64_t size = source->size();
    const auto genes = source->genes();
    if (size == 0) throw NotRun("the file has no cells; name one that has some with --set");
    expect(genes && genes->size() > 0, "it has no genes");
    expect(genes->symbols.empty() || std::ssize(genes->symbols) == genes->size(),
           "symbols and ids of the genes differ in number");
    const Rows wanted = rows(size, 1);
    const CellBatch cells = source->read(wanted);
    expect_whole(cells, wanted);
    expect(cells.genes == genes, "a batch has a gene table of its own; all share the source's");
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) expect_cell(cells, cell);
    expect(source->read({}).size() == 0, "no rows were asked for, and some came");
  }

  /// Its arrays belong together, so that each of its cells can be looked at.
  static void expect_whole(const CellBatch& cells, const Rows& wanted) {
    const auto B = wanted.size();
    expect(cells.rows == wanted, "the rows that it read are not those that were asked for, in their order");
    expect(cells.names.size() == B && cells.totals.size() == B && cells.row_starts.size() == B + 1,
           "names, totals or row_starts are not for " + std::to_string(B) + " cells");
    expect(cells.row_starts.front() == 0 && cells.row_starts.back() == std::ssize(cells.columns) &&
               cells.columns.size() == cells.counts.size() && std::ranges::is_sorted(cells.row_starts),
           "row_starts, columns and counts do not belong together");
  }

  static void expect_cell(const CellBatch& cells, std::int64_t cell) {
    const auto columns = cells.columns_of(cell);
    double sum = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      expect(columns[i] >= 0 && columns[i] < cells.genes->size(),
             "a column is " + std::to_string(columns[i]) + " of " + std::to_string(cells.genes->size()));
      expect(i == 0 || columns[i - 1] < columns[i], "columns of a cell are not ascending");
      const float count = cells.counts_of(cell)[i];
      expect(std::isfinite(count) && count >= 0, "a count is " + std::to_string(count));
      sum += count;
    }
    expect(cells.totals[cell] >= sum * (1 - 1e-6), "a cell's total is " + std::to_string(cells.totals[cell]) +
                                                       ", and its counts sum to " + std::to_string(sum));
  }

  /// Row by row as together, in any order, and twice.
  static void by_row(Subject& subject) {
    auto source = make(subject, subject.settings, 1);
    if (source->size() == 0) throw NotRun("the file has no cells");
    Rows wanted = rows(source->size(), 1);
    wanted.push_back(wanted.front());
    const CellBatch together = source->read(wanted);
    expect_whole(together, wanted);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const CellBatch alone = source->read(Rows{wanted[i]}), same = cell_of(together, static_cast<std::int64_t>(i));
      const std::string row = "row " + std::to_string(wanted[i]);
      expect_same(outputs(alone), outputs(same), 0, row + " alone, and among others");
      expect(alone.names == same.names, row + " has one name alone and another among others");
    }
    CellBatch used = source->read(Rows{wanted.front()});
    source->read(wanted, used);
    expect_same(outputs(used), outputs(together), 0, "cells in the place of others, and in a new batch");
    expect(used.names == together.names, "cells in the place of others have other names than in a new batch");
  }

  static void labels(Subject& subject) {
    auto source = make(subject, subject.settings, 1);
    std::set<std::string> names;
    for (const ColumnInfo& column : source->columns()) {
      expect(names.insert(column.name).second, "two columns are called '" + column.name + "'");
      const LabelColumn labels = source->labels(column.name);
      expect(labels.name == column.name, "column '" + column.name + "' calls itself '" + labels.name + "'");
      expect(labels.size() == source->size(), "column '" + column.name + "' has " + std::to_string(labels.size()) +
                                                  " values for " + std::to_string(source->size()) + " cells");
      for (const std::int32_t code : labels.codes)
        expect(code >= -1 && code < std::ssize(labels.values), "a code of column '" + column.name + "' is " +
                                                                   std::to_string(code) + " of " +
                                                                   std::to_string(labels.values.size()) + " values");
    }
  }

  static void refusals(Subject& subject) {
    auto source = make(subject, subject.settings, 1);
    const std::string name = "cell2text no such column";
    const Fault column = guarded([&] { source->labels(name); });
    expect(column.kind == Fault::Kind::input && column.message.find(name) != std::string::npos,
           "a column that is not there: " + (column ? exception_text(column) : std::string("it gives labels")) +
               "; an InputError that names it was expected");
    for (const std::int64_t row : {source->size(), std::int64_t{-1}})
      expect(static_cast<bool>(guarded([&] { source->read(Rows{row}); })),
             "row " + std::to_string(row) + " of " + std::to_string(source->size()) + " is read without an error");
  }
};

}  // namespace cell2text::conformance
