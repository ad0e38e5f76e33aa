// The types that weights are kept in, by the names that settings and config.json have for them.
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace cell2text {

/// The setting `dtype` of encoders and decoders.
inline const char* const weight_type_help =
    "type that weights are kept in: auto (the checkpoint's); what is trained is float32 in any case";
inline std::vector<std::string> weight_type_names() {
  return {"auto", "float32", "bfloat16", "float16"};
}

/// "float32", "bfloat16", "float16".
inline std::string name_of_type(torch::ScalarType type) {
  return type == torch::kBFloat16 ? "bfloat16" : type == torch::kHalf ? "float16" : "float32";
}
/// Nothing for "auto".
inline std::optional<torch::ScalarType> type_named(const std::string& name) {
  if (name == "auto") return {};
  return name == "bfloat16" ? torch::kBFloat16 : name == "float16" ? torch::kHalf : torch::kFloat32;
}

}  // namespace cell2text
