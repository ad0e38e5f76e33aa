// An scGPT encoder with the parameters it is built on, and the log that it wrote.
#pragma once

#include <memory>
#include <string>

#include "encoders/cells.hpp"
#include "scgpt.hpp"

namespace cell2text::test {

struct BuiltScgpt {
  std::string log;
  std::unique_ptr<Parameters> parameters;
  std::unique_ptr<scgpt::Scgpt> encoder;

  explicit BuiltScgpt(const scgpt::Settings& settings, std::uint64_t seed = 7)
      : parameters(std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, seed)) {
    const Context base{
        {[](void* self, Log::Level, const char* text) { *static_cast<std::string*>(self) += std::string(text) + "\n"; },
         &log},
        seed};
    ModelContext context(base, *parameters, torch::kCPU);
    encoder = std::make_unique<scgpt::Scgpt>(settings, context);
  }
  BuiltScgpt(BuiltScgpt&&) = delete;
};

inline scgpt::Settings scgpt_checkpoint(const std::filesystem::path& folder, std::int64_t layer = 0) {
  scgpt::Settings settings;
  settings.checkpoint = folder.string();
  settings.layer = layer;
  return settings;
}

}  // namespace cell2text::test
