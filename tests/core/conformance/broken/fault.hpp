// The faults that are planted in the broken plugins, one in each library.
#pragma once

namespace broken {

enum class Fault {
  none,
  shape,               // hidden states have a token too many
  leaking_state,       // the last batch's memory is the start of the next
  ignored_lengths,     // padding is read as if it were text
  non_determinism,     // a little noise from a clock
  cut_gradients,       // one layer's output is detached
  crash,               // the constructor writes to nowhere
  own_exception,       // the constructor throws a type of its own
  default_dtype,       // the constructor makes double the default
  undeclared_setting,  // a setting is read that is not described
  wrong_stamp,         // built against another core
  endless_loop,        // saving never ends
};

/// Of this library.
extern const Fault fault;

}  // namespace broken
