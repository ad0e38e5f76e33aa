"""Similarities of all pairs of the Cell Ontology: the command beside networkx.

Our side is the whole command, from start to statistics. networkx takes minutes for all terms, so it computes every
sixteenth one, after the graph is made; its walks take equally long. Both give the same similarities up to their scale.
"""
import json
import pathlib
import subprocess
import sys
import time

from sides import row

ROOT = pathlib.Path(__file__).resolve().parent.parent
OBO = ROOT / "data/demo/cl.obo"


def read_graph():
    import networkx
    graph, term = networkx.Graph(), None
    terms = []
    for line in OBO.read_text().splitlines():
        if line.startswith("["):
            term = {"is_a": [], "obsolete": False} if line == "[Term]" else None
            if term:
                terms.append(term)
        elif term and line.startswith("id: "):
            term["id"] = line.split()[1]
        elif term and line.startswith("is_a: "):
            term["is_a"].append(line.split()[1])
        elif term and line.startswith("is_obsolete: true"):
            term["obsolete"] = True
    graph.add_nodes_from(t["id"] for t in terms if not t["obsolete"])
    graph.add_edges_from((t["id"], p) for t in terms if t["id"] in graph for p in t["is_a"] if p in graph)
    return graph


def peer(step):
    """Seconds of networkx's walks from every `step`-th term, and log(1 + rank / tau) of each."""
    import networkx
    import numpy
    graph = read_graph()
    sources = list(graph)[::step]
    wall, cpu = time.perf_counter(), time.process_time()
    ranks = [list(networkx.pagerank(graph, alpha=0.9, personalization={source: 1}).values()) for source in sources]
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "terms": len(sources)}
    return spent, numpy.log1p(numpy.array(ranks) / 1e-4)


def ours(command, tolerance, *more):
    """Seconds of the command, CPU seconds of its process, and what it printed."""
    import resource
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([command, "ontology", "similarity", "--obo", OBO, "--stats", "--json", "--tolerance", tolerance,
                           *more], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    stats = json.loads(done.stdout)
    return {"wall_s": time.perf_counter() - wall, "terms": stats["terms"],
            "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}, stats


def check_same(command, folder, raw, step):
    import numpy
    import safetensors.numpy
    ours(command, "networkx", "-o", folder / "similarities.safetensors")
    found = safetensors.numpy.load_file(folder / "similarities.safetensors")["similarity"][::step].astype(float)
    others = numpy.ones_like(raw, dtype=bool)
    others[numpy.arange(len(raw)), numpy.arange(len(raw)) * step] = False  # a term and itself are 1
    scale = (found * others).sum() / (raw * others).sum()
    if abs((found - raw * scale) * others).max() > 1e-5:
        sys.exit("bench/run.py: the similarities differ")


def rows(folder, options, command, target):
    step, found, all_pairs = 16, [], []
    for i in range(options.pairs):
        b, raw = peer(step)
        if i == 0:
            check_same(command, folder, raw, step)
        for tolerance in ("networkx", "exact"):
            a, _ = ours(command, tolerance)
            all_pairs.append((tolerance, (a, b)))
            print(f"ontology, {tolerance}: {a['wall_s']:.2f} s; networkx {b['wall_s'] / b['terms'] * a['terms']:.1f} s for "
                  "as many terms", file=sys.stderr)
    for tolerance in ("networkx", "exact"):
        pairs = [pair for name, pair in all_pairs if name == tolerance]
        found.append(row(f"all pairs of the Cell Ontology from file to statistics, {tolerance}; peer: networkx, its walks "
                         "alone", pairs, lambda pair, key: [side["terms"] / side[key] for side in pair], "terms/s",
                         target))
    return found, all_pairs
