// Cuts a text into the words that byte-pair encoding works on, as the `pre_tokenizer` of a tokenizer.json says.
// Supported: Split (isolated, or merged with the previous piece), Metaspace, ByteLevel, and Sequences of these.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/normalizer.hpp"
#include "cell2text/text/split_pattern.hpp"

namespace cell2text {

/// The cutting of a text into words. Const, and usable from several threads.
class PreTokenizer {
 public:
  PreTokenizer() = default;  // the whole text is one word
  /// Reads the value of "pre_tokenizer". `where` names it in errors. InputError: another component or behaviour,
  /// a pattern that is not supported, more than one ByteLevel, or one that is not last.
  PreTokenizer(const nlohmann::json& json, const std::string& where) { add(json, where); }

  /// The words of tiktoken's files: a pattern alone, over bytes.
  static PreTokenizer byte_level(std::string_view pattern, const std::string& where) {
    PreTokenizer words;
    words.stages_.push_back({SplitPattern(pattern, where)});
    words.byte_level_ = true;
    return words;
  }

  /// Whether the words' bytes are what the model's tokens are made of (written in the byte-level alphabet).
  bool byte_level() const { return byte_level_; }

  /// Calls `use(word)` for each word of `text` (valid UTF-8, not empty), in order. A word is a piece of the text as
  /// bytes, with a blank put before it where the file asks for one. `begins`: how many of its leading bytes
  /// stand for the first character of the original text.
  template <class Use>
  void split(std::string_view text, std::size_t begins, const MatchMemory& memory, Use&& use) const {
    cut(text, begins, 0, memory, use);
  }

 private:
  // GPT-2's own pattern, which ByteLevel applies when `use_regex` is set.
  static constexpr const char* gpt2_pattern =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

  enum class Cut { around, behind, before };   // each match of the pattern
  enum class Prefix { never, first, always };  // whether `prefix` is put before a piece that lacks it

  struct Stage {
    std::optional<SplitPattern> pattern = {};
    std::string literal = {};  // to look for instead of the pattern; both empty: nothing is cut
    Cut cut = Cut::around;
    Prefix put = Prefix::never;
    std::string prefix = {};
    bool replaces_blanks = false;  // each blank becomes `prefix`
  };

  void add(const nlohmann::json& json, const std::string& where) {
    if (byte_level_)
      throw InputError(where + ": a component after ByteLevel; ByteLevel is expected to be the last one");
    const auto type = required<std::string>(json, "type", where);
    if (type == "Sequence") {
      const nlohmann::json& parts = json_list(json, "pretokenizers", where);
      for (std::size_t i = 0; i < parts.size(); ++i) add(parts[i], where + ".pretokenizers[" + std::to_string(i) + "]");
      return;
    }
    if (stages_.size() == max_stages)
      throw InputError(where + ": the text is cut more than " + std::to_string(max_stages) +
                       " times; a few components of type Split are expected");
    if (type == "Split") {
      add_split(json, where);
    } else if (type == "ByteLevel") {
      add_byte_level(json, where);
    } else if (type == "Metaspace") {
      add_metaspace(json, where);
    } else {
      throw InputError(where + ": the component '" + type +
                       "' is not supported; Split, Metaspace, ByteLevel or Sequence is expected");
    }
  }

  void add_byte_level(const nlohmann::json& json, const std::string& where) {
    byte_level_ = true;
    Stage stage;
    if (required<bool>(json, "add_prefix_space", where)) stage.put = Prefix::always, stage.prefix = " ";
    if (optional_value<bool>(json, "use_regex", where).value_or(true)) stage.pattern.emplace(gpt2_pattern, where);
    if (stage.pattern || stage.put != Prefix::never) stages_.push_back(std::move(stage));
  }

  void add_split(const nlohmann::json& json, const std::string& where) {
    Stage stage;
    const auto behavior = required<std::string>(json, "behavior", where);
    if (behavior == "MergedWithPrevious")
      stage.cut = Cut::behind;
    else if (behavior != "Isolated")
      throw InputError(where + ": the behavior '" + behavior +
                       "' is not supported; 'Isolated' or 'MergedWithPrevious' is expected");
    if (optional_value<bool>(json, "invert", where).value_or(false))
      throw InputError(where + ": 'invert' is true, which is not supported; false is expected");
    const nlohmann::json& pattern = json_member(json, "pattern", where);
    if (pattern.is_object() && pattern.contains("String"))
      stage.literal = literal_pattern(json, "Split", where);
    else
      stage.pattern.emplace(required<std::string>(pattern, "Regex", where + ".pattern"), where);
    stages_.push_back(std::move(stage));
  }

  void add_metaspace(const nlohmann::json& json, const std::string& where) {
    Stage stage;
    stage.replaces_blanks = true;
    stage.prefix = required<std::string>(json, "replacement", where);
    if (stage.prefix.empty() || decode_utf8(stage.prefix, 0).second != stage.prefix.size())
      throw InputError(where + ": 'replacement' is '" + stage.prefix + "'; one character is expected");
    const auto scheme = optional_value<std::string>(json, "prepend_scheme", where).value_or("always");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      throw InputError(where + ": 'prepend_scheme' is '" + scheme + "'; 'always', 'first' or 'never' is expected");
    if (!optional_value<bool>(json, "add_prefix_space", where).value_or(true) && scheme != "never")
      throw InputError(where + ": 'add_prefix_space' is false and 'prepend_scheme' is '" + scheme +
                       "'; they contradict each other, 'never' is expected");
    stage.put = scheme == "always" ? Prefix::always : scheme == "first" ? Prefix::first : Prefix::never;
    if (optional_value<bool>(json, "split", where).value_or(true)) {
      stage.literal = stage.prefix;
      stage.cut = Cut::before;
    }
    stages_.push_back(std::move(stage));
  }

  template <class Use>
  void cut(std::string_view text, std::size_t begins, std::size_t index, const MatchMemory& memory, Use&& use) const {
    if (index == stages_.size()) return use(text);
    const Stage& stage = stages_[index];
    std::string changed;
    if (stage.replaces_blanks) text = changed = replace_all(text, " ", stage.prefix, begins);
    const bool put = stage.put == Prefix::always || (stage.put == Prefix::first && begins > 0);
    if (put && !text.starts_with(stage.prefix)) {
      text = changed = stage.prefix + std::string(text);
      if (begins > 0) begins += stage.prefix.size();
    }
    std::size_t done = 0;
    const auto give = [&](std::size_t end) {
      if (end > done)
        cut(text.substr(done, end - done), std::min(begins - std::min(begins, done), end - done), index + 1, memory,
            use);
      done = end;
    };
    if (stage.pattern) {
      stage.pattern->find_all(text, memory, [&](std::size_t start, std::size_t end) {
        if (stage.cut == Cut::around) give(start);
        give(end);
      });
    } else if (!stage.literal.empty()) {
      for (std::size_t at = 0; (at = text.find(stage.literal, at)) != std::string_view::npos;) {
        if (stage.cut != Cut::behind) give(at);
        at += stage.literal.size();
        if (stage.cut != Cut::before) give(at);
      }
    }
    give(text.size());
  }

  static constexpr std::size_t max_stages = 100;  // each costs a level of recursion, and of work, for every text
  std::vector<Stage> stages_;                     // each cuts the pieces of the one before
  bool byte_level_ = false;
};

}  // namespace cell2text
