"""Normalised Shannon diversity by scipy: diversity.txt, a line each: the diversity, then the counts."""
import argparse
import pathlib

import numpy as np
from scipy.stats import entropy

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)

with open(arguments.folder / "diversity.txt", "w") as file:
    for _ in range(100):
        counts = random.zipf(1.3, random.integers(2, 800)).clip(max=10**8) * random.integers(0, 2)
        counts[:2] += 1
        present = counts[counts > 0]
        print(repr(float(entropy(present, base=2) / np.log2(len(present)))), *counts, file=file)
