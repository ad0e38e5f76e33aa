// Which plugin opens a checkpoint's folder.
#pragma once

#include <filesystem>
#include <string>

#include "cell2text/registry.hpp"

namespace cell2text::driver {

/// The one plugin of a kind ("decoder") that says it opens checkpoints of `model_type`. InputError naming `where`, the
/// file that says the type, where there is none or more than one.
std::string plugin_for(const std::string& kind, const std::string& model_type, const std::filesystem::path& where,
                       const Registry& registry);

}  // namespace cell2text::driver
