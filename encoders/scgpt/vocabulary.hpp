// scGPT's vocabulary of gene symbols, and how it meets the genes of a source.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/gene_names.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/pickle.hpp"
#include "cell2text/io/sorted_json.hpp"

namespace cell2text::scgpt {

/// Gene symbols and special tokens with their ids. Never changes after `open`.
class Vocabulary {
 public:
  /// Reads vocab.json and, where `names` is not empty, a dictionary from symbols to Ensembl ids (.json or .pkl). <pad>,
  /// <cls> and <eoc> are put at the end where they are missing, as scGPT does. InputError: an id that is negative,
  /// given twice or leaves gaps; no gene at all.
  static Vocabulary open(const std::filesystem::path& path, const std::filesystem::path& names) {
    Vocabulary all;
    all.path_ = path;
    all.tokens_ = read_string_int_dict(path);
    all.check();
    for (const char* special : {"<pad>", "<cls>", "<eoc>"})
      all.tokens_.emplace(special, static_cast<std::int64_t>(all.tokens_.size()));
    if (!names.empty()) all.names_ = read_string_string_dict(names);
    all.index_ids();
    return all;
  }

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t cls() const { return tokens_.at("<cls>"); }
  std::int64_t pad() const { return tokens_.at("<pad>"); }

  /// The token of each column's gene, -1 where there is none. By its symbol where the source has one; else, and where
  /// the vocabulary knows the gene by another symbol, by its Ensembl id. Genome prefixes ("GRCh38_") and versions are
  /// left out. InputError for a source without symbols where no dictionary of names is given.
  std::vector<std::int64_t> find(const GeneTable& genes) const {
    const bool symbols_only = genes.kind == GeneTable::Kind::symbol;
    const auto& symbols = symbols_only ? genes.ids : genes.symbols;
    if (symbols.empty() && names_.empty() && genes.size() > 0 &&
        is_ensembl_gene(parse_gene_name(genes.ids.front()).name))
      throw InputError(
          "the source has Ensembl ids only (the first is '" + genes.ids.front() +
          "'), scGPT knows genes by symbol, and no dictionary from symbols to Ensembl ids is given; set "
          "'gene_names' to Geneformer's gene_name_id_dict, or add symbols to the file's var (feature_name)");
    std::vector<std::int64_t> found;
    for (std::size_t column = 0; column < genes.ids.size(); ++column) {
      const GeneName gene = parse_gene_name(genes.ids[column]);
      const std::string_view species = gene.species;
      std::int64_t token = -1;  // also for another species' gene, whatever symbol it goes by
      if (species.empty() || species == "human") {
        if (!symbols.empty()) token = by_symbol(symbols[column], symbols_only);
        if (token < 0 && !symbols_only) token = by_id(std::string(gene.name));
      }
      found.push_back(token);
    }
    return found;
  }

  /// Writes vocab.json, and gene_name_id_dict.json where there are names.
  void save(const std::filesystem::path& folder) const {
    write_atomically(folder / "vocab.json", sorted_json(tokens_));
    if (!names_.empty()) write_atomically(folder / "gene_name_id_dict.json", sorted_json(names_));
  }

 private:
  template <class T>
  using Map = std::unordered_map<std::string, T>;

  void check() const {
    std::vector<const std::string*> by_token(tokens_.size());
    bool genes = false;
    for (const auto& [name, id] : tokens_) {
      if (id < 0 || id >= static_cast<std::int64_t>(tokens_.size()))
        throw InputError(path_.string() + ": '" + name + "' has id " + std::to_string(id) + "; ids of " +
                         std::to_string(tokens_.size()) + " tokens run from 0 to " +
                         std::to_string(tokens_.size() - 1));
      if (by_token[static_cast<std::size_t>(id)])
        throw InputError(path_.string() + ": '" + *by_token[static_cast<std::size_t>(id)] + "' and '" + name +
                         "' both have id " + std::to_string(id) + "; each needs its own");
      by_token[static_cast<std::size_t>(id)] = &name;
      genes |= !name.starts_with("<");
    }
    if (!genes) throw InputError(path_.string() + ": no genes in it; scGPT's vocab.json is expected");
  }

  // Of several symbols of one id the first by alphabet, so that the order of files does not matter.
  void index_ids() {
    const std::map<std::string, std::string> sorted(names_.begin(), names_.end());
    for (const auto& [symbol, id] : sorted)
      if (const auto token = tokens_.find(symbol); token != tokens_.end()) ids_.emplace(id, token->second);
  }

  std::int64_t by_symbol(std::string_view written, bool through_names) const {
    const GeneName gene = parse_gene_name(written);
    const std::string symbol(gene.name);
    if (symbol.starts_with("<")) return -1;
    if (const auto token = tokens_.find(symbol); token != tokens_.end()) return token->second;
    if (!through_names) return -1;
    const auto id = names_.find(symbol);
    return id == names_.end() ? -1 : by_id(id->second);
  }
  std::int64_t by_id(const std::string& id) const {
    const auto token = ids_.find(id);
    return token == ids_.end() ? -1 : token->second;
  }

  std::filesystem::path path_;
  Map<std::int64_t> tokens_, ids_;  // by symbol, by Ensembl id
  Map<std::string> names_;
};

}  // namespace cell2text::scgpt
