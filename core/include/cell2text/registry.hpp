// Finds plugin libraries, checks their stamps without loading them, and loads the one that is asked for.
// Host only: pulls in Boost.DLL.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/io/elf_section.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// A library file that carries a plugin stamp.
struct PluginFile {
  std::filesystem::path path;
  std::string kind, name, compiler, build_type;
  std::string refusal;  ///< why this program cannot use it; empty where it can
};

/// A plugin in memory. Objects built from it keep `library` alive.
struct LoadedPlugin {
  LibraryHold library;
  const PluginDescriptor* descriptor = nullptr;

  template <class Kind>
  Held<Kind> build(const Value& table, const BuildArguments& arguments) const {
    return Held<Kind>(library, *descriptor, table, arguments);
  }
};

/// Reads the stamp of a library file; nothing of it is executed. Nothing where the file is a library
/// without a stamp; InputError where it is no ELF library, or the stamp is damaged.
inline std::optional<PluginFile> read_plugin_file(const std::filesystem::path& path) {
  const auto section = read_elf_section(path, manifest_section);
  if (!section) return std::nullopt;
  const Manifest stamp = read_manifest(*section, path.string());
  using plugin_detail::text_of;
  PluginFile file{path, text_of(stamp.kind), text_of(stamp.name), text_of(stamp.compiler), text_of(stamp.build_type),
                  ""};
  file.refusal = incompatibility(stamp, make_manifest("", ""));
  if (stamp.size != sizeof stamp && file.refusal.empty())
    file.refusal =
        "its stamp has " + std::to_string(stamp.size) + " bytes, this program's " + std::to_string(sizeof stamp);
  return file;
}

namespace registry_detail {

/// The library that this thread is loading, for the handler below, which can be handed nothing.
inline const char*& loading() {
  static thread_local const char* path = nullptr;
  return path;
}

/// An exception of a library's initialisers cannot pass dlopen: the process ends. While one of these lives, it ends
/// with a sentence that names the library, and the exit code of an InputError.
class LoadingGuard {
 public:
  explicit LoadingGuard(const char* path) : before_(std::set_terminate(&end)) { loading() = path; }
  LoadingGuard(const LoadingGuard&) = delete;
  ~LoadingGuard() {
    loading() = nullptr;
    std::set_terminate(before_);
  }

  /// To be called where an exception is being handled.
  [[noreturn]] static void end() {
    if (!loading() || !std::current_exception()) std::abort();  // of another thread, or of another cause
    const char* reason = "an exception of an unknown type";
    try {
      throw;
    } catch (const std::exception& error) {
      reason = error.what();
    } catch (...) {
    }
    std::fprintf(stderr,
                 "cell2text: %s: the library threw while it was being loaded, before anything of it was used: %s. Mend "
                 "its static initialisers, or take it off the search path (CELL2TEXT_PLUGIN_PATH)\n",
                 loading(), reason);
    std::_Exit(2);
  }

 private:
  std::terminate_handler before_;
};

}  // namespace registry_detail

/// Loads a plugin library whose stamp fits. InputError where it does not fit or cannot be loaded, both sides named.
inline LoadedPlugin load_plugin_file(const PluginFile& file) {
  if (!file.refusal.empty())
    throw InputError(file.path.string() + ": plugin '" + file.name + "' does not fit this program: " + file.refusal +
                     ". Build it again against this version");
  auto library = std::make_shared<boost::dll::shared_library>();
  boost::dll::fs::error_code error;
  {
    const registry_detail::LoadingGuard guard(file.path.c_str());
    const std::string path = file.path.string();
    try {
      library->load(path, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    } catch (...) {  // through dlopen after all, by frames without tables; the loader is left locked
      registry_detail::LoadingGuard::end();
    }
  }
  if (error) {
    const char* reason = ::dlerror();  // names the symbol or the library; the error code does not
    throw InputError(file.path.string() + ": the library cannot be loaded: " + (reason ? reason : error.message()) +
                     ". A missing symbol usually means that it was linked without a library that it uses");
  }
  // The code stays for the life of the process: tensors, shared pointers and functions that a plugin made carry
  // deleters that live in its library, and parameters or a gene table may outlast the object they came from.
  ::dlopen(library->location().c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (!library->has(plugin_entry_point))
    throw InputError(file.path.string() + ": the library has a stamp but does not export '" + plugin_entry_point +
                     "'; register with CELL2TEXT_PLUGIN, and do not strip exported symbols");
  const auto entry = library->get<const PluginDescriptor*()>(plugin_entry_point);
  const PluginDescriptor* descriptor = entry();
  if (file.kind != descriptor->kind || file.name != descriptor->name)
    throw InputError(file.path.string() + ": its stamp says " + file.kind + " '" + file.name + "', its code " +
                     descriptor->kind + " '" + descriptor->name + "'; the file is damaged");
  return {library, descriptor};
}

/// The plugins of a search path. Looking reads stamps alone; `load` brings one into memory.
class Registry {
 public:
  /// CELL2TEXT_PLUGIN_PATH (folders separated by ':'), then lib/cell2text/plugins beside the executable's folder.
  static std::vector<std::filesystem::path> default_search_path() {
    std::vector<std::filesystem::path> folders;
    if (const char* variable = std::getenv("CELL2TEXT_PLUGIN_PATH")) {
      std::string_view rest = variable;
      while (!rest.empty()) {
        const auto end = std::min(rest.find(':'), rest.size());
        if (end > 0) folders.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    const std::filesystem::path program = boost::dll::program_location().string();
    folders.push_back(program.parent_path().parent_path() / "lib/cell2text/plugins");
    return folders;
  }

  explicit Registry(const std::vector<std::filesystem::path>& folders = default_search_path()) : folders_(folders) {
    for (const auto& folder : folders_) {
      std::error_code error;
      std::vector<std::filesystem::path> libraries;
      for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == ".so") libraries.push_back(entry.path());
      std::ranges::sort(libraries);
      for (const auto& library : libraries) add(library);
    }
  }

  const std::vector<PluginFile>& plugins() const { return plugins_; }
  /// Files on the search path that are no plugins, with the reason.
  const std::vector<std::pair<std::filesystem::path, std::string>>& strangers() const { return strangers_; }

  /// The file of a plugin. InputError where there is none (with the nearest name) or two libraries claim the name.
  const PluginFile& find(const std::string& kind, const std::string& name) const {
    const PluginFile* found = nullptr;
    std::vector<std::string> names;
    for (const PluginFile& plugin : plugins_) {
      if (plugin.kind != kind) continue;
      names.push_back(plugin.name);
      if (plugin.name != name) continue;
      if (found)
        throw InputError("two libraries claim the " + kind + " '" + name + "': " + found->path.string() + " and " +
                         plugin.path.string() + ". Remove one of them from the search path");
      found = &plugin;
    }
    if (found) return *found;
    std::string where;
    for (const auto& folder : folders_) where += (where.empty() ? "" : ", ") + folder.string();
    throw InputError("no " + kind + " is called '" + name + "'" + suggestion(name, names) + " (searched: " + where +
                     ")");
  }

  LoadedPlugin load(const std::string& kind, const std::string& name) const {
    return load_plugin_file(find(kind, name));
  }

 private:
  void add(const std::filesystem::path& library) {
    for (const PluginFile& known : plugins_) {
      std::error_code ignored;
      if (std::filesystem::equivalent(known.path, library, ignored)) return;
    }
    try {
      if (auto plugin = read_plugin_file(library))
        plugins_.push_back(std::move(*plugin));
      else
        strangers_.emplace_back(library, "a library without a plugin stamp");
    } catch (const std::exception& error) {  // also a file that may not be read: the others are still of use
      strangers_.emplace_back(library, error.what());
    }
  }

  std::vector<std::filesystem::path> folders_;
  std::vector<PluginFile> plugins_;
  std::vector<std::pair<std::filesystem::path, std::string>> strangers_;
};

}  // namespace cell2text
