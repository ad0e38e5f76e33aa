// The tokens of a decoder that a grammar of descriptions must know apart.
#pragma once

#include <string_view>
#include <vector>

#include "cell2text/generate/token_texts.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text {

/// The tokens of a decoder as all its grammars need them.
struct GrammarTokens {
  explicit GrammarTokens(const DecoderHandle& decoder) : texts(decoder), ends(decoder.end_tokens()) {
    for (std::int64_t token = 0; token < texts.size(); ++token) {
      const auto holds = [&](std::string_view words) { return texts[token].find(words) != std::string::npos; };
      if (holds("m ")) over_cue.push_back(token);
      if (holds(template_text::disease_opener) || holds(template_text::stage_opener)) with_cue.push_back(token);
    }
  }
  TokenTexts texts;
  std::vector<std::int64_t> ends;
  std::vector<std::int64_t> over_cue;  ///< that may end the words before the second sentence, and go on
  std::vector<std::int64_t> with_cue;  ///< that hold the words before a disease or a stage
};

}  // namespace cell2text
