// The tokenizer.model of Llama 2 and Gemma, by the SentencePiece library. Included by what links that library only.
#pragma once

#include <sentencepiece_processor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/sentence_piece_file.hpp"
#include "cell2text/text/tokenizer.hpp"
#include "cell2text/text/tokenizer_engine.hpp"
#include "cell2text/text/vocabulary.hpp"

namespace cell2text {
namespace sentence_piece_detail {

/// Whether a piece that a model looks for in texts has a meaning beyond its text: <start_of_turn> has, <table> and a
/// run of blanks have not.
inline bool names_a_role(std::string_view piece) {
  return piece.size() > 2 && piece.starts_with('<') && piece.ends_with('>') &&
         (piece.find_first_of("_|", 1) != std::string_view::npos || piece.starts_with("<unused") || piece == "<mask>" ||
          piece == "<pad>");
}

}  // namespace sentence_piece_detail

/// The ids and texts are the library's. Special are the control pieces (<s>, </s>) and, of the pieces that a model
/// looks for in texts, those that name a role (<start_of_turn>).
class SentencePieceTokenizer final : public TokenizerEngine {
 public:
  using Type = SentencePieceFile::PieceType;

  /// `bytes` is a whole model file, named by `where` in errors. InputError: see SentencePieceFile, and whatever else
  /// the library refuses.
  SentencePieceTokenizer(std::string_view bytes, const std::string& where) : where_(where) {
    const SentencePieceFile file(bytes, where);
    vocabulary_ = Vocabulary(static_cast<std::int64_t>(file.pieces().size()));
    std::vector<AddedToken> control;
    std::string without_roles;
    for (const auto& piece : file.pieces()) {
      const std::int64_t id = vocabulary_.size();
      vocabulary_.add(piece.text, id, where);
      const bool role = piece.type == Type::user_defined && sentence_piece_detail::names_a_role(piece.text);
      special_.push_back(role || piece.type == Type::control);
      if (piece.type == Type::control) control.push_back({.id = id, .content = piece.text, .special = true});
      if (!role) continue;
      if (without_roles.empty()) without_roles = bytes;
      without_roles[piece.type_at] = static_cast<char>(Type::control);
    }
    control_ = AddedTokens(std::move(control));
    load(processor_, bytes);
    if (!without_roles.empty()) load(plain_.emplace(), without_roles);
  }

  std::vector<std::int64_t> encode(std::string_view text, bool add_special, SpecialText special) const override {
    std::vector<std::int64_t> ids;
    if (add_special && processor_.bos_id() >= 0) ids.push_back(processor_.bos_id());
    if (special == SpecialText::plain) {
      append(plain_ ? *plain_ : processor_, text, ids);
      return ids;
    }
    control_.split(
        text, false, {}, [&](const AddedToken& token) { ids.push_back(token.id); },
        [&](std::string_view piece, bool) { append(processor_, piece, ids); });
    return ids;
  }

  std::string decode(std::span<const std::int64_t> ids, bool skip_special) const override {
    std::string text;
    std::vector<int> run;
    const auto end_run = [&] {
      std::string part;
      if (!run.empty()) check(processor_.Decode(run, &part));
      text += part;
      run.clear();
    };
    for (const std::int64_t id : ids) {
      const std::string* piece = find(id);
      if (!piece) continue;
      if (!is_special(id)) {
        run.push_back(static_cast<int>(id));
      } else if (!skip_special) {
        end_run();
        text += *piece;
      }
    }
    end_run();
    return is_utf8(text) ? text : replace_invalid_utf8(text);
  }

  std::int64_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<std::int64_t> id_of(std::string_view token) const override { return vocabulary_.id_of(token); }
  const std::string* find(std::int64_t id) const override { return vocabulary_.find(id); }
  bool is_special(std::int64_t id) const override { return find(id) && special_[static_cast<std::size_t>(id)]; }
  const std::string& where() const override { return where_; }

 private:
  void check(const sentencepiece::util::Status& status) const {
    if (!status.ok())
      throw InputError(where_ + ": SentencePiece says: " + std::string(status.message()) +
                       "; the file is damaged, or its version of the library is another");
  }
  void load(sentencepiece::SentencePieceProcessor& processor, std::string_view bytes) const {
    check(processor.LoadFromSerializedProto({bytes.data(), bytes.size()}));
  }
  void append(const sentencepiece::SentencePieceProcessor& processor, std::string_view text,
              std::vector<std::int64_t>& ids) const {
    std::vector<int> more;
    check(processor.Encode({text.data(), text.size()}, &more));
    ids.insert(ids.end(), more.begin(), more.end());
  }

  std::string where_;
  Vocabulary vocabulary_;
  std::vector<bool> special_;  // by id
  AddedTokens control_;
  sentencepiece::SentencePieceProcessor processor_;
  std::optional<sentencepiece::SentencePieceProcessor> plain_;  // does not look for pieces that name a role
};

/// Whether a file begins as a SentencePiece model does: with a first piece.
inline bool is_sentence_piece(std::string_view text) {
  return text.starts_with('\n');
}

/// Reads a SentencePiece model. `where` names the file in errors. `add_special` puts its begin token, where it has
/// one, before a text. With SpecialText::token, control pieces in a text are tokens, and what lies between is encoded
/// piece by piece; with SpecialText::plain, nothing in a text is a special token.
inline Tokenizer read_sentence_piece(std::string_view bytes, const std::string& where) {
  return Tokenizer(std::make_shared<const SentencePieceTokenizer>(bytes, where));
}

}  // namespace cell2text
