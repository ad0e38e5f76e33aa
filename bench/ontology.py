"""Similarities of all pairs of the Cell Ontology, from the file to the statistics that the command prints.

Our side is the whole command, from its start. The first peer is networkx, as its manual has it: pagerank from each term.
That takes half a minute for all terms, so every sixteenth is walked from, and the time counts for as many as there are;
reading and statistics are timed in full. The second peer is what can be had of numpy and scipy by hand: networkx's
iteration for all terms at once, each ending where it would alone. All give the same similarities.
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


def statistics(raw, num_terms):
    """What the command prints, of log(1 + rank / tau) of all pairs."""
    import numpy
    similarities = (raw - raw.min()) / (raw.max() - raw.min())
    numpy.fill_diagonal(similarities, 1)
    quantiles = numpy.quantile(similarities, (0.5, 0.95, 0.99))
    counts, _ = numpy.histogram(similarities, bins=50, range=(0, 1))
    summary = similarities.mean(), similarities.std(), quantiles, counts.cumsum()
    once = numpy.sort(similarities[numpy.triu_indices(num_terms, 1)])[::-1]
    once = once[once > 0]
    numpy.polyfit(numpy.log(once), numpy.log(numpy.arange(1, len(once) + 1) / len(once)), 1)
    _, often = numpy.unique(numpy.round(similarities[similarities > 0], 6), return_counts=True)
    often = numpy.sort(often)[::-1]
    numpy.polyfit(numpy.log(numpy.arange(1, len(often) + 1)), numpy.log(often), 1)
    return summary


class Clock:
    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def spent(self):
        return {"wall_s": time.perf_counter() - self.wall, "cpu_s": time.process_time() - self.cpu}


def networkx_peer(step):
    """Seconds of networkx for all terms, of which every `step`-th was walked from, and log(1 + rank / tau) of these."""
    import networkx
    import numpy
    clock = Clock()
    graph = read_graph()
    reading, clock = clock.spent(), Clock()
    sources = list(graph)[::step]
    ranks = [list(networkx.pagerank(graph, alpha=0.9, personalization={source: 1}).values()) for source in sources]
    walks, clock = clock.spent(), Clock()
    raw = numpy.log1p(numpy.array(ranks) / 1e-4)
    statistics(numpy.resize(raw, (len(graph), len(graph))), len(graph))  # as many, though not those of all terms
    rest, share = clock.spent(), len(graph) / len(sources)
    return {key: reading[key] + walks[key] * share + rest[key] for key in rest} | {"terms": len(graph)}, raw


def scipy_peer():
    """Seconds of networkx's iteration written for all terms at once, and log(1 + rank / tau) of all."""
    import networkx
    import numpy
    clock = Clock()
    graph = read_graph()
    n, damping = len(graph), 0.9
    adjacency = networkx.to_scipy_sparse_array(graph, weight=None, dtype=float, format="csr")
    degree = adjacency.sum(axis=1)
    dangling = degree == 0
    step = (adjacency / numpy.where(dangling, 1, degree)[None, :]).tocsr()
    ranks = numpy.empty((n, n))
    now, sources = numpy.full((n, n), 1 / n), numpy.arange(n)  # a column is a walk
    while len(sources) > 0:
        following = damping * (step @ now)
        following[sources, numpy.arange(len(sources))] += damping * now[dangling].sum(axis=0) + (1 - damping)
        settled = numpy.abs(following - now).sum(axis=0) < n * 1e-6
        ranks[sources[settled]] = following[:, settled].T
        now, sources = following[:, ~settled], sources[~settled]
    raw = numpy.log1p(ranks / 1e-4)
    statistics(raw.copy(), n)
    return clock.spent() | {"terms": n}, raw


def ours(command, tolerance, *more):
    """Seconds of the command and of its processors, the median of five, and what it printed."""
    import resource
    runs = []
    for _ in range(5):
        before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), Clock()
        done = subprocess.run([command, "ontology", "similarity", "--obo", OBO, "--stats", "--json", "--tolerance",
                               tolerance, *more], check=True, capture_output=True, text=True)
        wall, after = clock.spent()["wall_s"], resource.getrusage(resource.RUSAGE_CHILDREN)
        runs.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    stats = json.loads(done.stdout)
    wall, cpu = sorted(runs)[len(runs) // 2]
    return {"wall_s": wall, "cpu_s": cpu, "terms": stats["terms"]}, stats


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
    step, by_peer = 16, {"networkx": [], "scipy": []}
    for i in range(options.pairs):
        by_networkx, raw = networkx_peer(step)
        by_hand, raw_by_hand = scipy_peer()
        if i == 0:
            check_same(command, folder, raw, step)
            check_same(command, folder, raw_by_hand, 1)
        for tolerance in ("networkx", "exact"):
            a, _ = ours(command, tolerance)
            by_peer["networkx"].append((tolerance, (a, by_networkx)))
            by_peer["scipy"].append((tolerance, (a, by_hand)))
            print(f"ontology, {tolerance}: {a['wall_s']:.3f} s; networkx {by_networkx['wall_s']:.1f} s, scipy by hand "
                  f"{by_hand['wall_s']:.1f} s", file=sys.stderr)
    found = []
    for peer, name in (("networkx", "networkx"), ("scipy", "its iteration in scipy, all terms at once")):
        for tolerance in ("networkx", "exact"):
            pairs = [pair for of, pair in by_peer[peer] if of == tolerance]
            found.append(row(f"all pairs of the Cell Ontology from file to statistics, {tolerance}; peer: {name}", pairs,
                             lambda pair, key: [side["terms"] / side[key] for side in pair], "terms/s",
                             target if peer == "networkx" else None))
    return found, by_peer
