#include "cell2text/cells/chosen_cells.hpp"

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using cell2text::InputError;
using cell2text::read_cell_names;
using cell2text::rows_of_names;
using namespace cell2text::test;

namespace {

std::vector<std::string> made_names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("AAAC" + std::to_string(1'000'000 + 37 * i) + "-1");
  return names;
}

std::vector<std::int64_t> find_rows(const std::vector<std::string>& wanted, const std::vector<std::string>& names) {
  return rows_of_names(
      wanted, std::ssize(names),
      [&](std::int64_t first, std::int64_t count) {
        return std::vector<std::string>(names.begin() + first, names.begin() + first + count);
      },
      "list.txt", "cells.h5ad");
}

}  // namespace

TEST_CASE("chosen cells: a list is read whatever its line ends, blank lines and blanks around names") {
  const TemporaryFolder folder;
  write_file(folder / "list.txt",
             "\xEF\xBB\xBF"
             "b-1\r\n\n  a-1\t\n zelle ü\nlast");
  CHECK((read_cell_names(folder / "list.txt") == std::vector<std::string>{"b-1", "a-1", "zelle ü", "last"}));
}

TEST_CASE("chosen cells: lists that name none, one twice, or are no text are refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& text) {
    write_file(folder / "list.txt", text);
    return message_of<InputError>([&] { read_cell_names(folder / "list.txt"); });
  };
  CHECK(has(refused("\n \r\n"), "names no cells"));
  CHECK(has(refused("a\nb\n\na\n"), "list.txt:4: 'a' stands on line 1 already"));
  CHECK(has(refused("a\n\xff\n"), "no text in UTF-8"));
  CHECK(has(refused(std::string("a\0b\n", 4)), "no text in UTF-8"));
  CHECK(has(message_of<InputError>([&] { read_cell_names(folder / "none.txt"); }), "does not exist"));
}

TEST_CASE("chosen cells: rows of names in any order, ascending, over many parts of a file") {
  const auto names = made_names(10'000);
  CHECK((find_rows({names[9'999], names[0], names[4'096], names[4'095]}, names) ==
         std::vector<std::int64_t>{0, 4'095, 4'096, 9'999}));
}

TEST_CASE(
    "chosen cells: names that are not there are counted, with the nearest that is; a name of two cells is refused") {
  auto names = made_names(9'000);
  const auto refused = [&](const std::vector<std::string>& wanted) {
    return message_of<InputError>([&] { find_rows(wanted, names); });
  };
  std::string wrong = names[8'500];
  wrong.back() = '2';
  CHECK(has(refused({names[3], wrong}),
            "list.txt: '" + wrong + "' is not among the cells of cells.h5ad; did you mean '" + names[8'500] + "'?"));
  const std::string others = refused({wrong, "x", "y"});
  CHECK(has(others, "'" + wrong + "' and 2 others are not among"));
  CHECK_FALSE(says(refused({"quite another name than those"}), "did you mean"));
  names[8'000] = names[5];
  CHECK(has(refused({names[5]}), "'" + names[5] + "' is the name of two cells of cells.h5ad (rows 5 and 8000)"));
  CHECK((find_rows({names[6]}, names) == std::vector<std::int64_t>{6}));
}
