// A stage of a build on disk: a folder with a key that says what it was computed from. It is computed once.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::dataset {

/// A table for a person (`table.csv`), a row a line.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  std::string csv() const {
    const auto line = [](const std::vector<std::string>& fields) {
      std::string text;
      for (std::size_t i = 0; i < fields.size(); ++i) text += (i ? "," : "") + csv_field(fields[i]);
      return text + "\n";
    };
    std::string text = line(header);
    for (const auto& row : rows) text += line(row);
    return text;
  }
};

/// What a stage's result depends on: its name and form, settings, keys of stages before it, hashes of files.
class StageKey {
 public:
  /// `form` rises when the same inputs give another result, or another layout of it.
  StageKey(const std::string& stage, int form) { parts_ = {stage, form}; }
  template <class Settings>
  StageKey& settings(const Settings& settings) {
    parts_.push_back(to_json(write_settings(settings)));
    return *this;
  }
  StageKey& on(const std::string& text) {
    parts_.push_back(text);
    return *this;
  }
  StageKey& on(std::int64_t number) {
    parts_.push_back(number);
    return *this;
  }
  /// 64 hexadecimal digits.
  std::string text() const { return sha256(parts_.dump()); }

 private:
  nlohmann::ordered_json parts_ = nlohmann::ordered_json::array();
};

/// The folder of a stage: its files, and `stage.json` with the key, the seconds that it took, and a few facts.
class Stage {
 public:
  Stage(std::filesystem::path folder, std::string key) : folder_(std::move(folder)), key_(std::move(key)) {
    std::error_code unknown;
    if (std::filesystem::exists(about(), unknown)) {
      try {
        facts_ = read_json(about());
      } catch (const InputError&) {  // half a file is no stage
      }
    }
  }

  std::string name() const { return folder_.filename().string(); }
  const std::string& key() const { return key_; }
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  /// Whether it is there, computed from what it would be computed from now.
  bool done() const { return facts_.is_object() && facts_.value("key", "") == key_; }
  /// What `run` was told when it was computed.
  const nlohmann::json& facts() const { return facts_; }
  double seconds() const { return facts_.value("seconds", 0.); }

  /// Computes it: `body(folder)` writes its files into `folder` and returns its facts. Nothing is left of one that
  /// throws.
  template <class Body>
  void run(const Body& body) {
    const auto began = std::chrono::steady_clock::now();
    std::filesystem::create_directories(folder_.parent_path());
    AtomicFolder folder(folder_);
    nlohmann::json facts = body(folder.partial());
    facts["key"] = key_;
    facts["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    write_atomically(folder.partial() / "stage.json", facts.dump(2) + "\n");
    folder.commit();
    facts_ = std::move(facts);
  }

 private:
  std::filesystem::path about() const { return folder_ / "stage.json"; }

  std::filesystem::path folder_;
  std::string key_;
  nlohmann::json facts_;
};

}  // namespace cell2text::dataset
