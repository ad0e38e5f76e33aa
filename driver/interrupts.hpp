// Ctrl-C and SIGTERM as a question that long work asks between two steps.
#pragma once

#include <csignal>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text::driver {

/// While it lives, the first SIGINT or SIGTERM only raises a flag; a second one ends the program at once.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool asked() const;

  /// EnvironmentError with `sentence` ("interrupted while ...") if a signal came.
  void check(const std::string& sentence) const {
    if (asked()) throw EnvironmentError("interrupted " + sentence);
  }

 private:
  struct sigaction interrupt_, terminate_;
};

}  // namespace cell2text::driver
