// --profile FILE: a trace of all tensor operations, which chrome://tracing and ui.perfetto.dev open.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace cell2text::driver {

inline constexpr const char* profile_help =
    "Write a trace of all tensor operations; chrome://tracing opens it. It grows with each operation: shorten the work";

/// Records from its making to `write` or its end. Costs a few percent of speed, and memory with each operation.
class Profile {
 public:
  /// Nothing is recorded without a file. InputError at once where the file could not be written later.
  explicit Profile(const std::optional<std::string>& file);
  /// An interrupted command leaves its trace too; what cannot be written is said on the log.
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

 private:
  std::filesystem::path file_;
};

}  // namespace cell2text::driver
