// The three kinds of failure, and how they cross a library boundary.
// A message says what is wrong, the value found, the value expected, and the next step.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cell2text {

/// The caller's fault: a bad setting, a damaged or unsuitable file. Exit code 2.
class InputError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A broken world: disk full, no permission, out of memory, a missing library. Exit code 1.
class EnvironmentError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Our own bug. Never caused by input. Exit code 1, with a request to report it.
class BugError : public std::logic_error {
  using std::logic_error::logic_error;
};

/// An error as plain data: what a plugin hands to the host instead of throwing across the
/// boundary, where exception types of two libraries need not be the same type.
struct Fault {
  enum class Kind { none, input, environment, bug };
  Kind kind = Kind::none;
  std::string message;

  explicit operator bool() const { return kind != Kind::none; }

  /// Describes the exception being handled. Call inside a catch block.
  /// Relies on the standard library's types alone, which all libraries of a process share.
  static Fault from_current_exception() {
    try {
      throw;
    } catch (const std::invalid_argument& e) {
      return {Kind::input, e.what()};
    } catch (const std::logic_error& e) {
      return {Kind::bug, e.what()};
    } catch (const std::bad_alloc&) {
      return {Kind::environment, "out of memory; use a smaller batch"};
    } catch (const std::runtime_error& e) {
      return {Kind::environment, e.what()};
    } catch (const std::exception& e) {
      // LibTorch has one type for all: memory that it did not get, and a shape that we did not check.
      const std::string_view what = e.what();
      const bool memory = what.find("can't allocate memory") != what.npos || what.find("out of memory") != what.npos;
      return {memory ? Kind::environment : Kind::bug, memory ? "use a smaller batch: " + std::string(what) : e.what()};
    } catch (...) {
      return {Kind::bug, "an exception of an unknown type"};
    }
  }

  /// Throws the matching exception on this side of the boundary; does nothing for `none`.
  void raise() const {
    switch (kind) {
      case Kind::none:
        return;
      case Kind::input:
        throw InputError(message);
      case Kind::environment:
        throw EnvironmentError(message);
      case Kind::bug:
        throw BugError(message);
    }
  }
};

/// Runs `body` and turns whatever it throws into a Fault.
template <class Body>
Fault guarded(Body&& body) noexcept {
  try {
    body();
    return {};
  } catch (...) {
    return Fault::from_current_exception();
  }
}

}  // namespace cell2text
