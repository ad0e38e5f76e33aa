// The composed model: encoder, adapter, decoder and fine-tuning, and the sequence that the decoder reads:
// chat pieces, soft tokens, chat pieces, description, end token, packed without padding inside.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/embedding_cache.hpp"
#include "cell2text/generate/drafts.hpp"
#include "cell2text/plugin/handles.hpp"
#include "cell2text/text/encode_inside.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text {

/// The parts with the parameters they declared. Members are in the order of building.
struct Model {
  std::unique_ptr<Parameters> encoder_parameters, adapter_parameters, decoder_parameters, tuning_parameters;
  std::unique_ptr<EncoderHandle> encoder;
  std::unique_ptr<AdapterHandle> adapter;  ///< null where genes are told by name
  std::unique_ptr<DecoderHandle> decoder;
  std::unique_ptr<FineTuningHandle> tuning;
  std::shared_ptr<EmbeddingCache> cache;     ///< of what a frozen encoder gives; null: none
  std::shared_ptr<const DraftTexts> drafts;  ///< training descriptions, which greedy decoding guesses from; null: none
  ChatPieces pieces;                         ///< where nothing is given of a cell
  std::function<ChatPieces(const GivenLabels&)> tell_given;  ///< where something is; empty: the prompt does not tell it
  std::int64_t max_genes = 4096;
  std::optional<std::int64_t> told_genes;  ///< how many genes of a cell are told by name, in place of soft tokens
  bool encoder_frozen = true;
  torch::Device device = torch::kCPU;

  void set_training(bool training) const {
    if (!encoder_frozen) encoder->set_training(training);
    if (adapter) adapter->set_training(training);
    decoder->set_training(training);
  }

  /// Gene tokens -> at most `max_genes` vectors per cell. A frozen encoder records no gradients, and what the cache
  /// holds is not computed.
  GeneEmbeddings encode(const GeneTokens& tokens) const {
    GeneTokens asked = tokens;
    asked.wanted_genes = max_genes;
    torch::AutoGradMode gradients(!encoder_frozen && torch::GradMode::is_enabled());
    const auto compute = [this](const GeneTokens& cells) {
      GeneEmbeddings genes = encoder->encode(cells);
      if (genes.values_BGE.size(1) > max_genes) {  // an encoder may give more than is wanted
        genes.values_BGE = genes.values_BGE.narrow(1, 0, max_genes);
        for (auto& length : genes.lengths) length = std::min(length, max_genes);
      }
      return genes;
    };
    return cache && encoder_frozen ? cache->encode(asked, compute) : compute(asked);
  }

  /// Gene tokens -> soft tokens, or where genes are told by name the decoder's own tokens of these names.
  SoftPrompt soft_prompt(const GeneTokens& tokens) const {
    return told_genes ? told(tokens) : adapter->forward(encode(tokens));
  }

  /// The prompt around the soft tokens: one for all cells, or one for each of those of which `given` tells.
  std::vector<ChatPieces> pieces_of(const std::vector<GivenLabels>& given) const {
    if (!tell_given || given.empty()) return {pieces};
    std::vector<ChatPieces> all;
    for (const GivenLabels& one : given) all.push_back(tell_given(one));
    return all;
  }

 private:
  /// The first words of a cell's gene sentence, whose letters its tokens are.
  std::string sentence(const GeneTokens& tokens, std::int64_t b) const {
    const Tensor letters_G = tokens.ids_BG[b].contiguous();
    std::string text;
    std::int64_t words = 0;
    for (std::int64_t i = 0; i < tokens.lengths[b]; ++i) {
      const char letter = static_cast<char>(letters_G.const_data_ptr<std::int64_t>()[i]);
      if (letter == ' ' && ++words == *told_genes) break;
      text += letter;
    }
    return text;
  }

  SoftPrompt told(const GeneTokens& tokens) const {
    const auto encode = [&](const std::string& text) { return decoder->encode_text(text); };
    std::vector<std::vector<std::int64_t>> texts;
    SoftPrompt prompt;
    std::size_t longest = 1;
    for (std::int64_t b = 0; b < tokens.size(); ++b) {
      texts.push_back(encode_inside(encode, sentence(tokens, b)));
      prompt.lengths.push_back(std::ssize(texts.back()));
      longest = std::max(longest, texts.back().size());
    }
    std::vector<std::int64_t> ids;
    for (auto& text : texts) {
      text.resize(longest);  // padding repeats token 0: defined, and never read
      ids.insert(ids.end(), text.begin(), text.end());
    }
    prompt.values_BPD = decoder->embed(torch::tensor(ids, torch::kInt64).to(device))
                            .view({tokens.size(), static_cast<std::int64_t>(longest), decoder->width()});
    return prompt;
  }
};

/// A batch of sequences as the decoder reads them, right-padded.
struct Sequences {
  Tensor embeddings_BTD;
  Tensor positions_BT;                ///< int64, 0.. in each row
  std::vector<std::int64_t> lengths;  ///< [B]
  std::vector<std::int64_t> prompts;  ///< [B] how many of them come before the description
};

/// Joins chat pieces, soft tokens and descriptions (token ids; empty for a prompt alone) into sequences. `given` tells
/// what is known of each cell; empty: of none anything.
/// One gather makes the batch: no row is built by itself, and nothing pads the middle.
inline Sequences join(const Model& model, const SoftPrompt& soft, const std::vector<std::vector<std::int64_t>>& texts,
                      const std::vector<GivenLabels>& given = {}) {
  const auto B = static_cast<std::int64_t>(soft.lengths.size());
  const std::vector<ChatPieces> pieces = model.pieces_of(given);
  const auto pieces_of = [&](std::int64_t b) { return pieces.size() == 1 ? 0 : b; };
  std::vector<std::int64_t> ids, before_start, after_start;
  for (const auto& [before, after] : pieces) {
    before_start.push_back(std::ssize(ids));
    ids.insert(ids.end(), before.begin(), before.end());
    after_start.push_back(std::ssize(ids));
    ids.insert(ids.end(), after.begin(), after.end());
  }
  const std::int64_t text_start = std::ssize(ids);
  for (const auto& text : texts) ids.insert(ids.end(), text.begin(), text.end());
  const auto soft_start = static_cast<std::int64_t>(ids.size());
  const std::int64_t P = soft.values_BPD.size(1), D = soft.values_BPD.size(2);

  Sequences out;
  for (std::int64_t b = 0; b < B; ++b) {
    const auto& [before, after] = pieces[pieces_of(b)];
    out.prompts.push_back(std::ssize(before) + soft.lengths[b] + std::ssize(after));
    out.lengths.push_back(out.prompts[b] + (texts.empty() ? 0 : std::ssize(texts[b])));
  }
  const std::int64_t T = std::ranges::max(out.lengths);
  Tensor rows = torch::zeros({B, T}, torch::kInt64);  // padding repeats row 0 of the table: defined, and never read
  std::int64_t next_text = text_start;
  for (std::int64_t b = 0; b < B; ++b) {
    std::int64_t* row = rows.data_ptr<std::int64_t>() + b * T;
    const auto put = [&row](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) *row++ = first + i;
    };
    const auto which = pieces_of(b);
    put(before_start[which], std::ssize(pieces[which].before));
    put(soft_start + b * P, soft.lengths[b]);
    put(after_start[which], std::ssize(pieces[which].after));
    put(next_text, out.lengths[b] - out.prompts[b]);
    next_text += out.lengths[b] - out.prompts[b];
  }
  const Tensor id_tensor = torch::tensor(ids, torch::kInt64).to(model.device);
  const Tensor table = torch::cat({model.decoder->embed(id_tensor), soft.values_BPD.reshape({B * P, D})});
  out.embeddings_BTD = table.index_select(0, rows.view(-1).to(model.device)).view({B, T, D});
  out.positions_BT = torch::arange(T, torch::kInt64).to(model.device).expand({B, T});
  return out;
}

}  // namespace cell2text
