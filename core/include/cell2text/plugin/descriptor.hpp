// What a plugin library exports: one function that returns this table. Filled by a template from the
// author's class; the kinds and what each is built with are listed here, once.
#pragma once

#include <memory>
#include <string_view>

#include "cell2text/plugin/manifest.hpp"
#include "cell2text/plugin/wrap.hpp"

namespace cell2text {

/// What an object may need to be built; which fields are set depends on the kind.
struct BuildArguments {
  const Context* context = nullptr;
  ModelContext* model_context = nullptr;  ///< encoder, adapter, decoder, finetuning
  AdapterShape adapter_shape = {};        ///< adapter
};

/// A plugin as the host sees it before it builds anything.
struct PluginDescriptor {
  const char* kind;
  const char* name;
  const char* help;
  /// The fields of its settings.
  Fault (*schema)(std::vector<FieldInfo>& out) noexcept;
  /// Reads `table`, adds what is wrong to `faults`, and writes all settings with their defaults to `resolved`.
  Fault (*check)(const Value& table, const std::string& path, SettingsFaults& faults, Value& resolved) noexcept;
  /// Builds the object of its kind from settings that passed `check`. `out` is the abstract class of the kind.
  Fault (*build)(const Value& table, const BuildArguments& arguments, void*& out) noexcept;
  /// The `model_type`s of a config.json that it opens as a checkpoint; none where it does not say.
  Fault (*model_types)(std::vector<std::string>& out) noexcept;
};

inline constexpr const char* plugin_entry_point = "cell2text_plugin";

/// The kinds of plugins: name, concept, abstract class, wrapper. The tag names the kind at compile time.
namespace kinds {

struct source {
  static constexpr const char* name = "source";
  using Object = objects::SourceObject;
  template <class P>
  static constexpr bool satisfied = Source<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedSource<P>(s, *a.context);
  }
};
struct encoder {
  static constexpr const char* name = "encoder";
  using Object = objects::EncoderObject;
  template <class P>
  static constexpr bool satisfied = Encoder<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedEncoder<P>(s, *a.model_context);
  }
};
struct adapter {
  static constexpr const char* name = "adapter";
  using Object = objects::AdapterObject;
  template <class P>
  static constexpr bool satisfied = Adapter<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedAdapter<P>(s, *a.model_context, a.adapter_shape);
  }
};
struct decoder {
  static constexpr const char* name = "decoder";
  using Object = objects::DecoderObject;
  template <class P>
  static constexpr bool satisfied = Decoder<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedDecoder<P>(s, *a.model_context);
  }
};
struct finetuning {
  static constexpr const char* name = "finetuning";
  using Object = objects::FineTuningObject;
  template <class P>
  static constexpr bool satisfied = FineTuning<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedFineTuning<P>(s, *a.model_context);
  }
};
struct metric {
  static constexpr const char* name = "metric";
  using Object = objects::MetricObject;
  template <class P>
  static constexpr bool satisfied = Metric<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedMetric<P>(s, *a.context);
  }
};
struct baseline {
  static constexpr const char* name = "baseline";
  using Object = objects::BaselineObject;
  template <class P>
  static constexpr bool satisfied = Baseline<P>;
  template <class P>
  static Object* build(const typename P::Settings& s, const BuildArguments& a) {
    return new objects::WrappedBaseline<P>(s, *a.context);
  }
};

}  // namespace kinds

namespace plugin_detail {

template <class P>
Fault schema_of(std::vector<FieldInfo>& out) noexcept {
  return guarded([&] { out = describe_settings<typename P::Settings>(); });
}

template <class P>
Fault check_settings_of(const Value& table, const std::string& path, SettingsFaults& faults, Value& resolved) noexcept {
  return guarded([&] {
    typename P::Settings settings;
    read_fields(table, settings, faults, path);
    resolved = write_settings(settings);
  });
}

template <class Kind, class P>
Fault build_object(const Value& table, const BuildArguments& arguments, void*& out) noexcept {
  return guarded([&] {
    typename P::Settings settings;
    SettingsFaults faults;
    read_fields(table, settings, faults, "");
    faults.raise();
    out = Kind::template build<P>(settings, arguments);
  });
}

template <class P>
Fault model_types_of(std::vector<std::string>& out) noexcept {
  if constexpr (requires { P::model_types(); }) return guarded([&] { out = P::model_types(); });
  return {};
}

}  // namespace plugin_detail

/// The descriptor of class P as a plugin of a kind. Also how a class that is linked in is used without a library.
template <class Kind, class P>
constexpr PluginDescriptor descriptor_of(const char* name, const char* help) {
  return {Kind::name,
          name,
          help,
          &plugin_detail::schema_of<P>,
          &plugin_detail::check_settings_of<P>,
          &plugin_detail::build_object<Kind, P>,
          &plugin_detail::model_types_of<P>};
}

}  // namespace cell2text
