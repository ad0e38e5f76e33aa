// The [prompt] table: what stands around the soft tokens, in the decoder's own chat template or in one that the
// experiment writes.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/encode_inside.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text {

/// The encoder of cells that the decoder reads as text.
inline constexpr const char* no_encoder = "none";

/// "{genes:N}" at the end of a user message: the names of a cell's N first genes stand there, in place of soft tokens.
struct GeneField {
  std::string before;  ///< the message up to it
  std::int64_t genes = 0;
};

/// The field of a user message, or nothing where it has none. InputError where it is not written so, or not at the end.
inline std::optional<GeneField> gene_field(const std::string& user) {
  constexpr std::string_view opening = "{genes";
  const auto at = user.find(opening);
  if (at == std::string::npos) return std::nullopt;
  GeneField field{user.substr(0, at), 0};
  const char* const number = user.data() + at + opening.size() + 1;
  const char* const end = user.data() + user.size();
  if (number < end && number[-1] == ':' && std::from_chars(number, end - 1, field.genes).ptr == end - 1 &&
      end[-1] == '}' && field.genes >= 1 && field.genes <= 100'000)
    return field;
  throw InputError(
      "'user' holds '" + user.substr(at) +
      "'; the names of a cell's genes are written {genes:N}, with N from 1 to 100000, and end the message");
}

/// Texts of the paper, section 3.2.1. With any of `before`, `between` and `after` set, the three are the template, and
/// those unset are empty; with none, the decoder's own is used.
struct PromptSettings {
  std::string system =
      "You are a scientific assistant specialized in cell description predictions. Given the cell sentence "
      "embeddings, describe it clearly and concisely in professional language.";
  std::string user = "Sequence embeddings: ";
  std::optional<std::string> before, between, after;
  std::int64_t max_genes = 4096;

  void validate() const {
    gene_field(user), given_field(user);
    for (const std::string& text : {system, before.value_or(""), between.value_or(""), after.value_or("")})
      if (text.find("{given") != text.npos)
        throw InputError("'" + text + "' has a field of given labels; it is written into 'user' alone");
  }

  bool own_template() const { return before || between || after; }

  static void describe(auto& s) {
    using T = PromptSettings;
    s.field("system", &T::system, {.help = "system message; may be empty"});
    s.field(
        "user", &T::user,
        {.help =
             "user message, which the soft tokens follow; may be empty. {genes:100} at its end tells the names of a "
             "cell's 100 most expressed genes instead of soft tokens (with encoder.plugin = \"none\"). "
             "{given:tissue,sex} tells what is known of a cell, as in \"Known: tissue lung, sex male. \", and nothing "
             "where nothing is (labels: cell_type, tissue, disease, sex, development_stage): see "
             "training.given_dropout"});
    s.field("before", &T::before,
            {.help = "own template in place of the decoder's: the decoder reads before, system, between, user, the "
                     "soft tokens, after, joined as they stand. Special tokens are written by name "
                     "(<|begin_of_text|>), a begin token too: nothing is added, nothing trimmed. Unset with the next "
                     "two unset: the decoder's chat template"});
    s.field("between", &T::between, {.help = "own template: between system and user message"});
    s.field("after", &T::after,
            {.help = "own template: after the soft tokens, up to where the description starts; it should not be "
                     "empty: a decoder with begin and end of turns needs its own marks here"});
    s.field("max_genes", &T::max_genes,
            {.help = "how many of the leading gene tokens reach the decoder (the authors evaluate with 256)",
             .unit = "genes",
             .min = 1,
             .max = 1e6});
  }
};

/// The prompt as token ids, before and after the soft tokens, of a cell of which some labels are given. In an own
/// template names of special tokens are these tokens, in system and user message too.
inline ChatPieces chat_pieces(const DecoderHandle& decoder, const PromptSettings& prompt,
                              const GivenLabels& given = {}) {
  const auto genes = gene_field(prompt.user);
  std::string user = genes ? genes->before : prompt.user;
  if (const auto field = given_field(user)) user = field->before + given_text(field->labels, given) + field->after;
  if (!prompt.own_template()) return decoder.chat({prompt.system, user});
  const std::string before = prompt.before.value_or("") + prompt.system + prompt.between.value_or("") + user;
  const auto encode = [&](const std::string& text) { return decoder.encode_prompt(text, false); };
  return {encode(before), encode_inside(encode, prompt.after.value_or(""))};
}

}  // namespace cell2text
