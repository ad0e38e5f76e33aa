// What the results of an encoder depend on beside a cell's tokens, as one hash. Where its files lie is no part of it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cell2text/io/sha256.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/version.hpp"

namespace cell2text {

/// An encoder as the cache tells it from others.
struct EncoderParts {
  std::string plugin;
  Value settings;                 ///< resolved
  std::vector<FieldInfo> fields;  ///< of the settings
  torch::Device device = torch::kCPU;
};

namespace identity_detail {

/// What a path stands for: a file's content; of a folder its .json files, since weights are hashed as parameters.
inline std::string content_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return sha256_file(path);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.path().extension() == ".json" && entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  std::string all;
  for (const auto& file : files) all += file.filename().string() + '\n' + sha256_file(file) + '\n';
  return all;
}

/// The settings with paths replaced by what they stand for: texts without a default or choices that name something.
inline Value without_paths(const Value& settings, const std::vector<FieldInfo>& fields) {
  Value out = settings;
  for (const FieldInfo& field : fields) {
    Value* value = out.find(field.name);
    const auto* text = value ? value->get_if<std::string>() : nullptr;
    std::error_code ignored;
    if (text && !text->empty() && !field.has_default && field.about.choices.empty() &&
        std::filesystem::exists(*text, ignored))
      value->data = content_of(*text);
  }
  return out;
}

}  // namespace identity_detail

/// SHA-256 over the plugin's name, this version, the settings, the kind of device, and name, shape, type and bytes of
/// every parameter. A checkpoint that moved is the same encoder. Errors as InputFile.
inline std::string encoder_identity(const EncoderParts& parts, const Parameters& parameters) {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(std::to_string(text.size()) + ":" + text); };
  add(parts.plugin);
  add(version);
  add(to_json(identity_detail::without_paths(parts.settings, parts.fields)).dump());
  add(parts.device.is_cpu() ? "cpu" : "accelerator");
  for (const Parameter& parameter : parameters.list()) {
    const Tensor value = parameter.value.detach().to(torch::kCPU).contiguous();
    add(parameter.name);
    add(c10::toString(value.scalar_type()));
    for (const std::int64_t size : value.sizes()) add(std::to_string(size));
    const auto* bytes = static_cast<const std::byte*>(value.numel() > 0 ? value.const_data_ptr() : nullptr);
    add(std::to_string(value.nbytes()));
    hash.update(std::span(bytes, value.nbytes()));
  }
  return hash.hex();
}

}  // namespace cell2text
