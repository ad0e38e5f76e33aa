// What of a process a plugin must leave as it is: everybody else in it would compute something else, and never know
// why.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <c10/core/DefaultDtype.h>
#include <torch/types.h>
#include <xmmintrin.h>

#include <cfenv>
#include <clocale>
#include <filesystem>
#include <string>
#include <system_error>

namespace cell2text::conformance {

struct GlobalState {
  caffe2::TypeMeta dtype;
  at::Tensor generator;  ///< state of LibTorch's default generator
  int threads = 1;
  bool gradients = true;
  int rounding = 0;
  bool flushes_denormals = false;
  std::string locale;
  std::filesystem::path folder;

  static GlobalState now() {
    std::error_code ignored;
    return {c10::get_default_dtype(),
            at::detail::getDefaultCPUGenerator().get_state(),
            at::get_num_threads(),
            torch::GradMode::is_enabled(),
            std::fegetround(),
            (_mm_getcsr() & flush_bits) == flush_bits,
            std::setlocale(LC_ALL, nullptr),
            std::filesystem::current_path(ignored)};
  }

  /// What differs in `later`, in words; empty where nothing does.
  std::string differences(const GlobalState& later) const {
    std::string all;
    const auto differ = [&all](bool different, const std::string& what) {
      if (different) all += (all.empty() ? "" : "; ") + what;
    };
    const auto name = [](caffe2::TypeMeta type) { return std::string(type.name()); };
    differ(dtype != later.dtype, "the default dtype was " + name(dtype) + " and is " + name(later.dtype));
    differ(!generator.equal(later.generator), "random numbers were drawn from LibTorch's default generator");
    differ(threads != later.threads,
           "the number of threads was " + std::to_string(threads) + " and is " + std::to_string(later.threads));
    differ(gradients != later.gradients, std::string("gradients were switched ") + (later.gradients ? "on" : "off"));
    differ(rounding != later.rounding, "floating-point numbers are rounded in another way");
    differ(flushes_denormals != later.flushes_denormals, "the treatment of denormal numbers was changed");
    differ(locale != later.locale, "the locale was " + locale + " and is " + later.locale);
    differ(folder != later.folder, "the working folder was " + folder.string() + " and is " + later.folder.string());
    return all;
  }

  void restore() const {
    c10::set_default_dtype(dtype);
    at::Generator shared = at::detail::getDefaultCPUGenerator();
    shared.set_state(generator);
    if (at::get_num_threads() != threads) at::set_num_threads(threads);
    torch::GradMode::set_enabled(gradients);
    std::fesetround(rounding);
    _mm_setcsr(flushes_denormals ? _mm_getcsr() | flush_bits : _mm_getcsr() & ~flush_bits);
    std::setlocale(LC_ALL, locale.c_str());
    std::error_code ignored;
    std::filesystem::current_path(folder, ignored);
  }

 private:
  static constexpr unsigned flush_bits = 0x8040;  // results to zero, operands as zero
};

}  // namespace cell2text::conformance
