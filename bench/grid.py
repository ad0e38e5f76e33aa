"""A grid of runs with one frozen encoder, which share its embeddings, against the same runs one by one without a cache."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

from sides import row

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Geneformer 6 x 256 at random weights, pooled to one vector a cell, so that the decoder is no more work than it must be.
# Few cells: what a run costs beside encoding, which a grid does not spare, weighs more here than in any real one.
GRID = """
name = "bench"

[axes]
"adapter.plugin" = ["linear", "mlp", "perceiver", "qformer"]
"adapter.output_norm" = ["l2", "layer", "none"]

[base]
threads = {threads}
name = "bench"
seed = {seed}
data = {{ source = "h5ad", path = "data/demo/pbmc.h5ad" }}
split = {{ by = "cell", train = 0.06, validation = 0.02, test = 0.92 }}
descriptions = {{ ontology = "data/demo/cl.obo" }}
prompt = {{ system = "", user = "Cell: ", max_genes = 256 }}
adapter = {{ plugin = "mlp" }}
finetuning = {{ plugin = "full" }}
training = {{ epochs = 2, batch_size = 8, keep = "last" }}
generation = {{ beams = 1, max_new_tokens = 16 }}
evaluation = {{ max_cells = 20 }}
metrics = [{{ plugin = "overlap" }}, {{ plugin = "labels" }}]

[base.encoder]
plugin = "geneformer"
dictionaries = "data/demo/genes"
max_tokens = 258
level = "mean"
frozen = true
architecture = {{ layers = 6, width = 256, heads = 4, feed_forward = 1024 }}

[base.decoder]
plugin = "llama"
tokenizer = "data/demo/tokenizer/tokenizer.json"
architecture = {{ layers = 1, width = 64, heads = 4, kv_heads = 2, feed_forward = 128 }}
"""


def timed(arguments):
    before, began = os.times(), time.perf_counter()
    process = subprocess.run([str(a) for a in arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             text=True)
    if process.returncode != 0:
        sys.exit(f"bench/grid.py: {arguments} ended with {process.returncode}:\n{process.stderr}")
    after = os.times()
    return {"wall_s": time.perf_counter() - began,
            "cpu_s": after.children_user + after.children_system - before.children_user - before.children_system}


def rows(folder, options, command, target):
    file, shared, alone = folder / "grid.toml", folder / "shared", folder / "alone"
    file.write_text(GRID.format(threads=options.threads, seed=options.seed))
    pairs = []
    for _ in range(options.pairs):
        for made in (shared, alone):
            shutil.rmtree(made, ignore_errors=True)
        a = timed([command, "grid", file, "--out", shared])
        b = {"wall_s": 0, "cpu_s": 0}
        runs = sorted((shared / "runs").iterdir())
        for run in runs:
            part = timed([command, "run", run / "grid_point.toml", "--set", "encoder.cache=none", "--out",
                          alone / run.name])
            b = {key: b[key] + part[key] for key in b}
            for name in ("predictions.jsonl", "metrics.json"):
                if (run / name).read_bytes() != (alone / run.name / name).read_bytes():
                    sys.exit(f"bench/grid.py: with shared embeddings {run.name} gives another {name}")
        pairs.append((a, b))
        print(f"grid of {len(runs)}: {a['wall_s']:.1f} s shared, {b['wall_s']:.1f} s alone", file=sys.stderr)
    return [row("12 runs with one frozen encoder as a grid, peer: one by one without a cache", pairs,
                lambda pair, key: [len(runs) / (side[key] / 60) for side in pair], "runs/min", target)], pairs
