// What a [[baselines]] table holds beside the plugin's own settings.
#pragma once

#include <optional>
#include <string>

#include "cell2text/plain_name.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// The control's name among the systems of a report; see baselines/shuffled.hpp.
inline constexpr const char* shuffled_name = "shuffled";

struct BaselineRole {
  std::optional<std::string> name;
  std::string embedding = "cell";
  std::optional<std::string> labels_of;

  static void describe(auto& s) {
    using T = BaselineRole;
    s.field("name", &T::name,
            {.help = "in the report and in predictions.NAME.jsonl; unset: the plugin's. Two baselines of one plugin "
                     "need names of their own"});
    s.field("embedding", &T::embedding,
            {.help = "what stands for a cell, where the baseline looks at the encoder: cell (the output at <cls> where "
                     "there is one, else the mean), cls, or mean (over the genes' outputs)",
             .choices = {"cell", "cls", "mean"}});
    s.field("labels_of", &T::labels_of,
            {.help = "name of a baseline above, whose predicted labels this one is given (template needs it)"});
  }
  void validate() const {
    if (name) expect_plain_name(*name, "the baseline's");
  }
};

}  // namespace cell2text
