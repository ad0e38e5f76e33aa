// The conformance suite in a child process: a plugin that crashes, or never returns, has failed a check.
#pragma once

#include <vector>

#include "cell2text/conformance/check.hpp"

namespace cell2text::driver {

/// Runs the checks in a child process, and goes on in another one behind a check that ended the first. A check may take
/// `seconds`. Call before this process has computed anything: a child has none of its parent's threads.
/// EnvironmentError where no child can be made.
std::vector<conformance::Result> check_in_child(const std::vector<conformance::Check>& checks,
                                                const conformance::Subject& subject, double seconds);

}  // namespace cell2text::driver
