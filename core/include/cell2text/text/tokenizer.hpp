// Text to token ids and back, for the byte-level BPE models of a Hugging Face tokenizer.json (Llama 3, GPT-2).
// Chat templates and prompts are the decoders' business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/byte_level.hpp"
#include "cell2text/text/byte_pair_merges.hpp"
#include "cell2text/text/pre_tokenizer.hpp"
#include "cell2text/text/tokenizer_file.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/vocabulary.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// What a special token's text, such as "<|eot_id|>", becomes where it occurs in a text to encode.
enum class SpecialText {
  token,  ///< the special token itself: for prompts that the program builds
  plain,  ///< plain text like any other: for text from outside, which must not end a turn
};

/// A byte-level BPE tokenizer. Const after reading; all functions may run in several threads at once. Copies are
/// cheap and share their tables.
///
/// Gives the ids of the `tokenizers` library, with two exceptions: `truncation` and `padding` of the file are not
/// applied (a caller chooses lengths), and letters newer than the Unicode version of the installed PCRE2 count as
/// neither letter nor number when text is cut into words.
class Tokenizer {
 public:
  /// Reads a tokenizer.json: model BPE over all 256 bytes, pre-tokenizers Split (isolated regular expression),
  /// ByteLevel and Sequence, decoder ByteLevel, post-processors TemplateProcessing, ByteLevel and Sequence, no
  /// normalizer. InputError: damaged, or with any other component. EnvironmentError: unreadable.
  static Tokenizer read(const std::filesystem::path& path) { return from(read_json(path), path.string()); }
  /// The same from the file's value; `where` names it in errors.
  static Tokenizer from(const nlohmann::json& json, const std::string& where) {
    return Tokenizer(std::make_shared<const Tables>(json, where));
  }

  /// The ids of `text`. With `add_special` the post-processor's tokens stand around them (Llama 3: the begin of
  /// text). Invalid UTF-8 is read as U+FFFD. InputError: a text above 512 MiB, or one that the split pattern
  /// gives up on.
  std::vector<std::int64_t> encode(std::string_view text, bool add_special = false,
                                   SpecialText special_text = SpecialText::token) const {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 4))
      throw InputError("a text of " + std::to_string(text.size()) +
                       " bytes cannot be tokenized at once; pass pieces of at most 512 MiB");
    std::string repaired;
    if (!is_utf8(text)) text = repaired = replace_invalid_utf8(text);
    const MatchMemory memory;
    BytePairMerges::Workspace workspace;
    std::vector<std::int64_t> ids;
    if (add_special) ids = tables_->frame.before;
    tables_->added.split(
        text, special_text == SpecialText::plain, [&](const AddedToken& token) { ids.push_back(token.id); },
        [&](std::string_view piece) {
          tables_->words.split(piece, memory, [&](std::string_view word) {
            const auto whole = tables_->whole_words.find(word);
            if (whole != tables_->whole_words.end()) {
              ids.push_back(whole->second);
            } else {
              tables_->merges.append_ids(word, workspace, ids);
            }
          });
        });
    if (add_special) ids.insert(ids.end(), tables_->frame.after.begin(), tables_->frame.after.end());
    return ids;
  }

  /// The text of `ids`: their bytes joined, with U+FFFD for what is no UTF-8. With `skip_special` special tokens
  /// are left out. An id that no token has gives nothing.
  std::string decode(std::span<const std::int64_t> ids, bool skip_special = true) const {
    std::string bytes;
    for (const std::int64_t id : ids) {
      if (!tables_->vocabulary.find(id)) continue;
      const auto index = static_cast<std::size_t>(id);
      if (!skip_special || !tables_->special[index]) bytes += tables_->bytes[index];
    }
    return is_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
  }

  /// The highest id and one.
  std::int64_t vocabulary_size() const { return tables_->vocabulary.size(); }

  /// The id of a token as the file writes it ("Ġcell", "<|eot_id|>"), or nothing.
  std::optional<std::int64_t> id_of(std::string_view token) const { return tables_->vocabulary.id_of(token); }

  /// The token of `id` as the file writes it. InputError where no token has the id.
  const std::string& token(std::int64_t id) const {
    if (const std::string* token = tables_->vocabulary.find(id)) return *token;
    throw InputError("no token has the id " + std::to_string(id) + " (" + tables_->where + " has ids 0 to " +
                     std::to_string(vocabulary_size() - 1) + ")");
  }

  /// Whether `id` is a special token's.
  bool is_special(std::int64_t id) const {
    return tables_->vocabulary.find(id) && tables_->special[static_cast<std::size_t>(id)];
  }

 private:
  struct Tables {
    Tables(const nlohmann::json& json, const std::string& file)
        : where(file), words(json_member(json, "pre_tokenizer", file), file + ": pre_tokenizer") {
      using tokenizer_file::member;
      tokenizer_file::check_normalizer(json, file);
      tokenizer_file::check_decoder(json, file);
      const std::string at_model = file + ": model";
      const auto& model = member(json, "model", &nlohmann::json::is_object, "an object", file);
      const ByteLevelAlphabet alphabet;
      tokenizer_file::check_model(model, at_model);
      const auto extra = json.find("added_tokens");
      vocabulary = tokenizer_file::read_vocabulary(model, extra != json.end() ? extra->size() : 0, at_model);
      merges = {tokenizer_file::byte_ids(vocabulary, alphabet, at_model),
                tokenizer_file::read_merges(model, vocabulary, at_model)};
      if (optional_value<bool>(model, "ignore_merges", at_model).value_or(false)) keep_whole_words(alphabet);
      added = AddedTokens(tokenizer_file::read_added_tokens(json, vocabulary, file));
      if (const auto processor = optional_value<nlohmann::json>(json, "post_processor", file))
        tokenizer_file::read_post_processor(*processor, vocabulary, frame, file + ": post_processor");
      special.resize(static_cast<std::size_t>(vocabulary.size()));
      for (const AddedToken& token : added.tokens()) special[static_cast<std::size_t>(token.id)] = token.special;
      for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
        const std::string* token = vocabulary.find(id);
        bytes.push_back(token ? alphabet.bytes_of(*token).value_or(*token) : "");
      }
    }

    /// `ignore_merges`: a word that is a token becomes that token, though no merges may lead to it.
    void keep_whole_words(const ByteLevelAlphabet& alphabet) {
      for (std::int64_t id = 0; id < vocabulary.size(); ++id)
        if (const std::string* token = vocabulary.find(id))
          if (auto word = alphabet.bytes_of(*token)) whole_words.emplace(std::move(*word), id);
    }

    std::string where;
    PreTokenizer words;
    Vocabulary vocabulary;
    BytePairMerges merges;
    std::unordered_map<std::string, std::int64_t, ViewHash, std::equal_to<>> whole_words;  // by their bytes
    AddedTokens added;
    tokenizer_file::Frame frame;
    std::vector<bool> special;       // by id
    std::vector<std::string> bytes;  // by id: what a token adds to a decoded text
  };

  explicit Tokenizer(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}

  std::shared_ptr<const Tables> tables_;
};

}  // namespace cell2text
