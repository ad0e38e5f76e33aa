// What every stage of a build works with.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/dataset/blocks.hpp"
#include "cell2text/dataset/build_file.hpp"
#include "cell2text/dataset/cell_table.hpp"
#include "cell2text/dataset/source_files.hpp"
#include "cell2text/dataset/stage.hpp"
#include "cell2text/io/arrays.hpp"

namespace cell2text::dataset {

/// Who watches a build. Each may throw, which ends it; what stages before have left stays.
struct BuildObserver {
  std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)> progress =
      [](const std::string&, std::int64_t, std::int64_t) {};
  /// A stage is there: computed now, or found.
  std::function<void(const Stage& stage, bool computed)> finished = [](const Stage&, bool) {};
};

struct BuildOptions {
  std::filesystem::path folder;  ///< of the dataset
  int threads = 1;
  bool skip_damaged = false;  ///< go on without a source that cannot be read
  std::string until;          ///< the last stage to do; empty: all
};

/// Valid while one build runs.
struct BuildContext {
  const BuildFile& file;
  const BuildOptions& options;
  const BuildObserver& observer;
  const Sources& sources;
  const CellTable& table;
  FileHashes& hashes;  ///< of files that settings name
  Log log;

  std::filesystem::path stage_folder(const std::string& name) const { return options.folder / "stages" / name; }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(file.general.seed); }
  Pass pass(const std::string& stage, std::int64_t cells) const {
    Pass pass;
    pass.threads = options.threads;
    pass.progress = [this, stage, cells](std::int64_t done) { observer.progress(stage, done, cells); };
    return pass;
  }
  /// What a file holds that a setting names; "" where it is unset.
  std::string content(const std::optional<std::string>& path) const { return path ? hashes.of(*path) : ""; }
  /// Computes a stage where it is not there yet.
  template <class Body>
  Stage stage(const std::string& name, const StageKey& key, const Body& body) const {
    Stage stage(stage_folder(name), key.text());
    const bool computed = !stage.done();
    if (computed) stage.run(body);
    observer.finished(stage, computed);
    return stage;
  }
};

inline void write_table(const std::filesystem::path& folder, const Table& table) {
  write_atomically(folder / "table.csv", table.csv());
}

}  // namespace cell2text::dataset
