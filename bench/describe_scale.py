#!/usr/bin/env python3
"""Describes made-up cells at two sizes: peak memory of each, and of the larger one that it ends with the same values when
it was killed three times.

Usage: .deps/env/bin/python bench/describe_scale.py --model DIR -o DIR [--cells 10000 100000] [--seed 0] [-- OPTIONS of describe]

The model should be very small (tests/driver/tiny_model.hpp says how one is trained in a second): what is measured is what
grows with the number of cells. Cells come of make_cells.py, 100 genes each.
"""
import argparse
import datetime
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

from sides import Sampler

HERE = pathlib.Path(__file__).resolve().parent
COMMAND = HERE.parent / "build/release/bin/cell2text"
GENE_SETS = HERE.parent / "data/demo/pathways/h.all.v2025.1.Hs.symbols.gmt"
DATE = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def made_cells(folder, cells, seed):
    path = folder / f"made-{cells}"
    if not path.exists():
        subprocess.run([sys.executable, HERE / "make_cells.py", "-o", path, "--cells", str(cells), "--seed", str(seed),
                        "--nonzeros", "100", "--gmt", GENE_SETS, "--cells-per-file", str(cells)], check=True)
    return path / "made-0001.h5ad"


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def describe(cells, out, options, kill_at=None):
    """Seconds, peaks of memory, and whether it ended; killed when its part has so many lines."""
    part = pathlib.Path(f"{out}.cell2text-part")
    begun = time.monotonic()
    with open(options.out / "log", "w") as log:
        child = subprocess.Popen([COMMAND, "describe", cells, "--model", options.model, "-o", out, *options.describe],
                                 stderr=log)
        sampler = Sampler(child.pid)
        while child.poll() is None:
            if kill_at and lines(part) >= kill_at:
                child.send_signal(signal.SIGKILL)
                kill_at = None
            time.sleep(0.05)
    peaks = sampler.stop()
    if child.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"describe ended with {child.returncode}: {(options.out / 'log').read_text()}")
    return time.monotonic() - begun, f"{peaks['anonymous_mib']} ({peaks['vm_hwm_mib']})", child.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    parser.add_argument("--cells", type=int, nargs=2, default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("describe", nargs="*")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(datetime.date.today(), "cells, output, seconds, peak MiB (with mapped pages)")
    for ending in ("h5ad", "jsonl"):
        for count in options.cells:
            whole = options.out / f"whole-{count}.{ending}"
            seconds, peak, _ = describe(made_cells(options.out, count, options.seed), whole, options)
            print(f"{count:,}, {ending}, {seconds:.1f}, {peak}", flush=True)
        parts = options.out / f"parts.{ending}"
        random.seed(options.seed)
        windows, peaks = 0, []
        for kill in range(3):
            windows = lines(pathlib.Path(f"{parts}.cell2text-part")) + random.randrange(20, count // 256 // 4)
            _, peak, done = describe(made_cells(options.out, count, options.seed), parts, options, windows)
            peaks.append(peak)
            if done:
                sys.exit("it ended before it was killed")
        seconds, peak, _ = describe(made_cells(options.out, count, options.seed), parts, options)
        same = DATE.sub(b"", parts.read_bytes()) == DATE.sub(b"", whole.read_bytes())
        print(f"{count:,}, {ending}, killed three times, last at {windows} lines: peaks "
              f"{', '.join(peaks + [peak])} MiB; {'the same' if same else 'OTHER'} bytes but for the date",
              flush=True)
        if not same:
            sys.exit(1)


main()
