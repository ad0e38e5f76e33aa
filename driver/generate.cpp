// cell2text generate --decoder DIR --prompt TEXT: a decoder alone, without cells.
#include "cell2text/generate/generate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "cell2text/io/json.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/text/text_stream.hpp"
#include "commands.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "plugin_choice.hpp"
#include "profile.hpp"

namespace cell2text::driver {

namespace {

struct GenerateArguments {
  std::string decoder, prompt, system, device = "auto";
  std::optional<std::string> plugin, logits, profile;
  std::optional<std::int64_t> beams, max_new_tokens, seed, top_k;
  std::optional<double> temperature, top_p, min_p;
  std::vector<std::string> stop, set;
  std::int64_t threads = 0;
  bool raw = false, json = false;
};

constexpr const char* generate_examples =
    "Examples:\n"
    "  cell2text generate --decoder Llama-3.2-1B-Instruct --prompt 'What is a T cell?'\n"
    "  cell2text generate --decoder m/decoder --raw --prompt 'The cell' --beams 4 --max-new-tokens 30 --json\n"
    "  cell2text generate --decoder gemma-3-1b-it --prompt 'Name a tissue.' --temperature 0.8 --top-p 0.95 --seed 7\n"
    "  cell2text generate --decoder DIR --prompt TEXT --set generation.repetition_penalty=1.2 --set "
    "decoder.dtype=float32\n"
    "Keys of --set: cell2text schema --markdown, tables [generation], [prompt] and [decoder].";

/// The folder with the decoder's config.json, and the plugin that opens it.
struct Place {
  std::filesystem::path folder;
  std::string plugin;
};

std::string decoder_plugin(const std::filesystem::path& folder, const Registry& registry) {
  const auto config = folder / "config.json";
  if (!std::filesystem::exists(config)) {
    const bool adapter = std::filesystem::exists(folder / "adapter_config.json");
    throw InputError(config.string() + " does not exist; " +
                     (adapter ? "the folder holds a LoRA adapter, which is no decoder by itself: give its base, or "
                                "merge the two (cell2text model merge)"
                              : "--decoder names a Hugging Face folder with config.json, weights and tokenizer, or a "
                                "model folder of 'cell2text run'"));
  }
  const auto type = required<std::string>(read_json(config), "model_type", config.string());
  return plugin_for("decoder", type, config, registry);
}

Place find_decoder(const GenerateArguments& arguments, const Registry& registry) {
  std::filesystem::path folder = arguments.decoder;
  if (!std::filesystem::is_directory(folder))
    throw InputError("--decoder " + folder.string() + ": " +
                     (std::filesystem::exists(folder) ? "not a folder" : "does not exist") +
                     "; a Hugging Face folder with config.json, weights and tokenizer is expected");
  if (const auto card = folder / "cell2text.json"; std::filesystem::exists(card)) {
    const auto decoder = required<nlohmann::json>(read_json(card), "decoder", card.string());
    if (!std::filesystem::exists(folder / "decoder"))
      throw InputError(
          folder.string() +
          ": its decoder was not trained and is not part of the model folder; give the "
          "folder of the checkpoint itself" +
          (decoder.contains("reference")
               ? " (it was at " + required<std::string>(decoder["reference"], "path", card.string() + ": decoder") + ")"
               : ""));
    folder /= "decoder";
    return {folder, arguments.plugin ? *arguments.plugin : required<std::string>(decoder, "plugin", card.string())};
  }
  return {folder, arguments.plugin ? *arguments.plugin : decoder_plugin(folder, registry)};
}

/// What the command is told beside its flags, by table; flags come last and win.
struct Tables {
  GenerationSettings generation;
  PromptSettings prompt;
  Value decoder;
};

Tables read_tables(const GenerateArguments& arguments) {
  Value root{Value::Table{}, {}};
  for (const char* name : {"generation", "prompt", "decoder"}) root.set(name, Value{Value::Table{}, {}});
  Value& defaults = *root.find("generation");
  defaults.set("beams", {std::int64_t{1}, {}});
  defaults.set("max_new_tokens", {std::int64_t{128}, {}});
  root.find("prompt")->set("system", {arguments.system, {"--system", 0, 0}});
  for (const std::string& assignment : arguments.set) apply_override(root, assignment);
  const std::vector<std::string> known{"generation", "prompt", "decoder"};
  SettingsFaults faults;
  for (const Entry& entry : *root.get_if<Value::Table>())
    if (std::ranges::find(known, entry.key) == known.end())
      faults.add(entry.value.where, "no table '" + entry.key + "' is used here" + suggestion(entry.key, known));
  Value& generation = *root.find("generation");
  const auto flag = [&](const char* key, const char* name, const auto& value) {
    if (generation.is_table() && value) generation.set(key, {*value, {name, 0, 0}});
  };
  flag("beams", "--beams", arguments.beams);
  flag("max_new_tokens", "--max-new-tokens", arguments.max_new_tokens);
  flag("seed", "--seed", arguments.seed);
  flag("temperature", "--temperature", arguments.temperature);
  flag("top_k", "--top-k", arguments.top_k);
  flag("top_p", "--top-p", arguments.top_p);
  flag("min_p", "--min-p", arguments.min_p);
  if (!arguments.stop.empty() && generation.is_table()) {
    Value::Array texts;
    for (const std::string& text : arguments.stop) texts.push_back({text, {"--stop", 0, 0}});
    generation.set("stop", {std::move(texts), {"--stop", 0, 0}});
  }
  Tables tables;
  read_fields(generation, tables.generation, faults, "generation.");
  read_fields(*root.find("prompt"), tables.prompt, faults, "prompt.");
  tables.decoder = *root.find("decoder");
  if (!tables.decoder.is_table()) settings_detail::wrong_type(tables.decoder, "decoder", "a table", faults);
  faults.raise();
  tables.prompt.user = arguments.prompt;
  return tables;
}

std::vector<std::int64_t> prompt_tokens(const DecoderHandle& decoder, const PromptSettings& prompt, bool raw) {
  std::vector<std::int64_t> ids;
  if (raw) {
    ids = decoder.encode_prompt(prompt.user, true);
  } else {
    PromptSettings message = prompt;
    if (!prompt.own_template()) message.user.erase(message.user.find_last_not_of(" \t\n\r\v\f") + 1);
    auto pieces = chat_pieces(decoder, message);
    ids = std::move(pieces.before);
    ids.insert(ids.end(), pieces.after.begin(), pieces.after.end());
  }
  if (ids.empty())
    throw InputError("--prompt: the prompt has no tokens, so there is nothing to go on from; give a text" +
                     std::string(raw ? ", or leave out --raw" : ""));
  return ids;
}

/// The prompt's logits [T,V] in float32, and its ids.
void write_logits(const DecoderHandle& decoder, const std::vector<std::int64_t>& ids, const Tensor& embedded_1TD,
                  const std::filesystem::path& file) {
  const auto T = static_cast<std::int64_t>(ids.size());
  const Tensor positions = at::arange(T, torch::kInt64).to(embedded_1TD.device()).view({1, T});
  const Tensor hidden = decoder.forward(embedded_1TD, {T}, positions);
  const Tensor logits = decoder.logits(hidden[0]).to(torch::kFloat32).to(torch::kCPU).contiguous();
  save_tensors(file, {{"input_ids", torch::tensor(ids, torch::kInt64)}, {"logits", logits}});
}

/// Writes a text to the terminal as it grows; what may begin a stop text waits.
class Printer {
 public:
  Printer(const DecoderHandle& decoder, const std::vector<std::string>& stop)
      : stream_([&decoder](std::string_view text) { return decoder.encode_text(text); },
                [&decoder](std::span<const std::int64_t> ids) { return decoder.decode_text(ids); }) {
    for (const std::string& text : stop) held_back_ = std::max(held_back_, text.size() - 1);
  }
  void put(std::int64_t token) {
    text_ += stream_.put(token);
    std::size_t end = text_.size() - std::min(text_.size(), held_back_);
    while (end > printed_ && end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) --end;
    show(text_, end);
  }
  /// The rest of the whole text.
  void finish(const std::string& text) { show(text + "\n", text.size() + 1); }

 private:
  void show(const std::string& text, std::size_t end) {
    if (end <= printed_) return;
    std::fwrite(text.data() + printed_, 1, end - printed_, stdout);
    std::fflush(stdout);
    printed_ = end;
  }

  TextStream stream_;
  std::string text_;
  std::size_t printed_ = 0, held_back_ = 0;
};

void print_json(const Generated& generated, const std::string& text, const std::vector<std::int64_t>& prompt) {
  std::vector<std::int64_t> tokens = generated.tokens;
  if (generated.end_token) tokens.push_back(*generated.end_token);
  const nlohmann::ordered_json json{{"text", text},
                                    {"tokens", tokens},
                                    {"log_probability", generated.log_probability},
                                    {"token_log_probabilities", generated.token_log_probabilities},
                                    {"ended", generated.end_token ? "end token"
                                              : generated.ended   ? "stop text"
                                                                  : "max_new_tokens"},
                                    {"prompt_tokens", prompt}};
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void generate_text(const GenerateArguments& arguments) {
  const Tables tables = read_tables(arguments);
  const Profile profile(arguments.profile);
  const Interrupts interrupts;
  const Registry registry;
  const Place place = find_decoder(arguments, registry);
  PluginChoice choice{"decoder", place.plugin, tables.decoder, {}};
  choice.settings.set("checkpoint", {place.folder.string(), {"--decoder", 0, 0}});
  SettingsFaults faults;
  registry.load("decoder", choice.name).descriptor->check(choice.settings, "decoder.", faults, choice.resolved).raise();
  faults.raise();

  const Host host = make_host(registry, arguments.device, arguments.threads, 0);
  torch::NoGradGuard no_grad;
  Parameters parameters(host.device, torch::kFloat32, 0);
  const DecoderHandle decoder(model_builder_detail::build_part<kinds::decoder>(host, choice, parameters));
  decoder.set_training(false);
  const auto ids = prompt_tokens(decoder, tables.prompt, arguments.raw);
  const auto T = static_cast<std::int64_t>(ids.size());
  const Tensor embedded_1TD = decoder.embed(torch::tensor(ids, torch::kInt64).to(host.device)).unsqueeze(0);
  if (arguments.logits) write_logits(decoder, ids, embedded_1TD, *arguments.logits);

  Printer printer(decoder, tables.generation.stop);
  std::int64_t steps = 0;
  GenerationExtras extras;
  extras.prompt_tokens = {ids};
  if (!arguments.json) extras.on_token = [&](std::int64_t, std::int64_t token) { printer.put(token); };
  extras.before_step = [&] {
    if (!arguments.json && interrupts.asked()) std::fputc('\n', stdout);
    interrupts.check(fmt::format("after {} tokens", steps++));
  };
  const auto began = std::chrono::steady_clock::now();
  const Generated generated =
      std::move(generate(decoder, embedded_1TD, {T}, tables.generation, std::move(extras)).front());
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  const std::string text = text_of(decoder, generated, tables.generation);
  if (arguments.json) return print_json(generated, text, ids);
  printer.finish(text);
  log().info(fmt::format("{} tokens after a prompt of {} in {:.2f} s ({:.1f} tokens/s), log probability {:.3f}; {}",
                         generated.token_log_probabilities.size(), T, spent.count(),
                         static_cast<double>(steps) / spent.count(), generated.log_probability,
                         generated.ended ? "ended" : "cut at max_new_tokens"));
}

}  // namespace

void add_generate(CLI::App* command) {
  static GenerateArguments arguments;
  command
      ->add_option("--decoder", arguments.decoder,
                   "Hugging Face folder (config.json, weights, tokenizer), or a model folder of 'cell2text run'")
      ->required();
  command->add_option("--prompt", arguments.prompt, "The user message; with --raw the whole prompt")->required();
  command->add_flag("--raw", arguments.raw,
                    "Send the prompt without the chat template: as it stands, behind the begin token if the tokenizer "
                    "adds one. Special tokens may be written by name");
  command->add_option("--system", arguments.system, "System message of the chat template (default none)");
  command->add_option("--max-new-tokens", arguments.max_new_tokens, "The text ends here at the latest (default 128)");
  command->add_option("--beams", arguments.beams, "Beam search with so many beams (default 1: greedy, or drawn)");
  command->add_option("--temperature", arguments.temperature,
                      "Draw each token; 1 = the model's own probabilities (default 0: the most probable one)");
  command->add_option("--top-k", arguments.top_k, "Draw among so many most probable tokens");
  command->add_option("--top-p", arguments.top_p, "Draw among the fewest tokens that have this probability together");
  command->add_option("--min-p", arguments.min_p, "Draw among tokens at least this times as probable as the best one");
  command->add_option("--seed", arguments.seed, "Of what is drawn (default 0)");
  command->add_option("--stop", arguments.stop, "End the text where this occurs (may be repeated)")->take_all();
  command
      ->add_option("--set", arguments.set,
                   "Any other setting, e.g. --set generation.no_repeat_ngram_size=3 (may be repeated)")
      ->take_all();
  command->add_option("--plugin", arguments.plugin,
                      "Decoder plugin (default: the one that opens the model_type of config.json)");
  command->add_option("--logits", arguments.logits,
                      "Write input_ids [T] and logits [T,V] (float32) of the prompt to this .safetensors file");
  command->add_flag(
      "--json", arguments.json,
      "Print JSON: text, tokens (end token included), log_probability, token_log_probabilities. These are "
      "of the model's own distribution, before temperature, penalties and bans");
  command->add_option("--profile", arguments.profile, profile_help);
  command->add_option("--device", arguments.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as many as cores")->check(CLI::Range(0, 4096));
  command->footer(generate_examples);
  command->callback([] { generate_text(arguments); });
}

}  // namespace cell2text::driver
