// The version of the project; tests/core/version.cpp holds it against CMakeLists.txt.
#pragma once

namespace cell2text {
inline constexpr const char* version = "0.1.0";
}
