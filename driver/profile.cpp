#include "profile.hpp"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <cstdlib>
#include <fstream>

#include "cell2text/error.hpp"
#include "console.hpp"

namespace cell2text::driver {

namespace {

using torch::profiler::impl::ActivityType;

const std::set<ActivityType> activities{ActivityType::CPU};

}  // namespace

Profile::Profile(const std::optional<std::string>& file) {
  if (!file) return;
  if (!std::ofstream(*file, std::ios::app))
    throw InputError("--profile " + *file + ": the file cannot be written; name one in a folder that exists");
  file_ = *file;
  ::setenv("KINETO_LOG_LEVEL", "5", /*overwrite=*/0);  // its own messages are for its developers
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO,
                                                     /*report_input_shapes=*/true);
  torch::autograd::profiler::prepareProfiler(config, activities);
  torch::autograd::profiler::enableProfiler(
      config, activities, {at::RecordScope::FUNCTION, at::RecordScope::USER_SCOPE, at::RecordScope::BACKWARD_FUNCTION});
}

Profile::~Profile() {
  if (file_.empty()) return;
  try {
    torch::autograd::profiler::disableProfiler()->save(file_.string());
    log().info("profile: " + file_.string() + "; open it with chrome://tracing or ui.perfetto.dev");
  } catch (const std::exception& error) {
    log().warning("profile: " + file_.string() + " was not written: " + error.what());
  }
}

}  // namespace cell2text::driver
