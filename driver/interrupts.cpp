#include "interrupts.hpp"

namespace cell2text::driver {

namespace {

volatile std::sig_atomic_t came = 0;

}  // namespace

Interrupts::Interrupts() {
  came = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) { came = 1; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;  // reset: the second one is not caught
  ::sigaction(SIGINT, &action, &interrupt_);
  ::sigaction(SIGTERM, &action, &terminate_);
}

Interrupts::~Interrupts() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
}

bool Interrupts::asked() const {
  return came != 0;
}

}  // namespace cell2text::driver
