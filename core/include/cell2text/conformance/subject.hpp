// The plugin that is checked, and objects built from it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text::conformance {

/// A plugin with the settings that its objects are built with.
struct Subject {
  const PluginDescriptor* descriptor = nullptr;  ///< null until its library is loaded
  LibraryHold library = {};                      ///< null for a class that is linked in
  Value settings = {};                           ///< a table, as in an experiment file, without the plugin's name
  std::filesystem::path file = {};               ///< the library; empty for a class that is linked in
};

/// A class that is linked in: what a plugin's own tests check.
template <class Kind, class P>
Subject subject_of(Value settings = {}) {
  static_assert(Kind::template satisfied<P>, "the class does not offer what its kind asks for; see concepts.hpp");
  static constexpr PluginDescriptor descriptor = descriptor_of<Kind, P>("linked in", "linked in");
  return {&descriptor, nullptr, std::move(settings)};
}

/// The widths between which adapters are built: 2, 3, 4, 6, 8, 12 and 16 heads divide them.
inline constexpr AdapterShape adapter_shape{48, 96};

template <class Kind>
struct HandleOf;
template <>
struct HandleOf<kinds::source> : std::type_identity<SourceHandle> {};
template <>
struct HandleOf<kinds::encoder> : std::type_identity<EncoderHandle> {};
template <>
struct HandleOf<kinds::adapter> : std::type_identity<AdapterHandle> {};
template <>
struct HandleOf<kinds::decoder> : std::type_identity<DecoderHandle> {};
template <>
struct HandleOf<kinds::finetuning> : std::type_identity<FineTuningHandle> {};
template <>
struct HandleOf<kinds::metric> : std::type_identity<MetricHandle> {};
template <>
struct HandleOf<kinds::baseline> : std::type_identity<BaselineHandle> {};

/// An object with the parameters it declared, which outlive it.
template <class Kind>
struct Built {
  std::unique_ptr<Parameters> parameters;
  std::unique_ptr<typename HandleOf<Kind>::type> handle;

  auto* operator->() const { return handle.get(); }
};

/// Builds an object on the CPU from settings; errors are the plugin's.
template <class Kind>
Built<Kind> build(const Subject& subject, const Value& settings, std::uint64_t seed = 1) {
  Built<Kind> made;
  made.parameters = std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, seed);
  const Context base{.log = {}, .seed = seed, .threads = 1};
  ModelContext context(base, *made.parameters, torch::kCPU);
  made.handle = std::make_unique<typename HandleOf<Kind>::type>(
      Held<Kind>(subject.library, *subject.descriptor, settings, BuildArguments{&base, &context, adapter_shape}));
  return made;
}
template <class Kind>
Built<Kind> build(const Subject& subject, std::uint64_t seed = 1) {
  return build<Kind>(subject, subject.settings, seed);
}

/// The fields of the plugin's settings.
inline std::vector<FieldInfo> fields_of(const Subject& subject) {
  std::vector<FieldInfo> fields;
  subject.descriptor->schema(fields).raise();
  return fields;
}

/// A folder that is removed with everything in it when the object goes. EnvironmentError where none can be made.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cell2text-check-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw EnvironmentError("no temporary folder could be made at " + pattern);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace cell2text::conformance
