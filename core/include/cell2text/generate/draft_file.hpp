// Draft texts in a model folder: tokens one behind the other, and where each text ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/generate/drafts.hpp"
#include "cell2text/io/arrays.hpp"

namespace cell2text {

/// EnvironmentError where it cannot be written.
inline void save_drafts(const std::filesystem::path& file, const DraftTexts& drafts) {
  std::vector<std::int64_t> tokens, ends;
  for (const auto& text : drafts.texts()) {
    tokens.insert(tokens.end(), text.begin(), text.end());
    ends.push_back(std::ssize(tokens));
  }
  write_safetensors(file, {array_item("ends", ends), array_item("tokens", tokens)});
}

/// InputError where the file is damaged, or was written for another vocabulary than one of `vocabulary` tokens.
inline std::shared_ptr<const DraftTexts> read_drafts(const std::filesystem::path& file, std::int64_t vocabulary) {
  const ArrayFile arrays(file);
  const auto tokens = arrays.of<std::int64_t>("tokens"), ends = arrays.of<std::int64_t>("ends");
  std::vector<std::vector<std::int64_t>> texts;
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    if (end < begin || end > std::ssize(tokens))
      throw InputError(file.string() + ": text " + std::to_string(texts.size()) + " ends at token " +
                       std::to_string(end) + "; expected " + std::to_string(begin) + " to " +
                       std::to_string(tokens.size()) + ". The file is damaged; copy the model folder again");
    texts.emplace_back(tokens.begin() + begin, tokens.begin() + end);
    begin = end;
  }
  for (const std::int64_t token : tokens)
    if (token < 0 || token >= vocabulary)
      throw InputError(file.string() + ": holds token " + std::to_string(token) + "; the decoder has " +
                       std::to_string(vocabulary) + ". The file is of another model; copy the model folder again");
  return std::make_shared<const DraftTexts>(std::move(texts));
}

}  // namespace cell2text
