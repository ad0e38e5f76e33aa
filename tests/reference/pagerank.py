"""Personalised PageRank by networkx.pagerank, and by numpy's dense solution, as FOLDER/cases.json.

Writes small made-up ontologies (several components, terms without relations, obsolete terms, relations told twice) as
FOLDER/N.obo, and takes a few walks of the ontology that is given. A walk on which networkx gives up is null.
"""
import argparse
import json
import pathlib
import random

import networkx
import numpy


def made_up(rng, terms, components):
    lines = []
    for i in range(terms):
        lines += ["[Term]", f"id: T:{i}", f"name: term {i}"]
        if i > 2 * components and rng.random() < 0.05:
            lines.append("is_obsolete: true")
        elif i == components or (i > components and rng.random() < 0.9):
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                lines.append(f"is_a: T:{i % components + components * rng.randrange(i // components)} ! a parent")
        lines.append("")
    return "\n".join(lines)


def star(leaves):
    """A root and its children: the walk swings between the two sides, which networkx never sees settle."""
    parents = ("", *["is_a: T:0\n"] * leaves)
    return "\n".join(f"[Term]\nid: T:{i}\nname: term {i}\n{parent}" for i, parent in enumerate(parents))


def read_graph(text):
    """The undirected graph of is_a among terms that are not obsolete, in the order of the file."""
    stanzas = []
    for line in text.splitlines():
        if line.startswith("["):
            stanzas.append({"kind": line, "is_a": [], "obsolete": False})
        elif stanzas and ": " in line:
            tag, value = line.split(": ", 1)
            if tag == "id":
                stanzas[-1]["id"] = value.split()[0]
            elif tag == "is_a":
                stanzas[-1]["is_a"].append(value.split()[0])
            elif tag == "is_obsolete":
                stanzas[-1]["obsolete"] = value.split()[0] == "true"
    terms = [s for s in stanzas if s["kind"].startswith("[Term]") and not s["obsolete"]]
    graph = networkx.Graph()
    graph.add_nodes_from(s["id"] for s in terms)
    for s in terms:
        graph.add_edges_from((s["id"], parent) for parent in s["is_a"] if parent in graph)
    return graph


def dense_ranks(graph, damping, sources):
    nodes = list(graph)
    adjacency = networkx.to_numpy_array(graph, nodelist=nodes)
    degree = adjacency.sum(axis=1)
    step = numpy.divide(adjacency, degree[:, None], out=numpy.zeros_like(adjacency), where=degree[:, None] > 0)
    sides = numpy.zeros((len(nodes), len(sources)))
    for column, source in enumerate(sources):
        sides[nodes.index(source), column] = 1 - damping
    ranks = numpy.linalg.solve(numpy.eye(len(nodes)) - damping * step.T, sides)
    for column, source in enumerate(sources):
        if degree[nodes.index(source)] == 0:
            ranks[nodes.index(source), column] = 1
    return ranks.T.tolist()


def networkx_ranks(graph, damping, source):
    try:
        return list(networkx.pagerank(graph, alpha=damping, personalization={source: 1}).values())
    except networkx.PowerIterationFailedConvergence:
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("ontology", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    cases = []
    for i in range(13):
        if i == 12:
            path, damping, count = arguments.ontology, 0.9, 8
            text = path.read_text()
        else:
            # Few terms: networkx's tolerance is then out of reach for a walk that swings to and fro.
            terms = rng.randint(4, 12) if i < 3 else rng.randint(60, 300)
            path, damping, count = pathlib.Path(f"{i}.obo"), rng.choice([0.5, 0.85, 0.9]) if i >= 3 else 0.9, 10
            text = made_up(rng, terms, rng.randint(1, 3)) if i else star(rng.randint(2, 9))
            (arguments.folder / path).write_text(text)
        graph = read_graph(text)
        sources = rng.sample(list(graph), min(count, len(graph)))
        exact = dense_ranks(graph, damping, sources)
        walks = [{"source": source, "networkx": networkx_ranks(graph, damping, source), "exact": ranks}
                 for source, ranks in zip(sources, exact)]
        cases.append({"file": str(path), "terms": len(graph), "edges": graph.number_of_edges(), "damping": damping,
                      "walks": walks})
    (arguments.folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
