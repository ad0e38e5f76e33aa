// The layout of every class that crosses the plugin boundary, and the place and signature of every virtual call,
// compared with the table kept for this abi_number (abi.txt).
//
// Structured bindings name all members of a class: a member that is added or removed does not compile here
// until it is named, and one that changes its type or place changes the table.
#include <cstring>
#include <typeinfo>

#include "core/plugin/libraries.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::string hash_of(const char* text) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (; *text; ++text) hash = (hash ^ static_cast<unsigned char>(*text)) * 16777619u;
  char hex[16];
  std::snprintf(hex, sizeof hex, "%08x", hash);
  return hex;
}

struct Table {
  std::string text;

  template <class T>
  void size_of(const char* name) {
    text += std::string(name) + " size " + std::to_string(sizeof(T)) + " align " + std::to_string(alignof(T)) + "\n";
  }
  /// One line a class: each member as offset, size and hash of its type.
  template <class T, class... Members>
  void members(const char* name, const T& object, const Members&... member) {
    text += std::string(name) + " size " + std::to_string(sizeof(T)) + ":";
    ((text += " " + std::to_string(reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&object)) +
              "+" + std::to_string(sizeof(Members)) + "/" + hash_of(typeid(Members).name())),
     ...);
    text += "\n";
  }
  template <class... Values>
  void values(const char* name, Values... value) {
    text += name;
    ((text += " " + std::to_string(static_cast<int>(value))), ...);
    text += "\n";
  }
  /// One line a class: each function's slot in the table of virtual functions and hash of its signature.
  template <class Object, class... Methods>
  void calls(const char* name, Methods... method) {
    struct Slots {  // how gcc and clang on x86-64 store a pointer to a virtual function: 1 + 8 * slot
      std::uintptr_t function, adjustment;
    };
    text += std::string(name) + " size " + std::to_string(sizeof(Object)) + ":";
    ((text +=
      " " + std::to_string((std::bit_cast<Slots>(method).function - 1) / 8) + "/" + hash_of(typeid(method).name())),
     ...);
    text += "\n";
  }
};

void plain_data(Table& table) {
  {
    const Where x;
    const auto& [file, line, column] = x;
    table.members("Where", x, file, line, column);
  }
  {
    const Value x;
    const auto& [data, where] = x;
    table.members("Value", x, data, where);
  }
  {
    const Entry x;
    const auto& [key, value] = x;
    table.members("Entry", x, key, value);
  }
  {
    const Fault x;
    const auto& [kind, message] = x;
    table.members("Fault", x, kind, message);
  }
  {
    const About x;
    const auto& [help, unit, min, max, choices, required] = x;
    table.members("About", x, help, unit, min, max, choices, required);
  }
  {
    const FieldInfo x;
    const auto& [name, type, about, default_value, has_default, fields] = x;
    table.members("FieldInfo", x, name, type, about, default_value, has_default, fields);
  }
  {
    const SettingsFaults::One x;
    const auto& [where, message] = x;
    table.members("SettingsFaults::One", x, where, message);
  }
  {
    const SettingsFaults x;
    const auto& [list] = x;
    table.members("SettingsFaults", x, list);
  }
  {
    const Log x;
    const auto& [write, self] = x;
    table.members("Log", x, write, self);
  }
  {
    const Context x;
    const auto& [log, seed, threads] = x;
    table.members("Context", x, log, seed, threads);
  }
  table.values("Fault::Kind", Fault::Kind::none, Fault::Kind::input, Fault::Kind::environment, Fault::Kind::bug);
  table.values("Log::Level", Log::Level::debug, Log::Level::info, Log::Level::warning);
}

void cells(Table& table) {
  {
    const GeneTable x;
    const auto& [ids, symbols, kind] = x;
    table.members("GeneTable", x, ids, symbols, kind);
  }
  {
    const CellBatch x;
    const auto& [genes, rows, names, row_starts, columns, counts, totals] = x;
    table.members("CellBatch", x, genes, rows, names, row_starts, columns, counts, totals);
  }
  {
    const LabelColumn x;
    const auto& [name, values, codes] = x;
    table.members("LabelColumn", x, name, values, codes);
  }
  {
    const ColumnInfo x;
    const auto& [name, type] = x;
    table.members("ColumnInfo", x, name, type);
  }
  {
    const ValueJudgement x;
    const auto& [kind, text] = x;
    table.members("ValueJudgement", x, kind, text);
  }
  {
    const MatrixInfo x;
    const auto& [name, genes, values, used] = x;
    table.members("MatrixInfo", x, name, genes, values, used);
  }
  {
    const Prediction x;
    const auto& [cell, reference, prediction, log_probability, labels, pathways, donor, confidences] = x;
    table.members("Prediction", x, cell, reference, prediction, log_probability, labels, pathways, donor, confidences);
  }
  {
    const Score x;
    const auto& [name, value, low, high, higher_is_better, unit, note, per_cell, compares] = x;
    table.members("Score", x, name, value, low, high, higher_is_better, unit, note, per_cell, compares);
  }
  {
    const ConfusionTable x;
    const auto& [label, classes, counts, ids] = x;
    table.members("ConfusionTable", x, label, classes, counts, ids);
  }
  {
    const Recount x;
    const auto& [names, outcome, num_outcomes, values] = x;
    table.members("Recount", x, names, outcome, num_outcomes, values);
  }
  {
    const Scores x;
    const auto& [scores, confusion, recounts] = x;
    table.members("Scores", x, scores, confusion, recounts);
  }
  {
    const KnownLabels x;
    const auto& [values, trained, synonyms, ids] = x;
    table.members("KnownLabels", x, values, trained, synonyms, ids);
  }
  table.values("GeneTable::Kind", GeneTable::Kind::ensembl, GeneTable::Kind::symbol);
  using enum ValueKind;
  table.values("ValueKind", counts, corrected_counts, unclear, normalised, logged, scaled, empty, not_finite);
  table.values("ColumnInfo::Type", ColumnInfo::Type::text, ColumnInfo::Type::number, ColumnInfo::Type::boolean);
}

void model_parts(Table& table) {
  {
    const GeneTokens x;
    const auto& [ids, values, lengths, known_genes, wanted_genes, first_gene, special_tokens] = x;
    table.members("GeneTokens", x, ids, values, lengths, known_genes, wanted_genes, first_gene, special_tokens);
  }
  {
    const GeneEmbeddings x;
    const auto& [values, lengths] = x;
    table.members("GeneEmbeddings", x, values, lengths);
  }
  {
    const SoftPrompt x;
    const auto& [values, lengths] = x;
    table.members("SoftPrompt", x, values, lengths);
  }
  {
    const StateRow x{};
    const auto& [state, row] = x;
    table.members("StateRow", x, state, row);
  }
  {
    const ChatText x;
    const auto& [system, user] = x;
    table.members("ChatText", x, system, user);
  }
  {
    const ChatPieces x;
    const auto& [before, after] = x;
    table.members("ChatPieces", x, before, after);
  }
  {
    const Parameter x;
    const auto& [name, value, trainable] = x;
    table.members("Parameter", x, name, value, trainable);
  }
  {
    const Init x;
    const auto& [kind, a] = x;
    table.members("Init", x, kind, a);
  }
  {
    const Delta x;
    const auto& [a, b, scale, dropout, function] = x;
    table.members("Delta", x, a, b, scale, dropout, function);
  }
  {
    const AdapterShape x;
    const auto& [encoder_width, decoder_width] = x;
    table.members("AdapterShape", x, encoder_width, decoder_width);
  }
  // Members are private, or references: their sizes tell of most changes, not of all.
  table.size_of<LinearSlot>("LinearSlot");
  table.size_of<Parameters>("Parameters");
  table.size_of<TensorFiles>("TensorFiles");
  table.size_of<ModelContext>("ModelContext");
  table.size_of<DecoderView>("DecoderView");
}

void baseline_parts(Table& table) {
  {
    const BaselineNeeds x;
    const auto& [embeddings, counts, labels, another_labels] = x;
    table.members("BaselineNeeds", x, embeddings, counts, labels, another_labels);
  }
  {
    const BaselineCells x;
    const auto& [size, embeddings, counts, labels, pathways] = x;
    table.members("BaselineCells", x, size, embeddings, counts, labels, pathways);
  }
  {
    const BaselineAnswers x;
    const auto& [labels, pathways, texts, copied, fill_template] = x;
    table.members("BaselineAnswers", x, labels, pathways, texts, copied, fill_template);
  }
}

void registration(Table& table) {
  {
    const Manifest x;
    const auto& [magic, size, abi, torch_major, torch_minor, cxx_library, layout, kind, name, compiler, build_type] = x;
    table.members("Manifest", x, magic, size, abi, torch_major, torch_minor, cxx_library, layout, kind, name, compiler,
                  build_type);
  }
  {
    const PluginDescriptor x = {};
    const auto& [kind, name, help, schema, check, build, model_types] = x;
    table.members("PluginDescriptor", x, kind, name, help, schema, check, build, model_types);
  }
  {
    const BuildArguments x;
    const auto& [context, model_context, adapter_shape] = x;
    table.members("BuildArguments", x, context, model_context, adapter_shape);
  }
}

void virtual_calls(Table& table) {
  using namespace objects;
  using S = SourceObject;
  table.calls<S>("SourceObject", &S::size, &S::genes, &S::columns, &S::labels, &S::read, &S::matrices);
  using E = EncoderObject;
  table.calls<E>("EncoderObject", &E::tokenize, &E::encode, &E::width, &E::known, &E::needs_counts, &E::save,
                 &E::set_training);
  using A = AdapterObject;
  table.calls<A>("AdapterObject", &A::forward, &A::set_training);
  using T = StateObject;
  table.calls<T>("StateObject", &T::fork, &T::select, &T::truncate, &T::can_truncate, &T::joined, &T::can_join,
                 &T::settle, &T::bytes, &T::concrete);
  using D = DecoderObject;
  table.calls<D>("DecoderObject", &D::encode_text, &D::encode_prompt, &D::decode_text, &D::chat, &D::end_tokens,
                 &D::widths, &D::state_bytes_per_token, &D::embed, &D::new_state, &D::forward, &D::forward_last,
                 &D::logits, &D::linear_layers, &D::save, &D::set_training);
  using F = FineTuningObject;
  table.calls<F>("FineTuningObject", &F::prepare, &F::changes_base, &F::save, &F::load, &F::merge);
  using M = MetricObject;
  table.calls<M>("MetricObject", &M::score, &M::compares_texts, &M::reads_confidences);
  using B = BaselineObject;
  table.calls<B>("BaselineObject", &B::needs, &B::fit, &B::predict, &B::save, &B::load);
}

}  // namespace

TEST_CASE("abi: the classes that cross the plugin boundary are as abi_number says") {
  Table table{"abi " + std::to_string(abi_number) + "\n"};
  plain_data(table);
  cells(table);
  model_parts(table);
  baseline_parts(table);
  registration(table);
  virtual_calls(table);
  const auto path = source_dir() / "tests/core/plugin/abi.txt";
  if (std::getenv("CELL2TEXT_WRITE_ABI")) write_file(path, table.text);
  const std::string kept = read_file(path);
  std::istringstream is_now(table.text), was(kept);
  std::string now_line, kept_line;
  while (std::getline(is_now, now_line)) {
    kept_line.clear();
    std::getline(was, kept_line);
    INFO(
        "A class that crosses the plugin boundary has changed. Plugins built before would misread it: raise "
        "abi_number in core/include/cell2text/plugin/manifest.hpp, then run this test once with "
        "CELL2TEXT_WRITE_ABI=1 to keep the new table (tests/core/plugin/abi.txt).");
    CHECK(now_line == kept_line);
  }
  CHECK(!std::getline(was, kept_line));
}
