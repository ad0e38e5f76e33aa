// Opens the tokenizer of a model folder, whichever kind of file it has, and keeps its files so that a model can be
// saved when its origin is gone. Links the SentencePiece library: included by decoders only.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/text/sentence_piece.hpp"
#include "cell2text/text/tiktoken.hpp"
#include "cell2text/text/tokenizer.hpp"

namespace cell2text {

/// Reads a tokenizer file of any kind, told by its content: JSON begins with '{', tiktoken ranks are lines of Base64
/// and a number, SentencePiece is a protocol buffer. `where` names the file in errors; `special_names` is asked for the
/// names of special tokens where the file has none (tiktoken). InputError: damaged, or of a kind that is not known.
inline Tokenizer read_tokenizer(
    std::string_view text, const std::string& where,
    const std::function<SpecialNames()>& special_names = [] { return SpecialNames(); }) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return Tokenizer::from(parse_json(text, where), where);
  if (is_tiktoken(text)) return read_tiktoken(text, where, special_names());
  if (is_sentence_piece(text)) return read_sentence_piece(text, where);
  throw InputError(where + " is neither a tokenizer.json nor a tokenizer.model of tiktoken or SentencePiece; it is " +
                   "damaged, or not a tokenizer");
}

/// A tokenizer with the files that it was read from.
class TokenizerFolder {
 public:
  /// `path` is a folder (tokenizer.json is taken, else tokenizer.model) or one of these files, under any name.
  /// `setting` is the key that named the path, for errors. InputError: neither file is there, or as read_tokenizer.
  static TokenizerFolder open(const std::filesystem::path& path, const std::string& setting = "tokenizer") {
    const auto file = choose(path, setting);
    return TokenizerFolder(read(file), file);
  }

  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// The file that the tokenizer was read from.
  const std::filesystem::path& path() const { return path_; }

  /// Writes the tokenizer's files, as they were, into `folder`, which exists.
  void save(const std::filesystem::path& folder) const {
    for (const auto& [name, file] : files_) write_atomically(folder / name, file->text());
  }

 private:
  TokenizerFolder(Tokenizer tokenizer, const std::filesystem::path& path)
      : tokenizer_(std::move(tokenizer)), path_(path) {
    const auto main = MappedFile::open(path);
    const auto text = main->text();
    const bool json = text[std::min(text.find_first_not_of(" \t\r\n"), text.size() - 1)] == '{';
    files_[json ? "tokenizer.json" : "tokenizer.model"] = main;
    for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
                             "added_tokens.json", "chat_template.jinja", "chat_template.json"})
      if (const auto other = path.parent_path() / name; !files_.contains(name) && std::filesystem::exists(other))
        files_[name] = MappedFile::open(other);
  }

  static std::filesystem::path choose(const std::filesystem::path& path, const std::string& setting) {
    if (!std::filesystem::is_directory(path)) {
      if (std::filesystem::exists(path)) return path;
      throw InputError(path.string() + " does not exist; '" + setting +
                       "' names a tokenizer.json, a tokenizer.model or the folder that holds one");
    }
    for (const char* name : {"tokenizer.json", "tokenizer.model"})
      if (std::filesystem::exists(path / name)) return path / name;
    throw InputError(path.string() + " holds neither a tokenizer.json nor a tokenizer.model; '" + setting +
                     "' names one of these files or the folder that holds it");
  }

  static Tokenizer read(const std::filesystem::path& path) {
    const auto config = path.parent_path() / "tokenizer_config.json";
    return read_tokenizer(MappedFile::open(path)->text(), path.string(), [&] {
      return std::filesystem::exists(config) ? read_special_names(read_json(config), config.string()) : SpecialNames();
    });
  }

  Tokenizer tokenizer_;
  std::filesystem::path path_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace cell2text
