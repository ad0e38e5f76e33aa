#include "cell2text/plugin/saved_settings.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

namespace {

struct Settings {
  std::int64_t width = 3;
  std::optional<std::string> checkpoint, origin;
  static void describe(auto& s) {
    s.field("width", &Settings::width, {.help = "how it works"});
    s.field("checkpoint", &Settings::checkpoint, {.help = "where it came from"});
    s.field("origin", &Settings::origin, {.help = "where it came from, too"});
  }
};

}  // namespace

TEST_CASE("saved settings: how it works stays, and the folder takes the place of where it came from") {
  const auto fields = describe_settings<Settings>();
  Value saved = write_settings(Settings{7, "old", "file"});
  Value folder = write_settings(Settings{7, "/new", {}});
  CHECK(differing_keys(settings_for_folder(saved, fields, "/new", {}), folder).empty());
  folder.erase("checkpoint");
  CHECK(differing_keys(settings_without_origin(saved, fields), folder).empty());
}
