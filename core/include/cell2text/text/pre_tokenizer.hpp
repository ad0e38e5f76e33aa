// Cuts a text into the words that byte-pair encoding works on, as the `pre_tokenizer` of a tokenizer.json says.
// Supported: Split by an isolated regular expression, ByteLevel, and a Sequence of Splits that ends in ByteLevel.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/split_pattern.hpp"

namespace cell2text {

/// The cutting of a text into words. Const, and usable from several threads.
class PreTokenizer {
 public:
  /// Reads the value of "pre_tokenizer". `where` names it in errors. InputError: another component or behaviour,
  /// a pattern that is not supported, none or more than one ByteLevel, or one that is not last.
  PreTokenizer(const nlohmann::json& json, const std::string& where) {
    add(json, where);
    if (!byte_level_)
      throw InputError(where +
                       ": no component of type ByteLevel; only byte-level tokenizers (Llama 3, GPT-2) are read here");
  }

  /// Calls `use(word)` for each word of `text` (valid UTF-8, not empty), in order. A word is a piece of the text as
  /// bytes, with a blank put before it where the file asks for one.
  template <class Use>
  void split(std::string_view text, const MatchMemory& memory, Use&& use) const {
    cut(text, 0, memory, use);
  }

 private:
  // GPT-2's own pattern, which ByteLevel applies when `use_regex` is set.
  static constexpr const char* gpt2_pattern =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

  void add(const nlohmann::json& json, const std::string& where) {
    if (byte_level_)
      throw InputError(where + ": a component after ByteLevel; ByteLevel is expected to be the last one");
    const auto type = required<std::string>(json, "type", where);
    if (type == "Sequence") {
      const nlohmann::json& parts = json_list(json, "pretokenizers", where);
      for (std::size_t i = 0; i < parts.size(); ++i) add(parts[i], where + ".pretokenizers[" + std::to_string(i) + "]");
    } else if (type == "Split") {
      add_split(json, where);
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      prefix_space_at_ = required<bool>(json, "add_prefix_space", where) ? patterns_.size() : no_prefix;
      if (optional_value<bool>(json, "use_regex", where).value_or(true)) patterns_.emplace_back(gpt2_pattern, where);
    } else {
      throw InputError(where + ": the component '" + type +
                       "' is not supported; Split, ByteLevel or Sequence is expected");
    }
  }

  void add_split(const nlohmann::json& json, const std::string& where) {
    const auto behavior = required<std::string>(json, "behavior", where);
    if (behavior != "Isolated")
      throw InputError(where + ": the behavior '" + behavior + "' is not supported; 'Isolated' is expected");
    if (optional_value<bool>(json, "invert", where).value_or(false))
      throw InputError(where + ": 'invert' is true, which is not supported; false is expected");
    if (patterns_.size() == max_patterns)
      throw InputError(where + ": the text is cut more than " + std::to_string(max_patterns) +
                       " times; a few components of type Split are expected");
    const nlohmann::json& pattern = json_member(json, "pattern", where);
    patterns_.emplace_back(required<std::string>(pattern, "Regex", where + ".pattern"), where);
  }

  template <class Use>
  void cut(std::string_view text, std::size_t stage, const MatchMemory& memory, Use&& use) const {
    if (stage == prefix_space_at_ && text.front() != ' ') {
      const std::string spaced = " " + std::string(text);
      match(spaced, stage, memory, use);
    } else {
      match(text, stage, memory, use);
    }
  }
  template <class Use>
  void match(std::string_view text, std::size_t stage, const MatchMemory& memory, Use&& use) const {
    if (stage == patterns_.size()) return use(text);
    patterns_[stage].split(text, memory, [&](std::string_view piece) { cut(piece, stage + 1, memory, use); });
  }

  static constexpr std::size_t max_patterns = 100;  // each costs a level of recursion, and of work, for every text
  static constexpr std::size_t no_prefix = static_cast<std::size_t>(-1);
  std::vector<SplitPattern> patterns_;  // each cuts the pieces of the one before
  std::size_t prefix_space_at_ = no_prefix;
  bool byte_level_ = false;
};

}  // namespace cell2text
