// Text to token ids and back. One type for every kind of tokenizer; the kinds are BpeTokenizer (tokenizer.json,
// tiktoken) and SentencePieceTokenizer. Which file of a folder is read is tokenizer_folder.hpp's business; chat
// templates and prompts are the decoders'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/text/bpe_tokenizer.hpp"
#include "cell2text/text/tokenizer_engine.hpp"
#include "cell2text/text/tokenizer_file.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// A tokenizer. Const after reading; all functions may run in several threads at once. Copies are cheap and share
/// their tables.
class Tokenizer {
 public:
  /// Reads a tokenizer.json (what is understood of it: tokenizer_file.hpp); ids and texts are those of the
  /// `tokenizers` library, with three exceptions: `truncation` and `padding` of the file are not applied (a caller
  /// chooses lengths), letters newer than the Unicode version of the installed PCRE2 count as neither letter nor
  /// number when text is cut into words, and special tokens are left out of a text also where they are normalised.
  /// InputError: damaged, or with a component that is not known. EnvironmentError: unreadable.
  static Tokenizer read(const std::filesystem::path& path) { return from(read_json(path), path.string()); }
  /// The same from the file's value; `where` names it in errors.
  static Tokenizer from(const nlohmann::json& json, const std::string& where) {
    return Tokenizer(std::make_shared<const BpeTokenizer>(tokenizer_file::read_parts(json, where)));
  }
  explicit Tokenizer(std::shared_ptr<const TokenizerEngine> engine) : engine_(std::move(engine)) {}

  /// The ids of `text`. With `add_special` the tokens that the file puts around a text stand around them (Llama 3:
  /// the begin of text). Invalid UTF-8 is read as U+FFFD. InputError: a text above 512 MiB, or one that the split
  /// pattern gives up on.
  std::vector<std::int64_t> encode(std::string_view text, bool add_special = false,
                                   SpecialText special_text = SpecialText::token) const {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 4))
      throw InputError("a text of " + std::to_string(text.size()) +
                       " bytes cannot be tokenized at once; pass pieces of at most 512 MiB");
    if (is_utf8(text)) return engine_->encode(text, add_special, special_text);
    return engine_->encode(replace_invalid_utf8(text), add_special, special_text);
  }

  /// The text of `ids`, with U+FFFD for what is no UTF-8. With `skip_special` special tokens are left out. An id that
  /// no token has gives nothing.
  std::string decode(std::span<const std::int64_t> ids, bool skip_special = true) const {
    return engine_->decode(ids, skip_special);
  }

  /// The highest id and one.
  std::int64_t vocabulary_size() const { return engine_->vocabulary_size(); }

  /// The id of a token as the file writes it ("Ġcell", "▁cell", "<|eot_id|>"), or nothing.
  std::optional<std::int64_t> id_of(std::string_view token) const { return engine_->id_of(token); }

  /// The token of `id` as the file writes it. InputError where no token has the id.
  const std::string& token(std::int64_t id) const {
    if (const std::string* token = engine_->find(id)) return *token;
    throw InputError("no token has the id " + std::to_string(id) + " (" + engine_->where() + " has ids 0 to " +
                     std::to_string(vocabulary_size() - 1) + ")");
  }

  /// Whether `id` is a special token's.
  bool is_special(std::int64_t id) const { return engine_->is_special(id); }

 private:
  std::shared_ptr<const TokenizerEngine> engine_;
};

}  // namespace cell2text
