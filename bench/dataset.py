"""Rows of bench/run.py on the dataset builder, all on cells that make_cells.py makes up: its two costly computations
beside scanpy and ctxcore, the reading of cells in random order beside anndata and h5py, and whole builds at two sizes."""
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import time

from sides import Sampler, limit_row, measured, per_second, row

HERE = pathlib.Path(__file__).resolve().parent
SETS = HERE.parent / "data/demo/pathways/h.all.v2025.1.Hs.symbols.gmt"
TARGETS = {"hvg": 3.0, "aucell": 200.0, "loader": 0.5, "memory": 6 * 1024}
TOP = 2_000  # highly variable genes
BATCH, BLOCK = 64, 8_192  # cells that training sees together; cells read at once
RANDOM_SECONDS = 10  # of anndata's random access, which would take minutes for all


def made_cells(folder, cells, seed, in_one_file=True):
    """Files of so many cells, made where they are missing."""
    path = folder / f"made-{cells}"
    if not path.exists():
        partial = folder / f"made-{cells}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        subprocess.run([sys.executable, HERE / "make_cells.py", "-o", partial, "--cells", str(cells), "--seed", str(seed),
                        "--gmt", SETS, *(["--cells-per-file", str(cells)] if in_one_file else [])], check=True)
        partial.rename(path)
    return path


def same(ours, theirs, tolerance):
    """Whether lists of numbers agree, None (no number) with None."""
    return len(ours) == len(theirs) and all((a is None) == (b is None) and
                                            (a is None or abs(a - b) <= tolerance * max(1, abs(b)))
                                            for a, b in zip(ours, theirs))


def speeds(pair, key):
    return [per_second(side, "repeats", side["done"], key) for side in pair]


def hvg_rows(folder, options, bench):
    path = made_cells(folder, options.dataset_cells, options.seed) / "made-0001.h5ad"
    pairs = []
    for _ in range(options.pairs):
        a = measured([bench, "hvg", path, 3, TOP], threads=1)
        b = measured([sys.executable, HERE / "peer_dataset.py", "hvg", path, 3, TOP], threads=1)
        if a.pop("highly_variable") != b.pop("highly_variable"):
            sys.exit("bench/run.py: other genes are highly variable")
        if not same(a.pop("dispersions"), b.pop("dispersions"), 1e-5):
            sys.exit("bench/run.py: normalised dispersions differ")
        pairs.append((a, b))
        print(f"hvg: {[round(speed) for speed in speeds((a, b), 'wall_s')]} cells/s", file=sys.stderr)
    with_reading = lambda pair, key: [side["cells"] / (side["read"][key] + side["repeats"][0][key]) for side in pair]
    name = f"normalising, log1p and {TOP:,} highly variable genes of {a['cells']:,} cells"
    return [row(f"{name}, one thread; peer: scanpy", pairs, speeds, "cells/s", TARGETS["hvg"]),
            row("the same, reading of the file included", pairs, with_reading, "cells/s", None)], pairs


def aucell_rows(folder, options, bench):
    path = made_cells(folder, options.dataset_cells, options.seed) / "made-0001.h5ad"
    pairs = []
    for _ in range(options.pairs):
        b = measured([sys.executable, HERE / "peer_dataset.py", "aucell", path, SETS, options.aucell_cells], threads=1)
        a = measured([bench, "aucell", path, SETS, 3, b["done"]], threads=1)
        if not same(a.pop("scores"), b.pop("scores"), 1e-6):
            sys.exit("bench/run.py: AUCell scores differ")
        pairs.append((a, b))
        print(f"aucell: {[round(speed) for speed in speeds((a, b), 'wall_s')]} cells/s", file=sys.stderr)
    expected = [(a | {"repeats": a["expected"]}, b) for a, b in pairs]
    return [row(f"AUCell of 50 sets, {a['cells']:,} cells, ties by column, one thread; peer: ctxcore, {b['done']:,} of the cells",
                pairs, speeds, "cells/s", TARGETS["aucell"]),
            row("the same with the scores expected over all orders of ties", expected, speeds, "cells/s", None)], pairs


def loader_rows(folder, options, bench):
    path = made_cells(folder, options.loader_cells, options.seed) / "made-0001.h5ad"
    peer, runs = [sys.executable, HERE / "peer_dataset.py"], []
    for _ in range(options.pairs):
        ours = measured([bench, "loader", path, BATCH, BLOCK, options.seed], options.threads)
        in_order = measured([*peer, "sequential", path, BLOCK], options.threads)
        backed = measured([*peer, "random", path, BATCH, RANDOM_SECONDS], options.threads)
        if ours["values"] != in_order["values"]:
            sys.exit(f"bench/run.py: {ours['values']} counts were read, and h5py finds {in_order['values']}")
        if ours["entropy_share"] < 0.95:
            sys.exit(f"bench/run.py: the batches' entropy is {ours['entropy_share']:.3f} of that of a random order; at "
                     "least 0.95 is to be shown")
        runs.append((ours, ours | {"repeats": ours["sequential"]}, in_order, backed))
        print("loader, in order, h5py in order, anndata: "
              f"{[round(speed) for speed in speeds(runs[-1], 'wall_s')]} cells/s", file=sys.stderr)
    pairs_of = lambda a, b: [(run[a], run[b]) for run in runs]
    name = (f"{ours['done']:,} cells in batches of {BATCH} of {100 * min(run[0]['entropy_share'] for run in runs):.1f}% of a "
            "random order's entropy, file in the page cache")
    return [row(f"{name}; peer: anndata, backed, random rows", pairs_of(0, 3), speeds, "cells/s", None),
            row("the same; peer: h5py reads the file in order, the limit", pairs_of(0, 2), speeds, "cells/s",
                TARGETS["loader"]),
            row("our source reads the file in order; peer: h5py", pairs_of(1, 2), speeds, "cells/s", None)], runs


def build_file(source, cells):
    """Of a whole build, four fifths of the cells sampled."""
    return (f'name = "scale"\nseed = 1\n\n[sample]\ncells = {cells * 4 // 5}\n\n[pathways]\nsets = "{SETS}"\n'
            f'descriptions = "{SETS.parent / "hallmark_descriptions.tsv"}"\n\n[descriptions]\n'
            f'ontology = "{SETS.parent.parent / "cl.obo"}"\n\n[[sources]]\nplugin = "h5ad"\npath = "{source}/*.h5ad"\n')


def build(folder, options, command, cells):
    """One build from nothing: seconds of each stage and of all, and its memory."""
    source, out = made_cells(folder, cells, options.seed, in_one_file=False), folder / f"built-{cells}"
    shutil.rmtree(out, ignore_errors=True)
    file = folder / f"build-{cells}.toml"
    file.write_text(build_file(source, cells))
    began = time.perf_counter()
    process = subprocess.Popen([command, "dataset", "build", file, "--out", out, "--threads", str(options.threads)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    sampler = Sampler(process.pid)
    _, errors = process.communicate()
    memory, seconds = sampler.stop(), time.perf_counter() - began
    if process.returncode != 0:
        sys.exit(f"bench/run.py: the build of {cells:,} cells ended with {process.returncode}:\n{errors}")
    stages = {path.parent.name: json.loads(path.read_text())["seconds"] for path in out.glob("stages/*/stage.json")}
    tables = {path.parent.name: list(csv.reader(path.open())) for path in out.glob("stages/*/table.csv")}
    found = {"cells": cells, "seconds": seconds, "stages": stages, "tables": {name: table[:20] for name, table in tables.items()},
             "bytes": sum(path.stat().st_size for path in out.rglob("*") if path.is_file())} | memory
    print(f"scale: {cells:,} cells in {seconds:.1f} s, {memory['vm_hwm_mib']} MiB; "
          + ", ".join(f"{name} {spent:.1f} s" for name, spent in sorted(stages.items(), key=lambda s: s[1])), file=sys.stderr)
    shutil.rmtree(out)
    if not options.keep:
        shutil.rmtree(source)
    return found


def scale_rows(folder, options, command):
    """Each size once: a build takes minutes, and is no pair."""
    runs = [build(folder, options, command, int(cells)) for cells in options.scale.split(",")]
    rows = []
    for run in runs:
        for stage in ("filter", "sample", "split", "genes", "pathways", "describe", "write"):
            if stage in run["stages"]:
                rows.append(limit_row(f"dataset of {run['cells']:,} made-up cells: {stage}", [run["stages"][stage]], "s", None))
        rows += [limit_row(f"dataset of {run['cells']:,} made-up cells: whole build", [run["seconds"]], "s", None),
                 limit_row(f"dataset of {run['cells']:,} made-up cells: peak memory", [run["vm_hwm_mib"]], "MiB",
                           TARGETS["memory"])]
    if len(runs) > 1:
        first, last = runs[0], runs[-1]
        growth = last["seconds"] / first["seconds"] / (last["cells"] / first["cells"])
        rows.append(limit_row(f"seconds a cell at {last['cells']:,} over those at {first['cells']:,}", [growth], "x", None))
    return rows, runs
