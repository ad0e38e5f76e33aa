// What is checked of a plugin's file, before and while it is loaded. Host only: pulls in Boost.DLL.
#pragma once

#include <string>
#include <vector>

#include "cell2text/conformance/conformance.hpp"
#include "cell2text/io/elf_symbols.hpp"
#include "cell2text/registry.hpp"

namespace cell2text::conformance {

namespace library_detail {

/// The plugin's file; the stamp is there, or the caller would not have got so far.
inline PluginFile file_of(const Subject& subject) {
  const auto file = read_plugin_file(subject.file);
  expect(file.has_value(), "the library has no plugin stamp; register the class with CELL2TEXT_PLUGIN");
  return *file;
}

inline void check_symbols(Subject& subject) {
  const std::vector<std::string> names = unique_symbols(subject.file);
  std::string first;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) first += (i ? ", " : "") + names[i];
  expect(names.empty(), std::to_string(names.size()) + " symbols are unique in the whole process (" + first +
                            (names.size() > 3 ? ", ..." : "") +
                            "); build with -fno-gnu-unique, as cell2text_add_plugin does");
}

inline void check_loading(Subject& subject) {
  const GlobalState before = GlobalState::now();
  const LoadedPlugin loaded = load_plugin_file(file_of(subject));
  subject.library = loaded.library, subject.descriptor = loaded.descriptor;
  const std::string differences = before.differences(GlobalState::now());
  expect(differences.empty(), "after the library was loaded, and before anything of it was used: " + differences);
}

}  // namespace library_detail

/// The checks of a file; `loading` puts the descriptor into the subject.
inline std::vector<Check> library_checks() {
  using namespace library_detail;
  return {
      {"stamp", "a plugin that was built against other classes would crash, or compute nonsense, once it is loaded",
       [](Subject& subject) {
         const PluginFile file = file_of(subject);
         expect(file.refusal.empty(), file.refusal + "; build it again against this version");
       },
       true},
      {"symbols",
       "two plugins with types of one name would share their statics, and the second would work with the first one's",
       &check_symbols},
      {"loading", "nothing can be done with a library that does not load", &check_loading, true, true},
  };
}

}  // namespace cell2text::conformance
