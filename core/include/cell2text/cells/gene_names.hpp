// What is written around a gene's name, and what it says of the species: genome prefixes of mixed references
// ("GRCh38_TP53"), versions ("ENSG00000141510.18"), Ensembl's letters. Which genes exist is the encoders' knowledge.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cell2text {

/// "ENSG00000141510", "ENSMUSG00000059552.14": ENS, letters that end in G, digits, perhaps a version.
inline bool is_ensembl_gene(std::string_view id) {
  if (!id.starts_with("ENS")) return false;
  std::size_t at = 3;
  while (at < id.size() && id[at] >= 'A' && id[at] <= 'Z') ++at;
  if (id[at - 1] != 'G') return false;
  const std::size_t digits = at;
  while (at < id.size() && id[at] >= '0' && id[at] <= '9') ++at;
  if (at == digits) return false;
  if (at == id.size()) return true;
  return id[at] == '.' && at + 1 < id.size() &&
         std::ranges::all_of(id.substr(at + 1), [](char c) { return c >= '0' && c <= '9'; });
}

/// A gene's name without what a pipeline wrote around it.
struct GeneName {
  std::string_view name;     ///< a part of the text that was given
  std::string_view prefix;   ///< "GRCh38_", "mm10___"; empty where there is none
  std::string_view version;  ///< ".12"; empty where there is none
  const char* species = "";  ///< "human", "mouse", ... where the prefix or the Ensembl id says it
};

namespace gene_names_detail {

using Pairs = std::pair<std::string_view, const char*>;

inline constexpr std::array<Pairs, 13> genomes = {{{"GRCh37", "human"},
                                                   {"GRCh38", "human"},
                                                   {"hg18", "human"},
                                                   {"hg19", "human"},
                                                   {"hg38", "human"},
                                                   {"T2T-CHM13", "human"},
                                                   {"GRCm38", "mouse"},
                                                   {"GRCm39", "mouse"},
                                                   {"mm9", "mouse"},
                                                   {"mm10", "mouse"},
                                                   {"mm39", "mouse"},
                                                   {"human", "human"},
                                                   {"mouse", "mouse"}}};

inline constexpr std::array<Pairs, 18> ensembl = {{{"ENSG", "human"},
                                                   {"ENSMUSG", "mouse"},
                                                   {"ENSRNOG", "rat"},
                                                   {"ENSDARG", "zebrafish"},
                                                   {"ENSMMUG", "macaque"},
                                                   {"ENSMFAG", "crab-eating macaque"},
                                                   {"ENSPTRG", "chimpanzee"},
                                                   {"ENSCJAG", "marmoset"},
                                                   {"ENSSSCG", "pig"},
                                                   {"ENSBTAG", "cow"},
                                                   {"ENSOARG", "sheep"},
                                                   {"ENSCAFG", "dog"},
                                                   {"ENSFCAG", "cat"},
                                                   {"ENSOCUG", "rabbit"},
                                                   {"ENSGALG", "chicken"},
                                                   {"ENSXETG", "frog"},
                                                   {"ENSECAG", "horse"},
                                                   {"ENSMICG", "mouse lemur"}}};

// "GRCh38_", "mm10___", "hg19-" (Seurat turns _ into -), "GRCh38_premrna_", case as it comes.
inline std::string_view prefix_of(std::string_view text, const char*& species) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  const auto begins = [&](std::string_view in, std::string_view word) {
    return in.size() > word.size() && std::ranges::equal(in.substr(0, word.size()), word, same);
  };
  for (const auto& [genome, of] : genomes) {
    if (!begins(text, genome)) continue;
    const bool plain_word = genome == "human" || genome == "mouse";
    std::size_t at = genome.size();
    const auto separators = [&] {
      const std::size_t from = at;
      while (at < text.size() && (text[at] == '_' || (text[at] == '-' && !plain_word))) ++at;
      return at > from;
    };
    if (!separators()) continue;
    if (begins(text.substr(at), "premrna")) {
      at += 7;
      if (!separators()) continue;
    }
    if (at == text.size()) continue;
    species = of;
    return text.substr(0, at);
  }
  return {};
}

}  // namespace gene_names_detail

/// Takes a name as a file has it apart. Symbols keep what stands after a point ("AC004556.1").
inline GeneName parse_gene_name(std::string_view written) {
  GeneName gene;
  gene.prefix = gene_names_detail::prefix_of(written, gene.species);
  gene.name = written.substr(gene.prefix.size());
  if (!is_ensembl_gene(gene.name)) return gene;
  const std::size_t point = std::min(gene.name.find('.'), gene.name.size());
  gene.version = gene.name.substr(point);
  gene.name = gene.name.substr(0, point);
  const auto letters = gene.name.substr(0, gene.name.find_first_of("0123456789"));
  gene.species = "an unlisted species";
  for (const auto& [word, of] : gene_names_detail::ensembl)
    if (letters == word) gene.species = of;
  return gene;
}

/// Whether more than half of `ids` are Ensembl ids, whatever is written around them.
inline bool mostly_ensembl(const std::vector<std::string>& ids) {
  const auto is_ensembl = [](const std::string& id) { return is_ensembl_gene(parse_gene_name(id).name); };
  return 2 * std::ranges::count_if(ids, is_ensembl) > std::ssize(ids);
}

}  // namespace cell2text
