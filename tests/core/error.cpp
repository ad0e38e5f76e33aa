#include "cell2text/error.hpp"

#include <torch/types.h>

#include <filesystem>
#include <ios>

#include "core/io/message.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// What a body's exception becomes: kind and message.
template <class E>
Fault fault_of(E exception) {
  return guarded([&] { throw exception; });
}
bool is(const Fault& fault, Fault::Kind kind, const std::string& message) {
  CHECK(fault.message == message);
  return fault.kind == kind;
}

}  // namespace

TEST_CASE("error: nothing thrown is no fault, and raising it does nothing") {
  int runs = 0;
  const Fault fault = guarded([&] { ++runs; });
  CHECK(runs == 1);
  CHECK(!fault);
  CHECK(fault.message == "");
  fault.raise();
}

TEST_CASE("error: each exception becomes the fault of its kind") {
  using Kind = Fault::Kind;
  CHECK(is(fault_of(InputError("a")), Kind::input, "a"));
  CHECK(is(fault_of(EnvironmentError("b")), Kind::environment, "b"));
  CHECK(is(fault_of(BugError("c")), Kind::bug, "c"));
  CHECK(is(fault_of(std::invalid_argument("d")), Kind::input, "d"));
  CHECK(is(fault_of(std::runtime_error("e")), Kind::environment, "e"));
  CHECK(is(fault_of(std::out_of_range("f")), Kind::bug, "f"));
  CHECK(is(fault_of(std::bad_alloc()), Kind::environment, "out of memory; use a smaller batch"));
  CHECK(is(fault_of(std::bad_cast()), Kind::bug, "std::bad_cast"));
  CHECK(is(fault_of(3), Kind::bug, "an exception of an unknown type"));
  const Fault file = guarded([] { static_cast<void>(std::filesystem::file_size("/no/such/file")); });
  CHECK(file.kind == Kind::environment);
  CHECK(has(file.message, "/no/such/file"));
}

TEST_CASE("error: LibTorch without memory is the world's fault, its other errors are ours") {
  const Fault memory = guarded([] { at::empty({std::int64_t{1} << 50}); });
  CHECK(memory.kind == Fault::Kind::environment);
  CHECK(has(memory.message, "use a smaller batch: "));
  const Fault shape = guarded([] { at::mm(at::zeros({2, 3}), at::zeros({2, 3})); });
  CHECK(shape.kind == Fault::Kind::bug);
  CHECK(has(shape.message, "cannot be multiplied"));
}

TEST_CASE("error: a fault is raised as the exception of its kind, through as many borders as there are") {
  const auto through = [](const Fault& fault) { return guarded([&] { guarded([&] { fault.raise(); }).raise(); }); };
  CHECK(message_of<InputError>([&] { through({Fault::Kind::input, "x"}).raise(); }) == "x");
  CHECK(message_of<EnvironmentError>([&] { through({Fault::Kind::environment, "y"}).raise(); }) == "y");
  CHECK(message_of<BugError>([&] { through({Fault::Kind::bug, "z"}).raise(); }) == "z");
  CHECK(!through({Fault::Kind::none, "unused"}));
}
