// The tables of a build file, but for [sample] and [split], which stand beside what they govern.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/settings.hpp"
#include "cell2text/text/definition_sentence.hpp"

namespace cell2text::dataset {

/// Top of the file.
struct GeneralSettings {
  std::string name;
  std::int64_t seed = 0;
  std::int64_t threads = 0;

  static void describe(auto& s) {
    using T = GeneralSettings;
    s.field("name", &T::name,
            {.help = "of the dataset; its folder is datasets/NAME unless --out says otherwise", .required = true});
    s.field("seed", &T::seed, {.help = "of the sample, the split and the order of ties", .min = 0});
    s.field("threads", &T::threads, {.help = "CPU threads; 0 = as many as cores", .min = 0, .max = 4096});
  }
};

/// Which obs column of the sources holds what. Beside each label, COLUMN_ontology_term_id is taken where it is there.
struct ColumnSettings {
  std::string cell_type = "cell_type", tissue = "tissue", tissue_general = "tissue_general",
              tissue_type = "tissue_type", disease = "disease", sex = "sex", development_stage = "development_stage",
              assay = "assay", donor_id = "donor_id", dataset_id = "dataset_id", organism = "organism",
              is_primary_data = "is_primary_data";

  static void describe(auto& s) {
    using T = ColumnSettings;
    s.field("cell_type", &T::cell_type, {.help = "obs column of the cell type"});
    s.field("tissue", &T::tissue, {.help = "obs column of the tissue"});
    s.field("tissue_general", &T::tissue_general, {.help = "obs column of the organ"});
    s.field("tissue_type", &T::tissue_type, {.help = "obs column that tells tissue from cell culture and organoid"});
    s.field("disease", &T::disease, {.help = "obs column of the disease; 'normal' is healthy"});
    s.field("sex", &T::sex, {.help = "obs column of the sex"});
    s.field("development_stage", &T::development_stage, {.help = "obs column of the age or stage"});
    s.field("assay", &T::assay, {.help = "obs column of the assay"});
    s.field("donor_id", &T::donor_id, {.help = "obs column of the donor"});
    s.field("dataset_id", &T::dataset_id,
            {.help = "obs column of the dataset; a source without it is one dataset, called as its file"});
    s.field("organism", &T::organism, {.help = "obs column of the species"});
    s.field("is_primary_data", &T::is_primary_data,
            {.help = "obs column that is true for one of the copies of a cell that several datasets hold"});
  }

  /// Role and column, in the order of the dataset's own columns.
  std::vector<std::pair<std::string, std::string>> roles() const {
    return {{"cell_type", cell_type},
            {"tissue", tissue},
            {"tissue_general", tissue_general},
            {"tissue_type", tissue_type},
            {"disease", disease},
            {"sex", sex},
            {"development_stage", development_stage},
            {"assay", assay},
            {"donor_id", donor_id},
            {"dataset_id", dataset_id},
            {"organism", organism},
            {"is_primary_data", is_primary_data}};
  }
};

/// Which cells may be taken. Defaults: the paper, section A.1.
struct FilterSettings {
  bool primary_data = true;
  std::vector<std::string> known = {"cell_type", "tissue", "disease"};
  std::vector<std::string> tissue_types = {"tissue"};
  std::vector<std::string> organisms = {"Homo sapiens"};
  std::vector<std::string> excluded_assays = {"Smart-seq",
                                              "Smart-seq2",
                                              "Smart-seq3",
                                              "Smart-seq v4",
                                              "Quartz-seq",
                                              "MARS-seq",
                                              "SORT-seq",
                                              "GEXSCOPE technology",
                                              "BD Rhapsody Targeted mRNA",
                                              "10x gene expression flex"};
  std::vector<std::string> excluded_datasets = {
      "1b9d8702-5af8-4142-85ed-020eb06ec4f6", "fe52003e-1460-4a65-a213-2bb1a508332f",
      "b6579ac6-2298-4a9e-8bbe-bdf70b9bb303", "e47f2480-6493-4b42-a83e-a2df2e1a6bb4"};
  std::int64_t minimum_genes = 1;
  std::optional<std::string> genes_column;

  static void describe(auto& s) {
    using T = FilterSettings;
    s.field("primary_data", &T::primary_data,
            {.help = "leave out cells whose is_primary_data is false: copies of cells that another dataset holds"});
    s.field("known", &T::known,
            {.help = "labels that must be known; a cell where one is missing or 'unknown' is left out",
             .choices = {"cell_type", "tissue", "disease", "sex", "development_stage", "assay", "donor_id"}});
    s.field("tissue_types", &T::tissue_types, {.help = "tissue types that stay; an empty list: all"});
    s.field("organisms", &T::organisms, {.help = "species that stay; an empty list: all"});
    s.field("excluded_assays", &T::excluded_assays,
            {.help = "assays that are left out (the paper's: full length, targeted, or rare)"});
    s.field("excluded_datasets", &T::excluded_datasets,
            {.help = "dataset ids that are left out (the paper's: Dominguez Conde, kept for testing)"});
    s.field("minimum_genes", &T::minimum_genes,
            {.help = "cells that express fewer genes are left out; 200 is usual where all genes are in the file",
             .unit = "genes",
             .min = 1,
             .max = 1e6});
    s.field("genes_column", &T::genes_column,
            {.help = "obs column with the number of genes that each cell expresses; unset: they are counted, for which "
                     "all counts are read. To choose cells of files that hold labels alone"});
  }
};

/// Highly variable genes, which pathways are scored on.
struct GeneSettings {
  std::int64_t highly_variable = 40'000;
  double target_sum = 1e4;

  static void describe(auto& s) {
    using T = GeneSettings;
    s.field("highly_variable", &T::highly_variable,
            {.help = "how many genes (Seurat flavour) pathways are scored on, those of the largest dispersion among "
                     "genes of like mean; no fewer genes than that: all (the authors' number, so almost none is left "
                     "out)",
             .unit = "genes",
             .min = 1,
             .max = 1e7});
    s.field("target_sum", &T::target_sum,
            {.help = "counts of a cell after normalising", .unit = "counts", .min = 1, .max = 1e9});
  }
};

/// Which pathways are active in a cell.
struct PathwaySettings {
  std::optional<std::string> sets;
  std::optional<std::string> descriptions;
  double top_genes = 0.05;
  double minimum_coverage = 0.8;
  double active_quantile = 0.95;
  double minimum_share = 0.005;
  std::string ties = "expected";
  std::int64_t stability_cells = 2'000;

  static void describe(auto& s) {
    using T = PathwaySettings;
    s.field("sets", &T::sets,
            {.help = "gene sets (GMT file: name, address, gene symbols); unset: descriptions tell no pathways"});
    s.field("descriptions", &T::descriptions,
            {.help = "table of pathways: lines of a set's name, a tab and the sentence that descriptions tell"});
    s.field("top_genes", &T::top_genes,
            {.help = "AUCell: share of a cell's genes, the most expressed, in which a set's genes are looked for",
             .min = 1e-4,
             .max = 1});
    s.field("minimum_coverage", &T::minimum_coverage,
            {.help = "a set of which a smaller share of the genes is left cannot be scored", .min = 0, .max = 1});
    s.field("active_quantile", &T::active_quantile,
            {.help = "a set is active in a cell when its score is at or above this quantile of the cell's scores",
             .min = 0,
             .max = 1});
    s.field("minimum_share", &T::minimum_share,
            {.help = "sets that are active in a smaller share of the cells are dropped", .min = 0, .max = 1});
    s.field("ties", &T::ties,
            {.help = "genes of equal count, most of them zeros: expected (the area expected under random order), "
                     "seeded (one random order a cell), column (by place in the file, as pySCENIC without shuffling)",
             .choices = {"expected", "seeded", "column"}});
    s.field(
        "stability_cells", &T::stability_cells,
        {.help = "cells of which it is told how often their two pathways change between ten orders of ties. 0 = off",
         .unit = "cells",
         .min = 0,
         .max = 1e7});
  }
  void validate() const {
    if (descriptions && !sets) throw InputError("'pathways.descriptions' is set, and 'pathways.sets' is not");
    if (sets && !descriptions)
      throw InputError("'pathways.descriptions' is missing: the sentence for each of the sets in 'pathways.sets'");
  }
};

/// How descriptions are written.
struct TextSettings {
  std::optional<std::string> ontology, tissue_ontology, disease_ontology, tissue_sentence, disease_sentence;
  std::string preset = "paper";

  static void describe(auto& s) {
    using T = TextSettings;
    s.field("ontology", &T::ontology,
            {.help = "OBO file of the Cell Ontology, whose definitions follow the cell type; unset: names only"});
    s.field("tissue_ontology", &T::tissue_ontology,
            {.help = "OBO file of Uberon, for a holdout of tissues with their parts, and for `tissue_sentence`"});
    s.field("disease_ontology", &T::disease_ontology, {.help = "OBO file of MONDO, for `disease_sentence`"});
    s.field("tissue_sentence", &T::tissue_sentence,
            {.help = "a further sentence before the pathways, as in \"The {name} is {definition}.\", for tissues that "
                     "`tissue_ontology` defines; unset: none, as in the paper"});
    s.field("disease_sentence", &T::disease_sentence,
            {.help = "the same for diseases that `disease_ontology` defines"});
    s.field("preset", &T::preset,
            {.help = "template: paper, or authors (as their code writes it)", .choices = {"paper", "authors"}});
  }
  void validate() const {
    const auto check = [](const char* what, const auto& sentence, const auto& ontology) {
      const std::string key = std::string("descriptions.") + what;
      if (!sentence) return;
      if (!ontology)
        throw InputError("'" + key + "_sentence' is set, and '" + key +
                         "_ontology', which has the definitions, is not");
      DefinitionSentence(*sentence, key + "_sentence");
    };
    check("tissue", tissue_sentence, tissue_ontology);
    check("disease", disease_sentence, disease_ontology);
  }
};

struct WriteSettings {
  std::int64_t cells_per_file = 50'000;
  std::string compression = "none";
  std::vector<std::string> columns;

  static void describe(auto& s) {
    using T = WriteSettings;
    s.field("cells_per_file", &T::cells_per_file,
            {.help = "cells in each .h5ad", .unit = "cells", .min = 1, .max = 1e9});
    s.field("compression", &T::compression,
            {.help = "none: training reads fastest; gzip: about a third of the size", .choices = {"none", "gzip"}});
    s.field("columns", &T::columns, {.help = "further obs columns of the sources to keep, by name"});
  }
  void validate() const {
    static constexpr const char* own[] = {"split",  "description", "pathway_1", "pathway_2",
                                          "source", "source_row",  "n_genes",   "n_counts"};
    for (const std::string& column : columns)
      if (std::ranges::find(own, column) != std::end(own))
        throw InputError("'write.columns' names '" + column + "', which is a column of the dataset itself");
  }
};

}  // namespace cell2text::dataset
