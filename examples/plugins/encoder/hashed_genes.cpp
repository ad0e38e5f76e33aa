// An encoder from outside the repository: a learned vector for each gene, times how much of it the cell expresses. A
// gene's row in the table is a hash of its name, so that it needs no list of genes and knows them all.
#include <algorithm>
#include <cell2text/plugin.hpp>
#include <cmath>
namespace hashed_genes_plugin {
using cell2text::CellBatch, cell2text::GeneEmbeddings, cell2text::GeneTokens, cell2text::Tensor;

class Encoder {
 public:
  struct Settings {
    std::int64_t width = 64, rows = 8192, max_genes = 512;
    std::optional<std::string> checkpoint;
    static void describe(auto& s) {
      s.field("width", &Settings::width, {.help = "features of a gene", .min = 1, .max = 65536});
      s.field("rows", &Settings::rows, {.help = "of the table; genes of one hash share a row", .min = 1, .max = 1e7});
      s.field("max_genes", &Settings::max_genes, {.help = "of a cell, the most expressed ones", .min = 1, .max = 1e5});
      s.field("checkpoint", &Settings::checkpoint, {.help = "a folder that this plugin saved; unset: random weights"});
    }
  };

  Encoder(const Settings& settings, cell2text::ModelContext& context)
      : settings_(settings), parameters_(context.parameters) {
    using cell2text::TensorFiles;
    if (settings.checkpoint)
      parameters_.load_from(std::make_shared<const TensorFiles>(TensorFiles::open(*settings.checkpoint)));
    table_ = &parameters_.declare("table.weight", {settings.rows, settings.width}, cell2text::Init::normal(1));
  }

  std::int64_t width() const { return settings_.width; }

  /// The most expressed genes first; called from several threads at once.
  GeneTokens tokenize(const CellBatch& cells) const {
    GeneTokens out;
    std::vector<std::vector<std::pair<float, std::int32_t>>> genes(cells.size());  // -count, column: sorts as wanted
    for (std::int64_t b = 0; b < cells.size(); ++b) {
      const auto columns = cells.columns_of(b);
      const auto counts = cells.counts_of(b);
      for (std::size_t i = 0; i < columns.size(); ++i)
        if (counts[i] > 0) genes[b].emplace_back(-counts[i], columns[i]);
      std::ranges::sort(genes[b]);
      out.known_genes.push_back(std::ssize(genes[b]));
      out.lengths.push_back(std::min(out.known_genes.back(), settings_.max_genes));
    }
    const std::int64_t B = cells.size(), G = B ? std::ranges::max(out.lengths) : 0;
    out.ids_BG = torch::zeros({B, G}, torch::kInt64), out.values_BG = torch::zeros({B, G}, torch::kFloat32);
    auto* id = out.ids_BG.mutable_data_ptr<std::int64_t>();
    auto* value = out.values_BG.mutable_data_ptr<float>();
    for (std::int64_t b = 0; b < B; ++b, id += G, value += G)
      for (std::int64_t g = 0; g < out.lengths[b]; ++g) {
        const auto& [negative_count, column] = genes[b][g];
        id[g] = row_of(cells.genes->ids[column]);
        value[g] = static_cast<float>(std::log1p(-negative_count / std::max(cells.totals[b], 1.0) * 1e4));
      }
    return out;
  }

  GeneEmbeddings encode(const GeneTokens& tokens) {
    const auto device = table_->value.device();
    return {torch::embedding(table_->value, tokens.ids_BG.to(device)) * tokens.values_BG.to(device).unsqueeze(-1),
            tokens.lengths};
  }

  /// What `checkpoint` opens again.
  void save(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    parameters_.save(folder / "model.safetensors");
  }

 private:
  std::int64_t row_of(const std::string& gene) const {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a: the same on every machine, unlike std::hash
    for (const unsigned char letter : gene) hash = (hash ^ letter) * 1099511628211u;
    return static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(settings_.rows));
  }
  Settings settings_;
  cell2text::Parameters& parameters_;
  cell2text::Parameter* table_;
};
}  // namespace hashed_genes_plugin

CELL2TEXT_PLUGIN(encoder, "hashed_genes", hashed_genes_plugin::Encoder, "A learned vector for each gene, by its hash.")
