// Geneformer's gene dictionaries: token ids, medians, retired Ensembl ids, symbols; finding, reading and saving them.
// Ranking is tokenizer.hpp's.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/gene_names.hpp"
#include "cell2text/error.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/find_dictionary.hpp"
#include "cell2text/io/pickle.hpp"
#include "cell2text/io/sorted_json.hpp"

namespace cell2text::geneformer {

/// The files of a dictionary. `mapping` and `names` may be empty: without them ids are taken as they stand,
/// and sources that have symbols only cannot be read.
struct DictionaryPaths {
  std::filesystem::path tokens, medians, mapping, names;
};

/// A gene of the dictionary.
struct Gene {
  std::int64_t token = 0;
  double median = 0;  ///< of the gene's non-zero expression over the training corpus, counts per 10,000
};

/// Ensembl ids with their tokens and medians. Never changes after `open`.
class GeneDictionary {
 public:
  /// Reads the files (.json or .pkl). InputError: a token id that is negative or given twice, a gene without a
  /// median, a median that is not a positive number.
  static GeneDictionary open(const DictionaryPaths& paths) {
    GeneDictionary all;
    all.paths_ = paths;
    all.tokens_ = read_string_int_dict(paths.tokens);
    all.medians_ = read_string_double_dict(paths.medians);
    if (!paths.mapping.empty()) all.mapping_ = read_string_string_dict(paths.mapping);
    if (!paths.names.empty()) all.names_ = read_string_string_dict(paths.names);
    all.check();
    return all;
  }

  const DictionaryPaths& paths() const { return paths_; }
  /// The highest token id plus one.
  std::int64_t vocabulary_size() const { return vocabulary_size_; }
  std::int64_t num_genes() const { return static_cast<std::int64_t>(genes_.size()); }

  /// The id of "<cls>" and the like, where the dictionary has it.
  std::optional<std::int64_t> special(const std::string& name) const {
    const auto found = tokens_.find(name);
    return found == tokens_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The gene of each column, or null where it is not in the dictionary. Several columns may be one gene.
  /// Genome prefixes ("GRCh38_") are left out. Ensembl ids lose their version (".12"), then go through the mapping of
  /// retired ids. Symbols go through the names; one that is missing there is looked up in the mapping, and taken when
  /// no other column claims its id. InputError for a table of symbols where the dictionary has no names.
  std::vector<const Gene*> find(const GeneTable& table) const {
    const std::vector<std::string> ids = table.kind == GeneTable::Kind::symbol ? ids_of_symbols(table) : ids_of(table);
    std::vector<const Gene*> found;
    for (const std::string& id : ids) {
      const auto gene = genes_.find(id);
      found.push_back(gene == genes_.end() ? nullptr : &gene->second);
    }
    return found;
  }

  /// Writes the dictionaries as JSON under the names that `find_dictionary` looks for.
  void save(const std::filesystem::path& folder) const {
    write_atomically(folder / "token_dictionary.json", sorted_json(tokens_));
    write_atomically(folder / "gene_median_dictionary.json", sorted_json(medians_));
    if (!mapping_.empty()) write_atomically(folder / "ensembl_mapping_dict.json", sorted_json(mapping_));
    if (!names_.empty()) write_atomically(folder / "gene_name_id_dict.json", sorted_json(names_));
  }

 private:
  template <class T>
  using Map = std::unordered_map<std::string, T>;

  static bool is_special(const std::string& name) { return name.starts_with("<") && name.ends_with(">"); }

  void check() {
    const std::string where = paths_.tokens.string();
    std::unordered_map<std::int64_t, std::string> taken;
    for (const auto& [name, id] : tokens_) {
      if (id < 0 || id >= std::numeric_limits<std::int32_t>::max())
        throw InputError(where + ": token id " + std::to_string(id) + " of '" + name +
                         "'; ids are whole numbers from 0");
      const auto [other, is_new] = taken.emplace(id, name);
      if (!is_new)
        throw InputError(where + ": '" + other->second + "' and '" + name + "' both have token id " +
                         std::to_string(id) + "; each needs its own");
      vocabulary_size_ = std::max(vocabulary_size_, id + 1);
      if (!is_special(name)) genes_.emplace(name, Gene{id, median_of(name)});
    }
    if (genes_.empty()) throw InputError(where + ": no genes in it; Geneformer's token dictionary is expected");
  }

  double median_of(const std::string& name) const {
    const auto median = medians_.find(name);
    if (median == medians_.end())
      throw InputError(paths_.medians.string() + ": no median for gene '" + name + "' of " + paths_.tokens.string() +
                       "; the two dictionaries do not belong together");
    if (!(median->second > 0))
      throw InputError(paths_.medians.string() + ": the median of '" + name + "' is " + std::to_string(median->second) +
                       "; a number above 0 is expected");
    return median->second;
  }

  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }

  const std::string* mapped(const std::string& name) const {
    const auto found = mapping_.find(upper(name));
    return found == mapping_.end() ? nullptr : &found->second;
  }

  std::vector<std::string> ids_of(const GeneTable& table) const {
    std::vector<std::string> ids;
    for (const std::string& whole : table.ids) {
      const std::string written(parse_gene_name(whole).name);
      const std::string id = upper(written.substr(0, 3)) == "ENS" ? written.substr(0, written.find('.')) : written;
      const std::string* current = mapped(id);
      ids.push_back(current ? *current : id);
    }
    return ids;
  }

  std::vector<std::string> ids_of_symbols(const GeneTable& table) const {
    if (names_.empty())
      throw InputError("the source has gene symbols only (the first is '" +
                       (table.ids.empty() ? std::string() : table.ids.front()) +
                       "'), and no dictionary from symbols to Ensembl ids is given; set 'gene_names' to "
                       "Geneformer's gene_name_id_dict, or add Ensembl ids to the file's var");
    std::vector<std::string> ids;
    std::vector<bool> by_name;
    Map<int> claims;
    for (const std::string& whole : table.ids) {
      const GeneName gene = parse_gene_name(whole);
      const std::string symbol(gene.name);
      const auto named = names_.find(symbol);
      by_name.push_back(named != names_.end());
      // Older names match in any case of letters; what is said to be a mouse's must not become a human gene that way.
      const bool other_species = !gene.prefix.empty() && std::string_view(gene.species) != "human";
      const std::string* older = other_species ? nullptr : mapped(symbol);
      ids.push_back(by_name.back() ? named->second : older ? *older : std::string());
      ++claims[ids.back()];
    }
    for (std::size_t column = 0; column < ids.size(); ++column)
      if (!by_name[column] && claims[ids[column]] > 1) ids[column].clear();
    return ids;
  }

  DictionaryPaths paths_;
  Map<std::int64_t> tokens_;
  Map<double> medians_;
  Map<std::string> mapping_, names_;
  Map<Gene> genes_;
  std::int64_t vocabulary_size_ = 0;
};

}  // namespace cell2text::geneformer
