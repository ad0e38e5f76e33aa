// A SentencePiece model file (a protocol buffer), read as far as needed to tell that the library can be trusted with
// it: the pieces and the kind of model. Does without the library, which is sentence_piece.hpp's.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {
namespace sentence_piece_detail {

enum class PieceType { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct Piece {
  std::string text;
  PieceType type = PieceType::normal;
  std::size_t type_at = 0;  ///< where in the file the type stands, one byte; 0 where it does not
};

/// One field of a message: its number and, by its wire type, a number or bytes.
struct Field {
  std::uint64_t number = 0;
  int wire = 0;
  std::uint64_t value = 0;      // wire types 0, 1, 5
  std::string_view bytes = {};  // wire type 2
  std::size_t value_bytes = 0;
};

/// The fields of a message one after the other. InputError where the bytes are no message.
class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : rest_(bytes), where_(&where) {}

  std::optional<Field> next() {
    if (rest_.empty()) return {};
    Field field;
    const std::uint64_t tag = number();
    field.number = tag >> 3;
    field.wire = static_cast<int>(tag & 7);
    const std::size_t before = rest_.size();
    if (field.wire == 0) {
      field.value = number();
    } else if (field.wire == 2) {
      field.bytes = take(number());
    } else if (field.wire == 1 || field.wire == 5) {
      const auto raw = take(field.wire == 1 ? 8 : 4);
      std::memcpy(&field.value, raw.data(), raw.size());
    } else {
      damaged("a field of wire type " + std::to_string(field.wire));
    }
    field.value_bytes = before - rest_.size();
    if (field.number == 0) damaged("a field of number 0");
    return field;
  }

  /// Where the next field begins.
  const char* position() const { return rest_.data(); }

  [[noreturn]] void damaged(const std::string& what) const {
    throw InputError(*where_ + ": no SentencePiece model: " + what + "; the file is damaged or something else");
  }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) damaged("it ends inside a number");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    damaged("a number of more than ten bytes");
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size())
      damaged("a field of " + std::to_string(count) + " bytes where " + std::to_string(rest_.size()) + " are left");
    const auto part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }

  std::string_view rest_;
  const std::string* where_;
};

}  // namespace sentence_piece_detail

/// What is known of a model file. Its pieces are numbered from 0.
class SentencePieceFile {
 public:
  using Piece = sentence_piece_detail::Piece;
  using PieceType = sentence_piece_detail::PieceType;

  /// `where` names the file in errors. InputError: damaged, no byte-pair model, or with a table of characters to
  /// normalise (Llama's and Gemma's have none, and the library trusts such a table blindly).
  SentencePieceFile(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {
    sentence_piece_detail::Message message(bytes, where_);
    while (const auto field = message.next()) {
      if (field->number > 5) continue;  // unknown to the library as well
      if (field->wire != 2) message.damaged("field " + std::to_string(field->number) + " is no message");
      if (field->number == 1) read_piece(field->bytes);
      if (field->number == 2) read_trainer(field->bytes);
      if (field->number == 3 || field->number == 5) refuse_table(field->bytes);
    }
    if (pieces_.empty()) message.damaged("it has no pieces");
    if (model_type_ != 2)
      throw InputError(where_ + ": a model of the type " + std::to_string(model_type_) +
                       " is not supported; 2 (BPE), as Llama and Gemma have, is expected");
  }

  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  void read_piece(std::string_view bytes) {
    sentence_piece_detail::Message message(bytes, where_);
    const std::string name = "piece " + std::to_string(pieces_.size());
    Piece piece;
    while (const auto field = message.next()) {
      if (field->number == 1 && field->wire == 2) {
        piece.text = std::string(field->bytes);
      } else if (field->number == 2 && field->wire == 5) {
        const auto raw = static_cast<std::uint32_t>(field->value);
        float score;
        std::memcpy(&score, &raw, sizeof score);
        if (!std::isfinite(score)) message.damaged(name + " has a score that is no number");
      } else if (field->number == 3 && field->wire == 0) {
        if (field->value < 1 || field->value > 6 || field->value_bytes != 1)
          message.damaged(name + " has the type " + std::to_string(field->value) + ", 1 to 6 is expected");
        piece.type = static_cast<PieceType>(field->value);
        piece.type_at = static_cast<std::size_t>(message.position() - bytes_.data()) - 1;
      } else if (field->number <= 3) {
        message.damaged(name + " has a field of another type than expected");
      }
    }
    if (piece.text.empty() || piece.text.find('\0') != std::string::npos || !is_utf8(piece.text))
      message.damaged(name + " is empty, no UTF-8 or holds a byte of zero");
    pieces_.push_back(std::move(piece));
  }

  void read_trainer(std::string_view bytes) {
    sentence_piece_detail::Message message(bytes, where_);
    while (const auto field = message.next())
      if (field->number == 3 && field->wire == 0) model_type_ = field->value;
  }

  void refuse_table(std::string_view bytes) const {
    sentence_piece_detail::Message message(bytes, where_);
    while (const auto field = message.next())
      if (field->number == 2 && !field->bytes.empty())
        throw InputError(where_ + ": the component 'precompiled_charsmap' (" + std::to_string(field->bytes.size()) +
                         " bytes) is not supported; a model that does not normalise characters is expected");
  }

  std::string_view bytes_;
  std::string where_;
  std::vector<Piece> pieces_;
  std::uint64_t model_type_ = 1;  // what a file means that does not say: unigram
};

}  // namespace cell2text
