// Grid files in a folder of their own, over the small experiment of the composed tests.
#pragma once

#include "cell2text/grid/grid_runs.hpp"
#include "core/composed/plugins.hpp"
#include "core/io/message.hpp"

namespace cell2text::test {

/// A folder with base.toml, and grids beside it.
struct GridFiles {
  TemporaryFolder folder;
  Registry registry = built_plugins();

  GridFiles() { write_file(folder / "base.toml", write_toml(demo_toml(tiny_experiment))); }

  std::filesystem::path write(const std::string& text, const std::string& name = "grid.toml") const {
    write_file(folder / name, text);
    return folder / name;
  }
  GridFile read(const std::string& text, const std::vector<std::string>& set = {}) const {
    return read_grid_file(write("base = \"base.toml\"\n" + text), set);
  }
  std::string refused(const std::string& text) const {
    return message_of<InputError>([&] { resolve_grid(read(text), registry); });
  }
};

inline std::vector<std::string> texts_of(const GridAxis& axis) {
  std::vector<std::string> texts;
  for (const GridValue& value : axis.values) texts.push_back(value.text());
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace cell2text::test
