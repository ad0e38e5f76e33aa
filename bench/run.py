#!/usr/bin/env python3
"""Times this program against transformers and numpy on the same work, side by side in one run.

Usage: .deps/env/bin/python bench/run.py [--pairs 3] [--only train,lora,generate,tokenize,encoders,tokenizer,describe,
                                         ontology,overlap,bertscore,real_lora,real_decoding,real_gemma,hvg,aucell,
                                         loader,scale,grid,drafts,confidence,restricted]
                                         [--steps 9] [--docs]

Both sides of a pair run one after the other, and the pairs in turn, so that what slows the machine slows both. A row is
the median over the pairs. Before any time counts, both sides must give the same answer: the loss of the first cells,
the generated texts, the gene tokens. Writes bench/results/DATE-MACHINE.json and prints the table as Markdown; --docs
puts the tables of the day's machines into docs/benchmarks.md. Rows of earlier runs of the same day, machine and versions
are kept beside.
Needs: cmake --build build/release --target bench, and the oracles' environment.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import bertscore
import dataset
import described
import grid
import inputs
import ontology
import overlap
import real_sizes
from results_file import kept, put_into_docs, table, versions
from sides import limit_row, measured, memory_row, per_second, row, training_pairs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
OURS = COMMAND = None  # set by main
TARGETS = {"train": 2.5, "train_memory": 0.7, "lora": 2.5, "generate": 3.0, "together": 1.5, "tokenize": 3.0,
           "describe": 1.0, "tokenizer": 1.0, "encode": 2.0, "load": 10.0, "workers": 1.8, "cache": 5.0,
           "padding": 10.0, "ontology": 150.0, "overlap": 100.0, "grid": 1.67, "drafts": 2.0}
OWN_INPUTS = {"tokenizer", "ontology", "overlap", "hvg", "aucell", "loader", "scale", "grid", "drafts", "confidence",
              "restricted"}


def ours(what, folder, *numbers, threads):
    return measured([OURS, what, folder / f"{what}.toml", *numbers], threads)


def peer(what, folder, *numbers, threads):
    return measured([sys.executable, HERE / "peer.py", what, folder, *numbers], threads)


def pairs_of_training(folder, options, what):
    """`what` is the experiment, and the peer's word for it."""
    check = 8
    return training_pairs(what, ([OURS, "train", folder / f"{what}.toml", check],
                                 [sys.executable, HERE / "peer.py", what, folder, check, options.steps]),
                          options, inputs.SHAPES["batch_size"], tolerance=1e-4)


def bench_train(folder, options):
    pairs, rates = pairs_of_training(folder, options, "train")
    return [row("training step, full", pairs, rates, "cells/s", TARGETS["train"]),
            memory_row("training step, full: peak memory", pairs, TARGETS["train_memory"])], pairs


def bench_lora(folder, options):
    pairs, rates = pairs_of_training(folder, options, "lora")
    return [row("training step, LoRA r 16", pairs, rates, "cells/s", TARGETS["lora"])], pairs


def bench_generate(folder, options):
    cells, repeats, pairs = 4, 2, []
    for _ in range(options.pairs):
        a = ours("generate", folder, cells, repeats, threads=options.threads)
        b = peer("generate", folder, cells, repeats, threads=options.threads)
        if any(x.strip() != y.strip() for x, y in zip(a["texts"], b["texts"])):
            sys.exit("bench/run.py: the generated texts differ")
        pairs.append((a, b))
        print(f"generate: {[round(per_second(s, 'repeats', cells * repeats), 3) for s in (a, b)]} cells/s",
              file=sys.stderr)
    together = []
    for _ in range(options.pairs):
        a, b = (ours("generate", folder, 8, 1, size, threads=options.threads) for size in (8, 1))
        if sorted(a["texts"]) != sorted(b["texts"]):
            sys.exit("bench/run.py: 8 cells together give other texts than one at a time")
        together.append((a, b))
        print(f"8 cells: {[round(per_second(s, 'repeats', 8), 3) for s in (a, b)]} cells/s", file=sys.stderr)
    speed = lambda count: lambda pair, key: [per_second(side, "repeats", count, key) for side in pair]
    return [row("4-beam generation of 64 tokens, 4 cells", pairs, speed(cells * repeats), "cells/s",
                TARGETS["generate"]),
            row("the same for 8 cells together; peer: ours, one at a time", together, speed(8), "cells/s",
                TARGETS["together"])], [pairs, together]


def bench_tokenize(folder, options):
    cells, repeats, pairs = options.many, 5, []
    for _ in range(options.pairs):
        a = ours("tokenize", folder, cells, repeats, threads=1)
        b = peer("tokenize", folder, cells, repeats, threads=1)
        if (a["tokens"], a["first_genes"]) != (b["tokens"], b["first_genes"]):
            sys.exit("bench/run.py: the gene tokens differ")
        pairs.append((a, b))
        print(f"tokenize: {[round(per_second(s, 'repeats', cells * repeats, 'cpu_s')) for s in (a, b)]} cells/s of CPU",
              file=sys.stderr)
    return [row("tokenising cells of 2,000 expressed genes, one core", pairs, lambda pair, key: [
        per_second(side, "repeats", cells * repeats, key) for side in pair], "cells/s", TARGETS["tokenize"])], pairs


def encoder_pairs(folder, options, words, repeats, threads, count):
    """`words`: ours (what, plugin, model, file) and the peer's."""
    threads = threads or (options.threads, options.threads)
    mine, theirs = words
    pairs = []
    for _ in range(count):
        a = measured([OURS.with_name("bench_encoders"), mine[0], mine[1], folder / mine[2], folder / mine[3], repeats],
                     threads[0])
        if theirs[0] == "ours":
            b = measured([OURS.with_name("bench_encoders"), *theirs[1:3], folder / theirs[3], folder / theirs[4],
                          repeats], threads[1])
        else:
            b = measured([sys.executable, HERE / "peer_encoders.py", theirs[0], folder, *theirs[1:], repeats], threads[1])
        if a["tokens"] != b["tokens"]:
            sys.exit(f"bench/run.py: the tokens differ: {a['tokens']} and {b['tokens']}")
        if "sums" in a and max(abs(x - y) for x, y in zip(a["sums"], b["sums"])) > 1e-4:
            sys.exit("bench/run.py: the embeddings differ")
        pairs.append((a, b))
        print(f"{mine}: {[round(per_second(s, 'repeats', a['cells'] * repeats), 3) for s in (a, b)]} cells/s",
              file=sys.stderr)
    return pairs, lambda pair, key: [per_second(side, "repeats", a["cells"] * repeats, key) for side in pair]


def bench_encoders(folder, options):
    if not (folder / "scgpt").exists():
        subprocess.run([sys.executable, HERE / "peer_encoders.py", "make", folder, str(options.seed)], check=True)
    rows, runs = [], {}
    for name, target, words, repeats, threads, pairs_of_row in (
            ("Geneformer 6 x 256, cells of 1,840 tokens, peer pads batches of 8", "encode",
             (("encode", "geneformer", "geneformer", "mixed.h5ad"), ("geneformer", "geneformer", "mixed.h5ad")),
             1, None, options.pairs),
            ("the same, peer sorts by length first", None,
             (("encode", "geneformer", "geneformer", "mixed.h5ad"), ("sorted", "geneformer", "mixed.h5ad")),
             1, None, options.pairs),
            ("Geneformer 18 x 1152, 8 cells, peer pads a batch of 8 (one pair: four minutes)", "encode",
             (("encode", "geneformer", "large", "few.h5ad"), ("geneformer", "large", "few.h5ad")), 1, None, 1),
            ("scGPT 12 x 512, 8 cells of up to 1,200 tokens, peer pads a batch of 8", "encode",
             (("encode", "scgpt", "scgpt", "few.h5ad"), ("scgpt", "scgpt", "few.h5ad")), 2, None, options.pairs),
            ("from file to token batches, peer reads by rows", "load",
             (("load", "geneformer", "geneformer", "lengths.h5ad"), ("load", "geneformer", "lengths.h5ad")),
             2, None, options.pairs),
            ("tokenising with two threads instead of one", "workers",
             (("tokenize", "geneformer", "geneformer", "lengths.h5ad"),
              ("ours", "tokenize", "geneformer", "geneformer", "lengths.h5ad")), 60, (2, 1), options.pairs)):
        if not re.search(options.rows, name):
            continue
        pairs, rates = encoder_pairs(folder, options, words, repeats, threads, pairs_of_row)
        rows.append(row(name, pairs, rates, "cells/s", TARGETS.get(target)))
        runs[name] = pairs
        if words[0][0] == "load":
            a = pairs[0][0]
            share = 100 * (1 - a["tokens"] / a["padded_tokens"])
            rows.append(limit_row("padding of these batches of 8, of all tokens", [share], "%", TARGETS["padding"]))
        for side in (s for pair in pairs for s in pair):
            side.pop("sums", None)
    pairs = []
    for _ in range(options.pairs):
        both = measured([OURS.with_name("bench_encoders"), "cache", "geneformer", folder / "geneformer",
                         folder / "mixed.h5ad", 0], options.threads)
        pairs.append(tuple({"repeats": [both[run]], "cells": both["cells"]} for run in ("second", "first")))
    rows.append(row("the same Geneformer, embeddings found in the cache instead of computed", pairs, lambda pair, key: [
        per_second(side, "repeats", side["cells"], key) for side in pair], "cells/s", TARGETS["cache"]))
    runs["cache"] = pairs
    return rows, runs


def bench_tokenizer(folder, options):
    """Llama 3's vocabulary, a text of 10 MB, one thread; skipped where the tokenizer is not at hand."""
    shared = pathlib.Path(os.environ.get("CELL2TEXT_SHARED_DATA", ROOT / "../shared/data"))
    model, script, pairs = shared / "tokenizers/llama3/tokenizer.model", HERE / "peer_tokenizer.py", []
    if not model.exists():
        print(f"tokenizer: skipped, {model} is not there (CELL2TEXT_SHARED_DATA names the folder)", file=sys.stderr)
        return [], []
    if not (folder / "text.txt").exists():
        subprocess.run([sys.executable, script, "make", folder, model], check=True)
    for _ in range(options.pairs):
        a = measured([OURS.with_name("bench_tokenizer"), folder / "llama3.json", folder / "text.txt", 3], threads=1)
        b = measured([sys.executable, script, "run", folder, 3], threads=1)
        if any(a[form][key] != b[form][key] for form in ("whole", "lines") for key in ("tokens", "sum")):
            sys.exit("bench/run.py: the tokens differ")
        pairs.append((a, b))
        print(f"tokenizer: {[round(per_second(s['whole'], 'repeats', 30, 'cpu_s'), 1) for s in (a, b)]} MB/s of CPU",
              file=sys.stderr)
    return [row(f"encoding a text of 10 MB with Llama 3's vocabulary, {words}, one thread", pairs, lambda pair, key: [
        per_second(side[form], "repeats", 30, key) for side in pair], "MB/s", TARGETS["tokenizer"])
        for form, words in (("whole", "at once"), ("lines", "line by line"))], pairs


def bench_describe(folder, options):
    """The quickstart's model, trained for a few steps: its texts run to their limit, which is the slowest case."""
    run = folder / "quickstart"
    if not (run / "model").exists():
        subprocess.run([COMMAND, "run", "examples/quickstart.toml", "--out", run, "--set", "training.max_steps=1",
                        "--set", "split.train=0.1", "--set", "split.validation=0.88", "--set", "split.test=0.02",
                        "--set", "training.keep=last", "--set", "generation.max_new_tokens=100"],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, whole = [], []
    for i in range(options.pairs + 1):
        out = folder / "described.jsonl"
        out.unlink(missing_ok=True)
        began = time.perf_counter()
        process = subprocess.Popen([COMMAND, "describe", "data/demo/pbmc.h5ad", "--model", run / "model", "-o", out,
                                    "--threads", str(options.threads)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        first = None
        for line in process.stderr:
            if first is None and line.startswith("describing"):
                first = time.perf_counter() - began
        if process.wait() != 0 or first is None:
            sys.exit("bench/run.py: describe failed, or did not say when its first cell was done")
        if i > 0:  # the first run fills the page cache
            seconds.append(first)
            whole.append(time.perf_counter() - began)
    print(f"describe: first cell after {[round(s, 2) for s in seconds]} s", file=sys.stderr)
    print(f"describe: all cells after {statistics.median(whole):.2f} s", file=sys.stderr)
    return [limit_row("describe: start to first cell, quickstart model", seconds, "s", TARGETS["describe"])], seconds


def bench_drafts(folder, options):
    return described.draft_rows(folder, options, COMMAND, OURS.with_name("bench_described"), TARGETS["drafts"])


def bench_confidence(folder, options):
    return described.confidence_rows(folder, options, COMMAND, OURS.with_name("bench_described"))


def bench_restricted(folder, options):
    return described.restricted_rows(folder, options, COMMAND, OURS.with_name("bench_described"))


def bench_real_lora(folder, options):
    return real_sizes.lora_rows(folder, options, OURS)


def bench_real_decoding(folder, options):
    return real_sizes.decoding_rows(folder, options, OURS)


def bench_real_gemma(folder, options):
    return real_sizes.gemma_rows(folder, options, OURS)


def bench_ontology(folder, options):
    return ontology.rows(folder, options, COMMAND, TARGETS["ontology"])


def bench_overlap(folder, options):
    return overlap.rows(folder, options, OURS.with_name("bench_overlap"), TARGETS["overlap"])


def bench_bertscore(folder, options):
    return bertscore.rows(folder, options, OURS.with_name("bench_bertscore"))


def bench_hvg(folder, options):
    return dataset.hvg_rows(folder, options, OURS.with_name("bench_dataset"))


def bench_aucell(folder, options):
    return dataset.aucell_rows(folder, options, OURS.with_name("bench_dataset"))


def bench_loader(folder, options):
    return dataset.loader_rows(folder, options, OURS.with_name("bench_dataset"))


def bench_scale(folder, options):
    return dataset.scale_rows(folder, options, COMMAND)


def bench_grid(folder, options):
    return grid.rows(folder, options, COMMAND, TARGETS["grid"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=9, help="training steps of a pair; the first is not timed")
    parser.add_argument("--only", default="train,lora,generate,tokenize,encoders,tokenizer,describe,ontology,grid")
    parser.add_argument("--rows", default="", help="of the encoders only rows whose name has this regular expression")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--many", type=int, default=4096, help="cells to tokenise")
    parser.add_argument("--dataset-cells", type=int, default=20_000, help="made-up cells of the rows hvg and aucell")
    parser.add_argument("--aucell-cells", type=int, default=2_000, help="of these, cells that ctxcore scores (30 a second)")
    parser.add_argument("--loader-cells", type=int, default=400_000, help="8 kB of disk each")
    parser.add_argument("--scale", default="100000,1000000", help="cells of the builds of the row scale, 30 kB of disk each")
    parser.add_argument("--model", help="a trained model folder, for drafts, confidence, restricted; else the quickstart's is trained")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="folder of the inputs, kept and used again")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--docs", action="store_true", help="put the table of the results file into docs/benchmarks.md")
    parser.add_argument("--no-results", action="store_true", help="write no file under bench/results")
    options = parser.parse_args()
    global OURS, COMMAND
    OURS, COMMAND = (options.build / "bin" / name for name in ("bench_cell2text", "cell2text"))
    wanted = options.only.split(",")
    own_inputs = set(wanted) <= OWN_INPUTS
    needed = COMMAND if own_inputs else OURS
    if not needed.exists():
        sys.exit(f"bench/run.py: {needed} is not there; cmake --build build/release --target bench")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or pathlib.Path(temporary)).resolve()
        if not own_inputs:
            if not (folder / "inputs.npz").exists():
                inputs.make(folder, options.seed, num_cells=32, many_cells=options.many)
            inputs.write_experiments(folder, options.steps)
            for what in ("train", "generate"):
                if not (folder / f"weights-{what}").exists():
                    measured([OURS, "save", folder / f"{what}.toml", folder / f"weights-{what}"], options.threads)
        about = versions() | {"date": str(datetime.date.today()), "threads": options.threads, "pairs": options.pairs,
                              "steps": options.steps, "seed": options.seed, "shapes": inputs.SHAPES}
        rows, runs = [], {}
        for what in wanted:
            found, runs[what] = globals()[f"bench_{what}"](folder, options)
            rows += found
    print(table(rows, about))
    if options.no_results:
        return
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    machine = re.sub(r"[^a-z0-9]+", "-", f"{about['cpu']} {about['cores']} cores".lower()).strip("-")
    path = results / f"{about['date']}-{machine}.json"
    result = kept(path, about, rows, runs)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {path.relative_to(ROOT)}", file=sys.stderr)
    if options.docs:  # of each machine that was measured on this day
        day = [json.loads(path.read_text()) for path in sorted(results.glob(f"{about['date']}-*.json"))]
        put_into_docs("\n\n".join(table(one["rows"], one["about"]) for one in day))


if __name__ == "__main__":
    main()
