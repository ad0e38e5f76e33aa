// A sentence of one's own that tells the definition of a tissue or a disease. The paper's texts have none.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text {

/// "The {name} is {definition}." with both filled in; a definition without the article and the period it has.
class DefinitionSentence {
 public:
  /// InputError, naming `key`, where there is no {definition} in it, or other braces than these.
  DefinitionSentence(std::string words, const std::string& key) : words_(std::move(words)) {
    const std::string tried = filled("", "");
    if (words_.find("{definition}") == std::string::npos || tried.find_first_of("{}") != std::string::npos)
      throw InputError("'" + key + "' is \"" + words_ +
                       "\"; a sentence with {definition} in it is expected, and perhaps {name}, as in \"The {name} is "
                       "{definition}.\"");
  }

  std::string text(std::string_view name, const std::string& definition) const {
    return filled(name, description_detail::definition_words(definition));
  }

 private:
  /// What is filled in is not looked at again: a definition may hold braces.
  std::string filled(std::string_view name, std::string_view definition) const {
    std::string text;
    for (std::string_view left = words_; !left.empty();) {
      const std::size_t at = left.find('{');
      text += left.substr(0, at);
      left.remove_prefix(std::min(at, left.size()));
      if (left.starts_with("{name}"))
        text += name, left.remove_prefix(6);
      else if (left.starts_with("{definition}"))
        text += definition, left.remove_prefix(12);
      else if (!left.empty())
        text += left.front(), left.remove_prefix(1);
    }
    return text;
  }

  std::string words_;
};

}  // namespace cell2text
