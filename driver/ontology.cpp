// cell2text ontology similarity: how near terms of an ontology are. Its sibling `map` is ontology_map.cpp's.
#include <fmt/format.h>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/io/safetensors_writer.hpp"
#include "cell2text/ontology/rank_range_cache.hpp"
#include "cell2text/ontology/similarity.hpp"
#include "cell2text/ontology/similarity_statistics.hpp"
#include "cell2text/settings.hpp"
#include "commands.hpp"
#include "console.hpp"

namespace cell2text::driver {

namespace {

using OntologyJson = nlohmann::ordered_json;

struct SimilarityArguments {
  std::string obo, from, to, out, tolerance = "exact", relations = "is_a";
  double damping = 0.9, tau = 1e-4;
  bool stats = false, json = false;

  SimilarityOptions options() const {
    const auto way = tolerance == "exact" ? PageRankTolerance::exact : PageRankTolerance::networkx;
    return {{damping, way}, tau};
  }
};

constexpr const char* similarity_help =
    "Each term starts a walk over the ontology's graph, in both directions of its relations, that\n"
    "returns to the term with probability 1 - damping at each step. What share of its time it spends at\n"
    "another term says how near that one is: similarity = log(1 + share / tau), scaled to 0..1 over all\n"
    "pairs; a term and itself are 1. From A to B and from B to A differ a little, since a term with many\n"
    "relations is reached more easily than left.\n\n"
    "Of the two fits in --stats, log-log is the share of pairs that are at least as similar, over the\n"
    "similarity; rank-frequency is how often a similarity (6 decimals) occurs, over its rank.\n\n"
    "Examples:\n"
    "  cell2text ontology similarity --obo data/demo/cl.obo --from 'T cell' --to CL:0000236\n"
    "  cell2text ontology similarity --obo data/demo/cl.obo --from 'natural killer cell'     (the nearest terms)\n"
    "  cell2text ontology similarity --obo data/demo/cl.obo --stats --tolerance networkx     (the paper's Table 6)\n"
    "  cell2text ontology similarity --obo uberon.obo --relations is_a_or_part_of -o tissues.safetensors";

/// Tells what is odd about an ontology and does no harm here.
OntologyGraph open_graph(const Ontology& ontology, const SimilarityArguments& arguments) {
  OntologyGraph graph(ontology, arguments.obo,
                      arguments.relations == "is_a" ? OntologyRelations::is_a : OntologyRelations::is_a_or_part_of);
  if (graph.missing_parents() > 0)
    log().warning(
        fmt::format("{}: {} relations lead to terms that the file does not define or that are obsolete; they "
                    "are left out",
                    arguments.obo, graph.missing_parents()));
  if (const auto ring = graph.cycle(); !ring.empty()) {
    std::string terms;
    for (const auto node : ring) terms += graph.term(node).id + " -> ";
    log().warning(arguments.obo + ": its relations go round in a circle, " + terms + graph.term(ring.front()).id +
                  "; similarity looks at relations in both directions and is not disturbed, but the ontology is wrong "
                  "there");
  }
  return graph;
}

/// InputError where the ontology has no such current term, with the nearest name.
OntologyGraph::Node node_named(const std::string& text, const char* option, const Ontology& ontology,
                               const OntologyGraph& graph, const std::string& obo) {
  if (const Term* term = find_term(ontology, text))
    if (const auto node = graph.node_of(*term)) return *node;
  if (const Term* term = ontology.by_id(text); term && term->obsolete)
    throw InputError(
        fmt::format("{} {}: obsolete in {}, and no single term replaces it; name a current one", option, text, obo));
  std::vector<std::string> names;
  for (const Term& term : ontology.terms()) {
    if (term.obsolete) continue;
    names.push_back(term.name);
    names.push_back(term.id);
    for (const Synonym& synonym : term.synonyms)
      if (synonym.scope == Synonym::Scope::exact) names.push_back(synonym.text);
  }
  const std::string near = nearest_name(text, names);
  throw InputError(
      fmt::format("{} '{}': no term of {} has this id, name or exact synonym, or several have; {}", option, text, obo,
                  near.empty() ? "give an id, or a name as the file spells it" : "did you mean '" + near + "'?"));
}

OntologyJson term_json(const Term& term) {
  return {{"id", term.id}, {"name", term.name}};
}

void print_pair(const OntologyGraph& graph, OntologyGraph::Node from, OntologyGraph::Node to, const RankRange& range,
                const SimilarityArguments& arguments) {
  const OntologyGraph::Node both[] = {from, to};
  double there = 0, back = 0;
  each_similarity(graph, both, range, arguments.options(), [&](std::size_t i, std::span<const double> similarities) {
    (i == 0 ? there : back) = similarities[both[1 - i]];
  });
  const Term &a = graph.term(from), &b = graph.term(to);
  if (arguments.json)
    fmt::print(
        "{}\n",
        OntologyJson{{"from", term_json(a)}, {"to", term_json(b)}, {"similarity", there}, {"back", back}}.dump(2));
  else
    fmt::print("{:.6f}  from {} ({}) to {} ({})\n{:.6f}  back\n", there, a.id, a.name, b.id, b.name, back);
}

void print_nearest(const OntologyGraph& graph, OntologyGraph::Node from, const RankRange& range,
                   const SimilarityArguments& arguments) {
  std::vector<std::pair<double, OntologyGraph::Node>> nearest;
  each_similarity(graph, std::span(&from, 1), range, arguments.options(),
                  [&](std::size_t, std::span<const double> similarities) {
                    for (OntologyGraph::Node node = 0; node < graph.size(); ++node)
                      if (node != from && similarities[node] > 0) nearest.emplace_back(-similarities[node], node);
                  });
  std::ranges::sort(nearest);
  if (nearest.size() > 10) nearest.resize(10);
  OntologyJson list = OntologyJson::array();
  for (const auto& [negative, node] : nearest) {
    OntologyJson one = term_json(graph.term(node));
    one["similarity"] = -negative;
    list.push_back(std::move(one));
    if (!arguments.json) fmt::print("{:.6f}  {} ({})\n", -negative, graph.term(node).id, graph.term(node).name);
  }
  if (arguments.json)
    fmt::print("{}\n", OntologyJson{{"from", term_json(graph.term(from))}, {"nearest", list}}.dump(2));
}

void print_statistics(const OntologyGraph& graph, const SimilarityMatrix& matrix,
                      const SimilarityArguments& arguments) {
  const SimilarityStatistics all = similarity_statistics(matrix);
  const auto fit = [](const LineFit& line) { return OntologyJson{{"slope", line.slope}, {"r2", line.r_squared}}; };
  if (arguments.json) {
    const OntologyJson json{{"terms", graph.size()},
                            {"edges", graph.num_edges()},
                            {"missing_parents", graph.missing_parents()},
                            {"mean", all.mean},
                            {"median", all.median},
                            {"sd", all.sd},
                            {"p95", all.p95},
                            {"p99", all.p99},
                            {"log_log", fit(all.log_log)},
                            {"rank_frequency", fit(all.rank_frequency)},
                            {"histogram", {{"edges", all.edges}, {"pairs", all.pairs}}},
                            {"cumulative", {{"similarity", all.edges}, {"share", all.share_up_to}}}};
    return fmt::print("{}\n", json.dump(2));
  }
  fmt::print(
      "terms            {}\nedges            {}\nmean             {:.5f}\nmedian           {:.5f}\n"
      "sd               {:.5f}\n95th percentile  {:.5f}\n99th percentile  {:.5f}\n"
      "log-log          slope {:.3f}, R2 {:.3f}\nrank-frequency   slope {:.3f}, R2 {:.3f}\n",
      graph.size(), graph.num_edges(), all.mean, all.median, all.sd, all.p95, all.p99, all.log_log.slope,
      all.log_log.r_squared, all.rank_frequency.slope, all.rank_frequency.r_squared);
}

std::string checked_ending(const std::string& out) {
  const std::string ending = std::filesystem::path(out).extension();
  if (ending != ".safetensors" && ending != ".csv")
    throw InputError("-o " + out + ": the ending says what is written, and is '" + ending +
                     "'; it must be .safetensors (float32, small and fast) or .csv");
  return ending;
}

/// f(from, similarities to each term) in the order of terms.
template <class F>
void each_row(const SimilarityMatrix& matrix, const F& f) {
  std::vector<float> row(matrix.size());
  for (OntologyGraph::Node from = 0; from < matrix.size(); ++from) {
    matrix.row(from, row);
    f(from, std::span<const float>(row));
  }
}

void write_matrix(const OntologyGraph& graph, const Ontology& ontology, const SimilarityMatrix& matrix,
                  const SimilarityArguments& arguments) {
  if (checked_ending(arguments.out) == ".safetensors") {
    OntologyJson ids = OntologyJson::array(), names = OntologyJson::array();
    for (OntologyGraph::Node node = 0; node < graph.size(); ++node)
      ids.push_back(graph.term(node).id), names.push_back(graph.term(node).name);
    const auto size = static_cast<std::int64_t>(matrix.size());
    SafetensorsWriter writer(arguments.out, {{"similarity", SafetensorsDtype::F32, {size, size}, {}}},
                             {{"ids", ids.dump()},
                              {"names", names.dump()},
                              {"ontology", ontology.name() + " " + ontology.release()},
                              {"tolerance", arguments.tolerance},
                              {"relations", arguments.relations},
                              {"damping", fmt::format("{}", arguments.damping)},
                              {"tau", fmt::format("{}", arguments.tau)}});
    each_row(matrix, [&](OntologyGraph::Node, std::span<const float> row) { writer.write_part(std::as_bytes(row)); });
    return writer.commit();
  }
  AtomicFile file(arguments.out);
  std::string line = "id";
  for (OntologyGraph::Node node = 0; node < graph.size(); ++node) line += "," + csv_field(graph.term(node).id);
  file.write(line + "\n");
  each_row(matrix, [&](OntologyGraph::Node from, std::span<const float> row) {
    line = csv_field(graph.term(from).id);
    for (const float similarity : row) fmt::format_to(std::back_inserter(line), ",{:.6g}", similarity);
    file.write(line + "\n");
  });
  file.commit();
}

void similarity(const SimilarityArguments& arguments) {
  const bool all_pairs = arguments.stats || !arguments.out.empty();
  if (!arguments.to.empty() && arguments.from.empty())
    throw InputError("--to " + arguments.to + " needs --from TERM beside it");
  if (arguments.from.empty() && !all_pairs)
    throw InputError("nothing is asked for: give --from A --to B, --from A, --stats or -o FILE");
  if (!arguments.from.empty() && arguments.stats)
    throw InputError("--from and --stats are two questions; ask one at a time");
  if (!arguments.out.empty()) checked_ending(arguments.out);
  const Ontology ontology = Ontology::read(arguments.obo);
  const OntologyGraph graph = open_graph(ontology, arguments);
  std::optional<OntologyGraph::Node> from, to;
  if (!arguments.from.empty()) from = node_named(arguments.from, "--from", ontology, graph, arguments.obo);
  if (!arguments.to.empty()) to = node_named(arguments.to, "--to", ontology, graph, arguments.obo);

  std::optional<SimilarityMatrix> matrix;
  if (all_pairs) matrix.emplace(graph, arguments.options());
  if (from) {
    const RankRange range =
        matrix ? matrix->range() : cached_rank_range(graph, arguments.options().pagerank, RankRangeCache::usual(log()));
    if (to)
      print_pair(graph, *from, *to, range, arguments);
    else
      print_nearest(graph, *from, range, arguments);
  }
  if (!arguments.out.empty()) write_matrix(graph, ontology, *matrix, arguments);
  if (arguments.stats) print_statistics(graph, *matrix, arguments);
}

void add_similarity(CLI::App& ontology) {
  static SimilarityArguments arguments;
  auto* command = ontology.add_subcommand("similarity", "How near two terms are, the nearest ones, or all pairs");
  command->footer(similarity_help);
  command->add_option("--obo", arguments.obo, "OBO file: Cell Ontology, Uberon, Mondo ...")->required();
  command->add_option("--from", arguments.from, "A term: id, name or exact synonym; without --to: its nearest terms");
  command->add_option("--to", arguments.to, "Another term");
  command->add_flag("--stats", arguments.stats,
                    "Distribution over all ordered pairs, each term with itself included; up to 4 N^2 bytes of memory");
  command->add_option(
      "-o,--out", arguments.out,
      "Write all pairs: .safetensors (float32 [N,N], ids in the metadata) or .csv; up to 4 N^2 bytes of memory");
  command->add_option("--damping", arguments.damping, "Probability of going on at a step, 0 to below 1")
      ->capture_default_str();
  command->add_option("--tau", arguments.tau, "Shares of time well below it count as unrelated")->capture_default_str();
  command
      ->add_option("--tolerance", arguments.tolerance,
                   "exact, or networkx: as networkx.pagerank, which stops a little before")
      ->check(CLI::IsMember({"exact", "networkx"}))
      ->capture_default_str();
  command->add_option("--relations", arguments.relations, "Which relations are edges")
      ->check(CLI::IsMember({"is_a", "is_a_or_part_of"}))
      ->capture_default_str();
  command->add_flag("--json", arguments.json, "Print JSON; with --stats also histogram and cumulative curve");
  command->callback([] { similarity(arguments); });
}

}  // namespace

void add_ontology(CLI::App* ontology) {
  ontology->require_subcommand(1);
  add_similarity(*ontology);
  add_ontology_map(*ontology);
}

}  // namespace cell2text::driver
