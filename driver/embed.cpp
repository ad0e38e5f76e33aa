// cell2text embed CELLS --encoder DIR -o OUT: what an encoder makes of cells, for scanpy and for other programs.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "cell2text/embedding_level.hpp"
#include "cell2text/encoder_at_level.hpp"
#include "cell2text/io/spill_file.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/model_folder.hpp"
#include "commands.hpp"
#include "doctor.hpp"
#include "h5ad_output.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "open_cells.hpp"
#include "plugin_choice.hpp"
#include "profile.hpp"

namespace cell2text::driver {

namespace {

struct EmbedArguments {
  CellsArguments cells;
  std::string encoder, out, level = "cell", device = "auto";
  std::optional<std::string> plugin, name, profile;
  std::optional<std::int64_t> layer;
  std::int64_t threads = 0, batch_size = 8;
  std::vector<std::string> set;
  bool overwrite = false, force = false;
};

constexpr const char* embed_examples =
    "Examples:\n"
    "  cell2text embed cells.h5ad --encoder Geneformer-V2-316M -o embedded.h5ad\n"
    "    then in Python: sc.pp.neighbors(adata, use_rep='X_geneformer')\n"
    "  cell2text embed cells.h5ad --encoder scGPT_human --level mean -o embedded.h5ad\n"
    "  cell2text embed filtered_feature_bc_matrix.h5 --encoder runs/quickstart/model --level gene -o "
    "genes.safetensors\n"
    "Other settings of the encoder, as in cell2text schema PLUGIN: --set max_tokens=2048";

/// The plugin that opens the folder, and with which settings.
PluginChoice find_encoder(const EmbedArguments& arguments, const Registry& registry) {
  const std::filesystem::path folder = arguments.encoder;
  if (!std::filesystem::is_directory(folder))
    throw InputError("--encoder " + folder.string() + ": " +
                     (std::filesystem::exists(folder) ? "not a folder" : "does not exist") +
                     "; the folder of a Geneformer or scGPT checkpoint is expected, or a model folder of 'cell2text "
                     "run'");
  if (std::filesystem::exists(folder / "cell2text.json")) return read_model_card(folder, registry).plan.encoder;
  PluginChoice choice{"encoder", "", Value{Value::Table{}, {}}, {}};
  choice.settings.set("checkpoint", {folder.string(), {"--encoder", 0, 0}});
  const auto config = folder / "config.json", args = folder / "args.json";
  if (arguments.plugin)
    choice.name = *arguments.plugin;
  else if (std::filesystem::exists(config))
    choice.name = plugin_for("encoder", required<std::string>(read_json(config), "model_type", config.string()), config,
                             registry);
  else if (std::filesystem::exists(args))  // scGPT's folders have no config.json
    choice.name = plugin_for("encoder", "scgpt", args, registry);
  else
    throw InputError(folder.string() + ": neither config.json (Geneformer) nor args.json (scGPT) is in it; name the " +
                     "folder of a checkpoint, or the plugin that opens this one with --plugin NAME");
  return choice;
}

/// The same with what the command line says: --set, --layer, --level.
EncoderAtLevel with_arguments(PluginChoice choice, const EmbedArguments& arguments, const Registry& registry) {
  for (const std::string& assignment : arguments.set) apply_override(choice.settings, assignment);
  if (arguments.layer) choice.settings.set("layer", {*arguments.layer, {"--layer", 0, 0}});
  return encoder_at_level(std::move(choice), arguments.level, {"--level", 0, 0}, registry);
}

/// Cells on their way through the encoder.
struct Embedding {
  const SourceHandle& source;
  const EncoderHandle& encoder;
  const EmbedArguments& arguments;
  const Interrupts& interrupts;

  std::vector<std::int64_t> all_rows() const {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source.size()));
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }

  /// Calls use(batch, embeddings) for all cells; batches in the file's order, or with cells of like length together.
  template <class Use>
  void run(bool in_order, const Use& use) const {
    torch::NoGradGuard no_grad;
    CellLoader loader(source, encoder, all_rows(), {arguments.batch_size, in_order ? 1 : free_length_window, 0, false});
    Progress progress("embedding", source.size(), "cells");
    std::int64_t done = 0;
    while (const auto batch = loader.next()) {
      use(*batch, encoder.encode(batch->tokens));
      done += static_cast<std::int64_t>(batch->rows.size());
      progress.update(done);
      interrupts.check("after " + std::to_string(done) + " cells; nothing was written");
    }
  }
};

std::span<const std::byte> bytes_of(const Tensor& x) {
  return {static_cast<const std::byte*>(x.const_data_ptr()), x.nbytes()};
}

/// A row of obsm for each cell; NaN for those without a known gene. Returns how many these are.
std::int64_t embed_cells(const Embedding& embedding, bool pool, const std::string& key, const Value& about) {
  const EmbedArguments& arguments = embedding.arguments;
  const std::int64_t width = embedding.encoder.width();
  const std::uint64_t row_bytes = sizeof(float) * static_cast<std::uint64_t>(width);
  // Cells come by length, and HDF5 must not write while the loader reads: they wait beside the output.
  SpillFile rows(std::filesystem::absolute(arguments.out).parent_path());
  const std::vector<float> nothing(static_cast<std::size_t>(width), std::nanf(""));
  std::int64_t unknown = 0;
  embedding.run(false, [&](const TokenBatch& batch, GeneEmbeddings cells) {
    if (pool) cells = mean_of_genes(cells);
    const Tensor values = cells.values_BGE.to(torch::kCPU, torch::kFloat32).contiguous();
    for (std::size_t b = 0; b < batch.rows.size(); ++b) {
      const bool known = cells.lengths[b] > 0;
      unknown += known ? 0 : 1;
      rows.write_at(static_cast<std::uint64_t>(batch.rows[b]) * row_bytes,
                    known ? bytes_of(values[static_cast<std::int64_t>(b)][0]) : std::as_bytes(std::span(nothing)));
    }
  });
  const auto read = [&](std::int64_t first, std::span<float> values) {
    rows.read_at(static_cast<std::uint64_t>(first) * row_bytes, std::as_writable_bytes(values));
  };
  write_h5ad_output(embedding.source, arguments.cells.path, arguments.out,
                    {{}, {{key, width, read}}, {{"cell2text_" + key, about}}, arguments.overwrite});
  return unknown;
}

/// values [B,G,E], token_ids [B,G] and lengths [B] in one file; what lies beyond a length is zero. The file is written
/// from front to back, in the cells' order, so the cells are tokenised three times, which costs next to nothing.
std::int64_t embed_genes(const Embedding& embedding) {
  std::vector<std::int64_t> lengths;
  const auto tokens = [&](const auto& use) {
    CellLoader loader(embedding.source, embedding.encoder, embedding.all_rows(), {256, 1, 0, false});
    while (const auto batch = loader.next()) use(batch->tokens);
  };
  tokens([&](const GeneTokens& batch) {
    for (std::size_t b = 0; b < batch.lengths.size(); ++b)
      lengths.push_back(std::max<std::int64_t>(batch.lengths[b] - batch.special_tokens, 0));
  });
  const auto B = static_cast<std::int64_t>(lengths.size()), E = embedding.encoder.width();
  const std::int64_t G = lengths.empty() ? 0 : std::ranges::max(lengths);
  SafetensorsWriter writer(embedding.arguments.out,
                           {{"lengths", SafetensorsDtype::I64, {B}},
                            {"token_ids", SafetensorsDtype::I64, {B, G}},
                            {"values", SafetensorsDtype::F32, {B, G, E}}},
                           {{"cell2text", version}});
  writer.write(std::as_bytes(std::span(lengths)));
  const auto padded = [G](const Tensor& rows) {  // [n,g,...] -> [n,G,...]
    auto shape = rows.sizes().vec();
    shape[1] = G;
    const Tensor all = torch::zeros(shape, rows.options());
    all.narrow(1, 0, rows.size(1)).copy_(rows);
    return all;
  };
  if (B * G == 0) {
    writer.write({}), writer.write({});
  } else {
    tokens([&](const GeneTokens& batch) {
      const std::int64_t longest = std::max<std::int64_t>(batch.ids_BG.size(1) - batch.special_tokens, 0);
      std::vector<std::int64_t> own;
      for (const std::int64_t length : batch.lengths)
        own.push_back(std::max<std::int64_t>(length - batch.special_tokens, 0));
      const Tensor ids_BG1 = batch.ids_BG.narrow(1, batch.first_gene, longest).unsqueeze(2);
      writer.write_part(bytes_of(padded(without_padding(ids_BG1, own).squeeze(2))));
    });
    embedding.run(true, [&](const TokenBatch&, const GeneEmbeddings& genes) {
      const Tensor values = genes.values_BGE.to(torch::kCPU, torch::kFloat32);
      writer.write_part(bytes_of(padded(without_padding(values, genes.lengths))));
    });
  }
  writer.commit();
  return std::ranges::count(lengths, 0);
}

void check_output(const SourceHandle& source, const EmbedArguments& arguments, const std::string& key) {
  const std::filesystem::path out = arguments.out;
  const bool genes = arguments.level == "gene";
  const std::string expected = genes ? ".safetensors" : ".h5ad";
  if (out.extension() != expected)
    throw InputError(arguments.out + ": the output's ending is '" + out.extension().string() + "'; --level " +
                     arguments.level + " writes " + expected);
  const AtomicFile probe(out);
  if (!genes && !arguments.overwrite)
    expect_new_in_output(source, arguments.cells.path, {{}, {key}, {"cell2text_" + key}});
}

void embed(const EmbedArguments& arguments) {
  const Profile profile(arguments.profile);
  const Interrupts interrupts;
  const Registry registry;
  const auto [choice, pool] = with_arguments(find_encoder(arguments, registry), arguments, registry);
  const std::string key = arguments.name.value_or("X_" + choice.name);
  const Host host = make_host(registry, arguments.device, arguments.threads, 0);
  Parameters parameters(host.device, torch::kFloat32, 0);
  const EncoderHandle encoder(model_builder_detail::build_part<kinds::encoder>(host, choice, parameters));
  encoder.set_training(false);
  SourceWishes wishes;
  if (arguments.force || !encoder.needs_counts()) wishes.push_back({"any_values", {true, {}}});
  const SourceHandle source = open_cells(registry, arguments.cells, wishes, host.context);
  check_output(source, arguments, key);
  act_on(examine_cells(source, &encoder, {512, 0}).findings, arguments.cells.path, arguments.force);

  const Embedding embedding{source, encoder, arguments, interrupts};
  Value about;
  about.set("encoder", {choice.name, {}});
  about.set("checkpoint", {arguments.encoder, {}});
  about.set("settings", choice.resolved);
  about.set("cell2text_version", {std::string(version), {}});
  const bool genes = arguments.level == "gene";
  const std::int64_t unknown = genes ? embed_genes(embedding) : embed_cells(embedding, pool, key, about);
  if (unknown > 0 && genes)
    log().warning(
        fmt::format("{} of {} cells have no gene that the encoder knows; their length is 0", unknown, source.size()));
  else if (unknown > 0)
    log().warning(
        fmt::format("{} of {} cells have no gene that the encoder knows; their rows are NaN. Leave them out: "
                    "adata = adata[~np.isnan(adata.obsm['{}']).any(axis=1)]",
                    unknown, source.size(), key));
  if (genes)
    log().info(
        fmt::format("{}: values [B,G,E], token_ids [B,G], lengths [B] of {} cells", arguments.out, source.size()));
  else
    log().info(fmt::format("{}: obsm['{}'], {} cells x {}; sc.pp.neighbors(adata, use_rep='{}')", arguments.out, key,
                           source.size(), encoder.width(), key));
}

}  // namespace

void add_embed(CLI::App* command) {
  static EmbedArguments arguments;
  add_cells_options(*command, arguments.cells, "Cells");
  command
      ->add_option("--encoder", arguments.encoder,
                   "Folder of a Geneformer or scGPT checkpoint, or a model folder of 'cell2text run'")
      ->required();
  command
      ->add_option("-o,--out", arguments.out,
                   "What to write: .h5ad (the cells with one more matrix in obsm), or .safetensors for --level gene")
      ->required();
  command->add_option("--plugin", arguments.plugin, "Encoder plugin (default: the one that opens the folder)");
  command
      ->add_option(
          "--level", arguments.level,
          "cell: one vector per cell, at <cls> where there is one, else the mean over genes (the default); cls; "
          "mean; gene: one vector per gene")
      ->check(CLI::IsMember({"cell", "cls", "mean", "gene"}));
  command->add_option("--layer", arguments.layer,
                      "Whose output: 0 the last layer, -1 the one before (default: the plugin's)");
  command->add_option("--name", arguments.name, "Name in obsm (default: X_ and the plugin's name)");
  command->add_option("--set", arguments.set, "Setting of the encoder, e.g. --set max_tokens=2048 (may be repeated)")
      ->take_all();
  command->add_option("--batch-size", arguments.batch_size, "Cells encoded together")->check(CLI::Range(1, 65536));
  command->add_flag("--overwrite", arguments.overwrite, "Replace a matrix of that name that the file already has");
  command->add_flag("--force", arguments.force,
                    "Go on with values that do not look like counts, or an unsuitable file");
  command->add_option("--profile", arguments.profile, profile_help);
  command->add_option("--device", arguments.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as many as cores")->check(CLI::Range(0, 4096));
  command->footer(embed_examples);
  command->callback([] { embed(arguments); });
}

}  // namespace cell2text::driver
