// How a failure is told to a person.
#pragma once

#include "cell2text/error.hpp"

namespace cell2text::driver {

/// Prints the sentence on stderr and returns the exit code: 2 for what the user can mend, 1 for a broken world or a bug
/// of ours.
int report_fault(const Fault& fault);

}  // namespace cell2text::driver
