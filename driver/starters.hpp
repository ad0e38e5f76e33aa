// The example plugins, one per kind, that `plugins new` copies under another name.
#pragma once

#include <vector>

namespace cell2text::driver {

struct StarterFile {
  const char* path;  ///< KIND/FILE
  const char* text;
};

const std::vector<StarterFile>& starter_files();

}  // namespace cell2text::driver
