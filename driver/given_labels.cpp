#include "given_labels.hpp"

#include <fmt/format.h>

#include "console.hpp"
#include "described_output.hpp"

namespace cell2text::driver {

namespace {

std::vector<std::string> label_roles() {
  return {described_labels.begin(), described_labels.end()};
}

/// "tissue", "lung" of "tissue=lung".
std::pair<std::string, std::string> assignment(const std::string& option, const std::string& text,
                                               const std::string& expected) {
  const std::size_t equals = text.find('=');
  const std::string role = text.substr(0, equals), value = equals == text.npos ? "" : text.substr(equals + 1);
  if (value.empty())
    throw InputError(
        fmt::format("{} {}: a label and its value are expected, as in {} {}", option, text, option, expected));
  const std::vector<std::string> roles = label_roles();
  if (std::ranges::find(roles, role) == roles.end())
    throw InputError(
        fmt::format("{} {}: descriptions have no label '{}'{}", option, text, role, suggestion(role, roles)));
  return {role, value};
}

/// The parts of "tissue=lung,sex=male". A comma within a name, as in "CD4-positive, alpha-beta T cell", ends none.
std::vector<std::string> assignments(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t comma = text.find(','); comma != text.npos; comma = text.find(',', comma + 1)) {
    const std::size_t label = text.find_first_not_of(' ', comma + 1);
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", label);
    if (end == text.npos || text[end] != '=') continue;
    parts.push_back(text.substr(begin, comma - begin));
    begin = label;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// Of sex and stage those that the template can tell, of the others those that training cells had.
std::vector<KnownLabel> known_labels_of(const std::string& role, const ModelCard& card) {
  std::vector<KnownLabel> all;
  if (role == "sex" || role == "development_stage") {
    for (const std::string& name : LabelLimits{}.all(role)) all.push_back({name, {}});
  } else if (const auto trained = card.labels.find(role); trained != card.labels.end()) {
    for (const TrainedLabel& one : trained->second)
      if (const auto name = known_value(one.name)) all.push_back({*name, known_value(one.ontology_id)});
  }
  return all;
}

}  // namespace

UserLabels::UserLabels(const GivenLabelsArguments& arguments, const SourceHandle& source,
                       const std::vector<std::int64_t>& rows, const ModelCard& card)
    : arguments_(arguments), rows_(rows) {
  limits_.known = card.known_labels().values;
  for (const std::string& role : label_roles()) known_[role] = known_labels_of(role, card);
  for (const std::string& text : arguments.given)
    for (const std::string& part : assignments(text)) {
      const auto [role, value] = assignment("--given", part, "tissue=lung or tissue=@obs_column");
      give(role, value, source);
    }
  std::vector<Ontology> ontologies;
  for (const std::string& path : arguments.ontologies) ontologies.push_back(Ontology::read(path));
  for (const std::string& text : arguments.allow) {
    const auto [role, file] = assignment("--allow", text, "cell_type=FILE");
    allow(role, file, ontologies);
  }
  if (arguments.ontology_only) allow_terms_only();
  tell_of_prompt(card);
}

/// What is given changes the more of a text if the prompt tells it.
void UserLabels::tell_of_prompt(const ModelCard& card) const {
  const auto field = given_field(card.plan.prompt.user);
  std::string told, fixed;
  for (const auto& [role, given] : given_) {
    std::string& list = field && std::ranges::find(field->labels, role) != field->labels.end() ? told : fixed;
    list += (list.empty() ? "" : ", ") + role;
  }
  if (!told.empty()) log().info("given and told to the model in its prompt: " + told);
  if (!fixed.empty())
    log().info("given, and fixed in the texts alone: " + fixed +
               "; the model was not trained to be told it, and what stands before it does not depend on it");
}

void UserLabels::give(const std::string& role, const std::string& text, const SourceHandle& source) {
  Given given = text.front() == '@' ? column(role, text.substr(1), source) : Given{{known_name(role, text)}, {}};
  if (!given_.emplace(role, std::move(given)).second)
    throw InputError("--given: the " + role + " is given twice; give it once");
}

UserLabels::Given UserLabels::column(const std::string& role, const std::string& name,
                                     const SourceHandle& source) const {
  const std::string option = "--given " + role + "=@" + name;
  if (!source.has_column(name)) {
    std::vector<std::string> names;
    for (const ColumnInfo& info : source.columns()) names.push_back(info.name);
    throw InputError(option + ": the file has no obs column '" + name + "'" + suggestion(name, names));
  }
  const LabelColumn labels = source.labels(name);
  Given given{{}, labels.codes};
  std::vector<std::int32_t> number_of(labels.values.size(), -1);  // a file may list values that no cell has
  std::int64_t missing = 0, first = 0;
  for (const std::int64_t row : rows_) {
    const std::int32_t code = labels.codes[row];
    if (code < 0 || !known_value(labels.values[code])) {
      if (missing++ == 0) first = row;
      continue;
    }
    if (number_of[code] < 0) {
      number_of[code] = static_cast<std::int32_t>(given.values.size());
      given.values.push_back(known_name(role, labels.values[code]));
    }
    given.of_row[row] = number_of[code];
  }
  if (missing > 0)
    throw InputError(
        fmt::format("{}: {} of {} cells have no value there, row {} (from 0) the first; fill the column, or describe "
                    "the others alone with --cells FILE",
                    option, missing, rows_.size(), first));
  return given;
}

std::string UserLabels::known_name(const std::string& role, const std::string& text) const {
  const std::vector<KnownLabel>& known = known_.at(role);
  if (const KnownLabel* found = find_label(known, fold_spaces(text))) return found->name;
  if (role == "development_stage")
    if (const auto bucket = age_bucket(text)) return std::string(*bucket);
  throw InputError(
      fmt::format("--given {}={}: the model never saw this {}{}", role, text, role, nearest_label(text, known)));
}

void UserLabels::allow(const std::string& role, const std::string& file, const std::vector<Ontology>& ontologies) {
  if (given_.contains(role))
    throw InputError("--allow " + role + "=" + file + ": the " + role + " is given by --given; leave one of them out");
  if (limits_.allowed.contains(role))
    throw InputError("--allow: the " + role + " has two lists; give one with the labels of both");
  const ListedLabels listed = read_label_list(file, known_.at(role), ontologies);
  limits_.allowed[role] = listed.names;
  log().info(fmt::format("{}: allows {} of the {} known labels of {}{}", file, listed.names.size(),
                         known_.at(role).size(), role,
                         ontologies.empty() ? "; without --ontology, nothing below what is listed" : ""));
  if (listed.unknown.empty()) return;
  std::string some;
  for (std::size_t i = 0; i < std::min<std::size_t>(listed.unknown.size(), 5); ++i)
    some += (i ? ", '" : "'") + listed.unknown[i] + "'";
  log().warning(fmt::format("{}: the model knows nothing of {} of its entries, which allow nothing: {}{}", file,
                            listed.unknown.size(), some, listed.unknown.size() > 5 ? ", ..." : ""));
}

void UserLabels::allow_terms_only() {
  for (const std::string role : {"cell_type", "tissue", "disease"}) {
    const auto has_id = [&](const std::string& name) {
      const KnownLabel* known = find_label(known_.at(role), name);
      return known && known->id && is_term_id(*known->id);
    };
    if (const auto given = given_.find(role); given != given_.end()) {
      for (const std::string& value : given->second.values)
        if (!has_id(value))
          throw InputError("--ontology-only: '" + value + "', which is given as " + role +
                           ", had no ontology id in training; leave out one of the two options");
      continue;
    }
    const auto listed = limits_.allowed.find(role);
    std::vector<std::string> names = listed == limits_.allowed.end() ? names_of(known_.at(role)) : listed->second;
    std::erase_if(names, [&](const std::string& name) { return !has_id(name); });
    if (names.empty() && (role == std::string("cell_type") || listed != limits_.allowed.end()))
      throw InputError("--ontology-only: no " + role + " that " +
                       (listed == limits_.allowed.end() ? "the model knows" : "is allowed") +
                       " had an ontology id in training; describe without --ontology-only");
    limits_.allowed[role] = std::move(names);
  }
}

GivenLabels UserLabels::of(std::int64_t row) const {
  GivenLabels labels;
  for (const auto& [role, given] : given_) labels[role] = given.at(row);
  return labels;
}

ConstraintOfRows UserLabels::constraint(const Model& model, const GenerationSettings& settings) const {
  if (given_.empty() && limits_.allowed.empty()) return {};
  auto constrain = constraint_of_rows(model, limits_, settings, given());
  if (!rows_.empty()) constrain({rows_.front()});  // what cannot be restricted is refused at once
  return constrain;
}

GivenOfRow UserLabels::given() const {
  if (given_.empty()) return {};
  return [this](std::int64_t row) { return of(row); };
}

std::string UserLabels::mark(DescribedCell& cell) const {
  if (cell.text.empty()) return "";
  std::string roles;
  for (const auto& [role, label] : of(cell.row)) {
    roles += (roles.empty() ? "" : ", ") + role;
    const auto judged = cell.confidences.find(role);
    if (judged == cell.confidences.end()) continue;
    LabelConfidence& sure = judged->second;
    if (!sure.best.empty()) sure.best = {{label, 1.0}};
    sure.confidence = 1, sure.unknown = 0;
  }
  return roles;
}

void UserLabels::note(Value& about) const {
  const auto add = [&](const char* key, const std::vector<std::string>& texts) {
    Value::Array all;
    for (const std::string& text : texts) all.push_back({text, {}});
    if (!all.empty()) about.set(key, {std::move(all), {}});
  };
  add("given", arguments_.given), add("allow", arguments_.allow), add("ontology", arguments_.ontologies);
  if (arguments_.ontology_only) about.set("ontology_only", {true, {}});
}

void add_given_labels_options(CLI::App& command, GivenLabelsArguments& arguments) {
  command
      .add_option(
          "--given", arguments.given,
          "What is known of the cells, as in tissue=lung,sex=male or tissue=@obs_column: these parts of the text "
          "are fixed, their confidence is 1, and cell2text_given names them (labels: cell_type, tissue, disease, "
          "sex, development_stage; may be repeated)")
      ->take_all()
      ->option_text("LABEL=VALUE");
  command
      .add_option("--allow", arguments.allow,
                  "Labels that the text may have, as in cell_type=FILE: names or ontology ids, one a line (may be "
                  "repeated)")
      ->take_all()
      ->option_text("LABEL=FILE");
  command
      .add_option(
          "--ontology", arguments.ontologies,
          "OBO file (may be repeated): what --allow lists then includes all that stands below it. The Cell Ontology "
          "also tells the most specific kind of cell that the model is sure of, from --min-confidence on (else 0.5), "
          "in cell2text_cell_type_sure")
      ->take_all()
      ->option_text("FILE");
  command.add_flag("--ontology-only", arguments.ontology_only,
                   "Only cell types, tissues and diseases that had an ontology id in training");
}

}  // namespace cell2text::driver
