// Names that a user gives to parts of an experiment, and that become parts of keys and of file names.
#pragma once

#include <string>
#include <string_view>

#include "cell2text/error.hpp"

namespace cell2text {

inline constexpr std::string_view plain_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/// InputError unless `name` is of plain letters. `whose` as in "the baseline's".
inline void expect_plain_name(const std::string& name, const std::string& whose) {
  if (name.empty() || name.find_first_not_of(plain_letters) != std::string::npos)
    throw InputError(whose + " name '" + name + "' becomes part of keys and file names; use letters, digits, _ and -");
}

}  // namespace cell2text
